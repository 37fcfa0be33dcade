import { beforeEach, expect, test } from '@jest/globals';
import type { TaskId } from '@juice/contracts';
import type { Delivery } from '@juice/messaging';
import { createLogger } from '@juice/observability';
import type { Event } from '@juice/scheduling';
import { createIntake, type IntakeBroker } from './intake.ts';

// What becomes of each message; what the events do is the core's.

type Settled = 'acknowledged' | 'poison' | 'requeued';
type Queue = Parameters<IntakeBroker['consume']>[0];

/** One that the store has, and that has ended. */
const endedTask = 6n as TaskId;

const handlers = new Map<Queue, Parameters<IntakeBroker['consume']>[2]>();
let events: Event[];
let read: TaskId[];
let tenants: string[];
let ended: TaskId[];
let switchReads: number;

beforeEach(async () => {
  events = [];
  read = [];
  tenants = [];
  ended = [];
  switchReads = 0;
  const intake = createIntake({
    broker: {
      async consume(queue, _options, onMessage) {
        handlers.set(queue, onMessage);
        return { cancel: async () => undefined };
      },
    },
    store: {
      async loadLiveTasks(ids) {
        read.push(...ids);
        return ids.filter((taskId) => taskId === endedTask).map((taskId) => ({ taskId, live: null }));
      },
      waitingSince: async () => [],
      liveTasksAfter: async () => [],
      killsRequested: async () => [],
    },
    switches: { read: async () => void (switchReads += 1) },
    tenants: { read: async (tenantIds) => void tenants.push(...tenantIds) },
    push: (event) => void events.push(event),
    persevere: (_operation, attempt) => attempt(),
    onEnded: (taskIds) => void ended.push(...taskIds),
    onFailure: (error) => {
      throw error;
    },
    log: createLogger({ service: 'scheduler', level: 'silent' }),
    now: () => 7,
  });
  await intake.consume();
});

async function deliver(queue: Queue, body: unknown): Promise<Settled[]> {
  const settled: Settled[] = [];
  const delivery: Delivery = {
    body,
    redelivered: false,
    ack: () => void settled.push('acknowledged'),
    reject: () => void settled.push('poison'),
    requeue: () => void settled.push('requeued'),
  };
  await handlers.get(queue)?.(delivery);
  return settled;
}

const commands = 'juice.scheduler.commands';

test('submitted and killed tasks are read, and tenants and switches that were changed; a reconciliation is asked for', async () => {
  expect(await deliver('juice.scheduler.tasks', { v: 1, taskIds: ['5'] })).toEqual(['acknowledged']);
  expect(await deliver(commands, { v: 1, kind: 'kill', taskIds: ['6'] })).toEqual(['acknowledged']);
  expect(await deliver(commands, { v: 1, kind: 'reconcile', taskIds: ['7'] })).toEqual(['acknowledged']);
  expect(await deliver(commands, { v: 1, kind: 'tenant-changed', tenantIds: ['acme'] })).toEqual(['acknowledged']);
  expect(await deliver(commands, { v: 1, kind: 'switches-changed' })).toEqual(['acknowledged']);
  expect(switchReads).toBe(1);
  expect(read).toEqual([5n, 6n]);
  expect(tenants).toEqual(['acme']);
  expect(events).toEqual([
    { kind: 'task.loaded', atMs: 7, taskId: 6n, live: null },
    { kind: 'reconcile.requested', atMs: 7, taskIds: [7n] },
  ]);
});

test('of what is named, what has ended is told of: nobody else may have said so', async () => {
  await deliver(commands, { v: 1, kind: 'kill', taskIds: ['5', '6'] });
  expect(ended).toEqual([6n]);
});

test('a newer version is read for what we know of it', async () => {
  expect(await deliver('juice.scheduler.tasks', { v: 2, taskIds: ['5'], lanes: [1] })).toEqual(['acknowledged']);
  expect(await deliver(commands, { v: 2, kind: 'kill', taskIds: ['6'], by: 'ops' })).toEqual(['acknowledged']);
  expect(read).toEqual([5n, 6n]);
});

test.each<[string, Queue, unknown]>([
  ['a kind that came later', commands, { v: 1, kind: 'drain', agents: ['a'] }],
  ['a newer version of a command, without what we look for', commands, { v: 2, kind: 'kill', where: {} }],
  ['a newer version of a submission, likewise', 'juice.scheduler.tasks', { v: 2, tasks: [] }],
  ['a command of a known kind that is wrong', commands, { v: 1, kind: 'kill', taskIds: [6] }],
  ['a command without a kind', commands, { v: 1, taskIds: ['6'] }],
  ['a command without a version', commands, { kind: 'drain' }],
  ['text', commands, 'kill'],
  ['null', commands, null],
  ['a submission that names a kind', 'juice.scheduler.tasks', { v: 1, kind: 'drain' }],
])('%s is poison', async (_, queue, body) => {
  expect(await deliver(queue, body)).toEqual(['poison']);
  expect({ events, read }).toEqual({ events: [], read: [] });
});
