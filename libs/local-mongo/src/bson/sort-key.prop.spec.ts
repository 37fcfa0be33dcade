import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { anyBsonValue } from '../../testing/arbitrary.ts';
import { compareText, compareValues } from './compare.ts';
import { compoundKey, invertKey, sortKey } from './sort-key.ts';
import { toRaw } from './writer.ts';

const raw = anyBsonValue.map(toRaw);

describe('sort keys', () => {
  test('order as the values do', () => {
    fc.assert(
      fc.property(raw, raw, (a, b) => {
        expect(Math.sign(compareText(sortKey(a), sortKey(b)))).toBe(Math.sign(compareValues(a, b)));
      }),
      { numRuns: 3000 },
    );
  });

  test('of several values order by the first that differs, turned around where descending', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(raw, raw, fc.boolean()), { minLength: 1, maxLength: 3 }), (parts) => {
        const descending = parts.map(([, , flag]) => flag);
        const left = compoundKey(
          parts.map(([a]) => a),
          descending,
        );
        const right = compoundKey(
          parts.map(([, b]) => b),
          descending,
        );
        const expected = parts
          .map(([a, b, isDescending]) => compareValues(a, b) * (isDescending ? -1 : 1))
          .find((order) => order !== 0);
        expect(Math.sign(compareText(left, right))).toBe(Math.sign(expected ?? 0));
      }),
      { numRuns: 1000 },
    );
  });

  test('inverted twice are themselves', () => {
    fc.assert(fc.property(raw, (value) => expect(invertKey(invertKey(sortKey(value)))).toBe(sortKey(value))));
  });

  test.each([
    [9_007_199_254_740_993n, 9_007_199_254_740_992, 1],
    [9_007_199_254_740_992n, 9_007_199_254_740_992, 0],
    [-9_007_199_254_740_993n, -9_007_199_254_740_992, -1],
    [2n ** 63n - 1n, 2 ** 63, -1],
    [0, -0, 0],
  ])('compare %s with %s exactly', (a, b, order) => {
    expect(Math.sign(compareText(sortKey(toRaw(a)), sortKey(toRaw(b))))).toBe(order);
    expect(Math.sign(compareValues(toRaw(a), toRaw(b)))).toBe(order);
  });
});
