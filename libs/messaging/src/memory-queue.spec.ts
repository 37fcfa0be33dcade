import { expect, test } from '@jest/globals';
import { createMemoryQueue, type Death } from './memory-queue.ts';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

test('poison of which it is not known where it comes from stays where it is, and keeps nothing behind it', () => {
  const poisoned = createMemoryQueue({
    ...{ name: 'juice.poison', log: quiet, capacity: 10, deliveryLimit: Infinity, poison: () => undefined },
  });
  const death: Death = { queue: 'juice.scheduler.tasks', reason: 'rejected', atMs: 1 };
  for (const [text, of] of [
    ['a', undefined],
    ['b', death],
    ['c', undefined],
    ['d', death],
  ] as const)
    poisoned.add(Buffer.from(text), of);
  const take = (limit: number) => {
    const { taken, left } = poisoned.takeDead(limit);
    return [taken.map(({ bytes }) => String(bytes)), left];
  };
  expect(take(1)).toEqual([['b'], 1]);
  expect(poisoned.peek(10).map(({ bytes }) => String(bytes))).toEqual(['a', 'c', 'd']);
  expect(take(10)).toEqual([['d'], 2]);
  expect(poisoned.peek(10).map(({ bytes }) => String(bytes))).toEqual(['a', 'c']);
});
