import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createDateText, isTimeZone } from './date-text.ts';

describe('createDateText', () => {
  test.each([
    ['Asia/Shanghai', '2016-12-08T07:58:29Z', 'Dec 8, 2016 3:58:29 PM'],
    ['UTC', '2016-12-08T07:58:29.999Z', 'Dec 8, 2016 7:58:29 AM'],
    ['UTC', '2024-02-29T00:00:00Z', 'Feb 29, 2024 12:00:00 AM'],
    ['UTC', '2024-02-29T12:00:00Z', 'Feb 29, 2024 12:00:00 PM'],
    ['UTC', '2023-12-31T23:59:59Z', 'Dec 31, 2023 11:59:59 PM'],
    ['Asia/Shanghai', '2023-12-31T23:59:59Z', 'Jan 1, 2024 7:59:59 AM'],
    ['America/New_York', '2024-03-10T06:59:59Z', 'Mar 10, 2024 1:59:59 AM'],
    ['America/New_York', '2024-03-10T07:00:00Z', 'Mar 10, 2024 3:00:00 AM'],
    ['Asia/Kathmandu', '2024-09-05T00:00:00Z', 'Sep 5, 2024 5:45:00 AM'],
  ])('in %s writes %s as %s', (timeZone, instant, text) => {
    expect(createDateText(timeZone)(new Date(instant))).toBe(text);
  });

  test('is plain ASCII in the form that the original’s clients parse, and says the right instant', () => {
    const write = createDateText('UTC');
    const instants = fc.date({ min: new Date(0), max: new Date(Date.UTC(2100, 0)), noInvalidDate: true });
    fc.assert(
      fc.property(instants, (at) => {
        const text = write(at);
        expect(text).toMatch(/^[A-Z][a-z]{2} [1-9]\d?, \d{4} [1-9]\d?:\d\d:\d\d [AP]M$/);
        expect(Date.parse(`${text} UTC`)).toBe(Math.floor(at.getTime() / 1000) * 1000);
      }),
      { numRuns: 300 },
    );
  });
});

test('isTimeZone knows IANA names', () => {
  expect(isTimeZone('Asia/Shanghai')).toBe(true);
  expect(isTimeZone('UTC')).toBe(true);
  expect(isTimeZone('Mars/Olympus')).toBe(false);
  expect(isTimeZone('')).toBe(false);
});
