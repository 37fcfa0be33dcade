import { describe, expect, test } from '@jest/globals';
import { beforeAllEvents, cursorAfter, firstCursorOf, parseEventCursor, writeEventCursor } from './event-log.ts';

describe('a place in the event log', () => {
  test('sorts by epoch, then by counter, as an integer and as it is written and read again', () => {
    const places = [
      beforeAllEvents,
      cursorAfter(beforeAllEvents, 1),
      firstCursorOf(1),
      cursorAfter(firstCursorOf(1), 2 ** 40 - 1),
      firstCursorOf(2),
      cursorAfter(firstCursorOf(12), 345),
      firstCursorOf(2 ** 23 - 1),
      cursorAfter(firstCursorOf(2 ** 23 - 1), 2 ** 40 - 1),
    ];
    expect(places.toSorted((a, b) => (a < b ? -1 : 1))).toEqual(places);
    expect(new Set(places).size).toBe(places.length);
    expect(places.map((place) => parseEventCursor(writeEventCursor(place)))).toEqual(places);
    expect(places.at(-1)).toBe(2n ** 63n - 1n);
    expect(writeEventCursor(cursorAfter(firstCursorOf(12), 345))).toBe('12-345');
    expect(parseEventCursor(' 12-345 ')).toBe(cursorAfter(firstCursorOf(12), 345));
  });

  test.each([
    '',
    '12',
    '12-',
    '-1',
    '-1-2',
    '1-2-3',
    '01-2',
    '1-02',
    '+1-2',
    '1.5-2',
    'a-b',
    '8388608-0',
    '1-1099511627776',
  ])('is not %j', (text) => {
    expect(parseEventCursor(text)).toBeNull();
  });
});
