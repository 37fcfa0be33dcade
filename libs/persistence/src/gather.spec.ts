import { expect, test } from '@jest/globals';
import { gather } from './gather.ts';

/** Runs that end when they are told to. */
function controlled() {
  const runs: { readonly items: readonly number[]; end: () => void; fail: (error: Error) => void }[] = [];
  const double = gather<number, number>(
    3,
    (items) =>
      new Promise((resolve, reject) => {
        runs.push({ items, end: () => resolve((item) => item * 2), fail: reject });
      }),
  );
  // A batch begins a turn after it was asked for, and what it leads to a turn after that.
  const settled = async () => {
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return { runs, double, settled };
}

test('what is asked in one turn of the loop goes together, in portions', async () => {
  const { runs, double, settled } = controlled();
  const asked = [1, 2, 3, 4, 5].map(double);
  await settled();
  expect(runs.map(({ items }) => items)).toEqual([[1, 2, 3]]);
  runs[0]?.end();
  await settled();
  expect(runs.map(({ items }) => items)).toEqual([
    [1, 2, 3],
    [4, 5],
  ]);
  runs[1]?.end();
  expect(await Promise.all(asked)).toEqual([2, 4, 6, 8, 10]);
  expect(runs).toHaveLength(2);
});

test('what comes while a batch is under way goes together in the next, with what its results lead to', async () => {
  const { runs, double, settled } = controlled();
  const twice = double(1).then(double);
  await settled();
  const second = double(2);
  await settled();
  expect(runs.map(({ items }) => items)).toEqual([[1]]);
  runs[0]?.end();
  await settled();
  expect(runs.map(({ items }) => items)).toEqual([[1], [2, 2]]);
  runs[1]?.end();
  expect(await Promise.all([twice, second])).toEqual([4, 4]);
});

test('a failed batch fails its own items, and the next goes on', async () => {
  const { runs, double, settled } = controlled();
  const first = double(1);
  await settled();
  const second = double(2);
  runs[0]?.fail(new RangeError());
  await expect(first).rejects.toThrow(RangeError);
  await settled();
  runs[1]?.end();
  expect(await second).toBe(4);
  const third = double(3);
  await settled();
  runs[2]?.end();
  expect(await third).toBe(6);
});
