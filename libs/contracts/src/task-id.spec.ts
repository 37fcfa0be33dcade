import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { asTaskId, firstTaskIdAt, parseTaskId, taskIdTimeMs, type TaskId } from './task-id.ts';

const largest = 2n ** 63n - 1n;

describe('parseTaskId', () => {
  test('reads every positive 64-bit integer exactly, blanks around it or not', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: largest }), fc.constantFrom('', ' ', '\t '), (id, blank) => {
        expect(parseTaskId(`${blank}${id}${blank}`)).toBe(id);
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    '',
    ' ',
    '0',
    '-1',
    '+1',
    '1.0',
    '1e3',
    '0x1f',
    '1_000',
    'one',
    '1 2',
    '١',
    `${largest + 1n}`,
    '9'.repeat(20),
  ])('refuses %j', (text) => {
    expect(parseTaskId(text)).toBeNull();
  });

  test('takes the largest Java long', () => {
    expect(parseTaskId('9223372036854775807')).toBe(largest);
    expect(asTaskId(largest + 1n)).toBeNull();
    expect(asTaskId(0n)).toBeNull();
  });
});

describe('the time within an id', () => {
  test('is that of the seed’s example', () => {
    const made = taskIdTimeMs(806769905152840693n as TaskId);
    expect(new Date(made).toISOString()).toMatch(/^2016-12-08T07:58:29\./);
  });

  test('comes back from the smallest id of an instant, and orders ids', () => {
    const instant = fc.integer({ min: 1288834974657, max: 3_000_000_000_000 });
    fc.assert(
      fc.property(instant, instant, (a, b) => {
        expect(taskIdTimeMs(firstTaskIdAt(a))).toBe(a);
        expect(firstTaskIdAt(a) < firstTaskIdAt(b)).toBe(a < b);
      }),
      { numRuns: 300 },
    );
  });

  test('stays within 64 bits, whatever the instant', () => {
    expect(firstTaskIdAt(0)).toBe(0n);
    expect(firstTaskIdAt(Date.UTC(2080, 0))).toBeLessThan(largest);
    expect(firstTaskIdAt(Date.UTC(9999, 11))).toBe(largest);
  });
});
