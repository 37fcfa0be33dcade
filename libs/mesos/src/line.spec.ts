import { expect, test } from '@jest/globals';
import { createLine } from './line.ts';

test('is first in, first out, but for what is put back', () => {
  const line = createLine<number>();
  for (let i = 1; i <= 5; i++) line.add(i);
  const first = line.take(3);
  expect(first).toEqual([1, 2, 3]);
  line.putBack(first.slice(1));
  line.add(6);
  expect(line.size()).toBe(5);
  expect([line.take(1), line.take(9), line.take(1)]).toEqual([[2], [3, 4, 5, 6], []]);
  expect(line.size()).toBe(0);
});
