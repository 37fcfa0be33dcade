import { beforeEach, expect, test } from '@jest/globals';
import { createShortMemory } from './short-memory.ts';

let nowMs: number;
let loads: string[];
let settle: { id: string; resolve: (value: string) => void; reject: (error: Error) => void }[];

function memoryOf(most: number) {
  return createShortMemory<string>({
    load(id) {
      loads.push(id);
      return new Promise((resolve, reject) => settle.push({ id, resolve, reject }));
    },
    keepMs: 100,
    most,
    monotonicMs: () => nowMs,
  });
}

beforeEach(() => {
  nowMs = 0;
  loads = [];
  settle = [];
});

test('what was loaded is kept for its time, counted from before the load', async () => {
  const memory = memoryOf(10);
  const first = memory.recall('a');
  nowMs = 60;
  settle[0]?.resolve('1');
  expect(await first).toBe('1');
  nowMs = 99;
  expect(await memory.recall('a')).toBe('1');
  nowMs = 100;
  const second = memory.recall('a');
  settle[1]?.resolve('2');
  expect(await second).toBe('2');
  expect(loads).toEqual(['a', 'a']);
});

test('those who ask while it is being loaded wait for the same load', async () => {
  const memory = memoryOf(10);
  const asked = [memory.recall('a'), memory.recall('a'), memory.recall('b')];
  for (const { id, resolve } of settle) resolve(id.toUpperCase());
  expect(await Promise.all(asked)).toEqual(['A', 'A', 'B']);
  expect(loads).toEqual(['a', 'b']);
});

test('a load that fails fails those who wait for it, and is not kept', async () => {
  const memory = memoryOf(10);
  const asked = [memory.recall('a'), memory.recall('a')];
  settle[0]?.reject(new Error('is down'));
  expect((await Promise.allSettled(asked)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const again = memory.recall('a');
  settle[1]?.resolve('1');
  expect(await again).toBe('1');
});

test('what is forgotten is loaded anew, even while it is being loaded', async () => {
  const memory = memoryOf(10);
  const old = memory.recall('a');
  memory.forget('a');
  const fresh = memory.recall('a');
  settle[1]?.resolve('new');
  settle[0]?.resolve('old');
  expect([await old, await fresh, await memory.recall('a')]).toEqual(['old', 'new', 'new']);
  expect(loads).toEqual(['a', 'a']);
});

test('the oldest make room, so that it never holds more than it may', async () => {
  const memory = memoryOf(2);
  for (const id of ['a', 'b', 'c', 'b', 'c', 'a']) void memory.recall(id);
  expect(loads).toEqual(['a', 'b', 'c', 'a']);
});
