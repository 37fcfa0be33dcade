import { describe, expect, test } from '@jest/globals';
import { TaskState, type TaskId } from '@juice/contracts';
import { createLogger } from '@juice/observability';
import { decide, defaultPolicy, type Event, type MesosCall } from '@juice/scheduling';
import { until } from '@juice/trial';
import { createMemoryStore, statusOf, type MemoryStore } from '../testing/memory-store.ts';
import { createRunner, type Runner } from './runner.ts';

const offer = {
  ...{ offerId: 'o1', agentId: 'a1', hostname: 'h1', agentPort: null, rackId: null },
  ...{ cpuMillis: 10_000, memMb: 10_000, diskMb: 0, gpus: 0, ports: 0 },
};

function load(store: MemoryStore, taskId: TaskId): Event {
  return { kind: 'task.loaded', atMs: 1, taskId, live: store.table.load(taskId) };
}

function start(store: MemoryStore): { runner: Runner; ended: Promise<void>; performed: MesosCall[]; seen: string[] } {
  const performed: MesosCall[] = [];
  const seen: string[] = [];
  const runner = createRunner({
    store: {
      ...store,
      applyTransitions: async (frame, transitions) => {
        seen.push('stored');
        return store.applyTransitions(frame, transitions);
      },
    },
    epoch: 7,
    policy: defaultPolicy,
    decide,
    assertLeading: () => undefined,
    persevere: (_operation, attempt) => attempt(),
    announce: (events) => seen.push(...events.map(({ status }) => `announced ${status}`)),
    log: createLogger({ service: 'test', level: 'silent' }),
    now: () => 1,
  });
  const perform = (calls: readonly MesosCall[]): void => {
    performed.push(...calls);
    seen.push(...calls.map(({ kind }) => kind));
  };
  runner.push({ kind: 'cluster.subscribed', atMs: 1, frameworkId: 'f' }, { perform });
  runner.push({ kind: 'takeover.completed', atMs: 1 });
  return { runner, ended: runner.run(), performed, seen };
}

describe('a frame', () => {
  test('is stored, then called, then announced', async () => {
    const store = createMemoryStore();
    const taskId = store.submit();
    const { runner, ended, seen } = start(store);
    runner.push(load(store, taskId));
    runner.push({ kind: 'offers.received', atMs: 1, offers: [offer] });
    await until('the launch', () => seen.includes('accept'));
    expect(seen.slice(-3)).toEqual(['stored', 'accept', `announced ${TaskState.STAGING}`]);
    runner.stop();
    await ended;
  });

  test('leaves out of its calls a task whose write missed, and launches the others', async () => {
    const store = createMemoryStore();
    const [killed, other] = [store.submit(), store.submit()];
    const { runner, ended, performed } = start(store);
    const events = [load(store, killed), load(store, other)];
    store.table.requestKill(killed);
    for (const event of events) runner.push(event);
    runner.push({ kind: 'offers.received', atMs: 1, offers: [offer] });
    await until('the launch', () => performed.some(({ kind }) => kind === 'accept'));
    expect(performed).toEqual([
      expect.objectContaining({ kind: 'accept', launches: [expect.objectContaining({ taskId: other })] }),
    ]);
    expect(statusOf(store, killed)).toBe(TaskState.KILLED);
    runner.stop();
    await ended;
  });

  /** A SUPPRESS of the old stream on the new one would end all offers, and the core would not know. */
  test('makes no call on a subscription that came after it was decided', async () => {
    const store = createMemoryStore();
    const { runner, ended, performed } = start(store);
    await until('the first frame', () => runner.describe().queued === 0);
    const again: MesosCall[] = [];
    runner.push({ kind: 'offers.received', atMs: 1, offers: [offer] });
    runner.push({ kind: 'clock.ticked', atMs: 60_000 });
    runner.push({ kind: 'cluster.disconnected', atMs: 60_000 });
    const target = { perform: (calls: readonly MesosCall[]) => void again.push(...calls) };
    runner.push({ kind: 'cluster.subscribed', atMs: 60_000, frameworkId: 'f' }, target);
    await until('the frame', () => runner.describe().queued === 0);
    const taskId = store.submit();
    runner.push(load(store, taskId));
    runner.push({ kind: 'offers.received', atMs: 60_000, offers: [offer] });
    await until('a launch', () => again.length > 0);
    expect(again.map(({ kind }) => kind)).toEqual(['accept']);
    expect(performed).toEqual([]);
    runner.stop();
    await ended;
  });

  test('gives the offer back when all its tasks missed', async () => {
    const store = createMemoryStore();
    const killed = store.submit();
    const { runner, ended, performed } = start(store);
    const event = load(store, killed);
    store.table.requestKill(killed);
    runner.push(event);
    runner.push({ kind: 'offers.received', atMs: 1, offers: [offer] });
    await until('the offer to be given back', () => performed.length > 0);
    expect(performed).toEqual([{ kind: 'decline', offerIds: ['o1'], refuseSeconds: 0 }]);
    runner.stop();
    await ended;
  });

  test('that is fenced ends the process', async () => {
    const store = createMemoryStore();
    const taskId = store.submit();
    const { runner, ended } = start({
      ...store,
      applyTransitions: () => Promise.resolve({ missed: [taskId], fenced: true }),
    });
    runner.push(load(store, taskId));
    runner.push({ kind: 'offers.received', atMs: 1, offers: [offer] });
    await expect(ended).rejects.toMatchObject({ code: 'FENCED' });
  });
});
