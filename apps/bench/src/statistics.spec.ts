import { expect, test } from '@jest/globals';
import { median, percentile } from './statistics.ts';

test('the median is the middle, or the mean of the two in the middle', () => {
  expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([7]), median([])]).toEqual([2, 2.5, 7, NaN]);
});

test('a percentile is one of the values', () => {
  const values = Array.from({ length: 200 }, (_, i) => 200 - i);
  expect([0, 0.5, 0.99, 0.999, 1].map((share) => percentile(values, share))).toEqual([1, 100, 198, 200, 200]);
  expect(percentile([], 0.5)).toBeNaN();
});
