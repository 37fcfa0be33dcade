import { expect, test } from '@jest/globals';
import type { TaskId } from '@juice/contracts';
import { createHints } from './hints.ts';

const ids = (...numbers: readonly number[]): TaskId[] => numbers.map((n) => BigInt(n) as TaskId);

/** Over a broker that takes or refuses each message when it is told to. */
function start() {
  const pending: { readonly confirm: () => void; readonly refuse: () => void }[] = [];
  const dropped: string[] = [];
  const hints = createHints({
    broker: {
      publish: () =>
        new Promise((resolve, reject) =>
          pending.push({ confirm: resolve, refuse: () => reject(new Error('refused')) }),
        ),
    },
    log: { warn: () => undefined },
    dropped: (exchange) => dropped.push(exchange),
    monotonicMs: () => 0,
  });
  return { hints, pending, dropped };
}

const settled = (): Promise<void> => new Promise(setImmediate);

test('tasks are unannounced until the broker has taken their message, or refused it', async () => {
  const { hints, pending, dropped } = start();
  expect(hints.unannounced).toBe(0);
  hints.tasksSubmitted(ids(1, 2));
  hints.tasksSubmitted(ids(3, 4, 5));
  expect(hints.unannounced).toBe(5);
  pending[0]?.confirm();
  await settled();
  expect([hints.unannounced, dropped]).toEqual([3, []]);
  pending[1]?.refuse();
  await settled();
  expect([hints.unannounced, dropped]).toEqual([0, ['juice.tasks']]);
});

test('messages about something else, and of no task, do not count', async () => {
  const { hints, pending } = start();
  hints.tasksSubmitted([]);
  hints.killRequested(ids(1, 2));
  hints.tenantChanged('t');
  void hints.reconcile(ids(3));
  expect([hints.unannounced, pending.length]).toEqual([0, 3]);
});

test('tasks whose message is dropped for too many others are not waited for', async () => {
  const { hints, pending, dropped } = start();
  for (let n = 0; n < 300; n += 1) hints.tasksSubmitted(ids(2 * n, 2 * n + 1));
  await settled();
  expect([pending.length, dropped.length, hints.unannounced]).toEqual([256, 44, 512]);
  for (const { confirm } of pending) confirm();
  await settled();
  expect(hints.unannounced).toBe(0);
});
