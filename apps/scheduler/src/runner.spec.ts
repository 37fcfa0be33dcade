import { describe, expect, test } from '@jest/globals';
import { TaskState, type TaskId } from '@juice/contracts';
import { createLogger } from '@juice/observability';
import {
  decide,
  defaultPolicy,
  type Event,
  type MesosCall,
  type MesosState,
  type UnknownAttempt,
} from '@juice/scheduling';
import { offerOf, testPatterns } from '@juice/scheduling/testing';
import { until } from '@juice/trial';
import { createMemoryStore, statusOf, type MemoryStore } from '../testing/memory-store.ts';
import { createQuarantine } from './quarantine.ts';
import { createRunner, type Runner } from './runner.ts';

const offer = offerOf({ offerId: 'o1', agentId: 'a1', hostname: 'h1', cpuMillis: 10_000, memMb: 10_000 });

function load(store: MemoryStore, taskId: TaskId): Event {
  return { kind: 'task.loaded', atMs: 1, taskId, live: store.table.load(taskId) };
}

/** What the quarantine keeps of one scheduler is there for the next. */
function start(
  store: MemoryStore,
  { kept = new Map<string, QuarantinedCase>(), thinking = decide } = {},
): { runner: Runner; ended: Promise<void>; performed: MesosCall[]; seen: string[]; asked: UnknownAttempt[] } {
  const performed: MesosCall[] = [];
  const asked: UnknownAttempt[] = [];
  const log = createLogger({ service: 'test', level: 'silent' });
  const persevere = <T>(_operation: string, attempt: () => Promise<T>): Promise<T> => attempt();
  const quarantine = createQuarantine({
    store: {
      put: (one) => Promise.resolve(void kept.set(one.key, one)),
      keys: () => Promise.resolve([...kept.keys()]),
    },
    epoch: 7,
    persevere,
    onQuarantined: () => undefined,
    log,
    now: () => 1,
  });
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
    decide: thinking,
    patterns: testPatterns,
    assertLeading: () => undefined,
    persevere,
    quarantine,
    stored: () => undefined,
    announce: (events) => seen.push(...events.map(({ status }) => `announced ${status}`)),
    identify: (unknown) => asked.push(...unknown),
    log,
    now: () => 1,
  });
  const perform = (calls: readonly MesosCall[]): void => {
    performed.push(...calls);
    seen.push(...calls.map(({ kind }) => kind));
  };
  runner.push({ kind: 'cluster.subscribed', atMs: 1, frameworkId: 'f' }, { perform });
  runner.push({ kind: 'takeover.completed', atMs: 1 });
  return { runner, ended: quarantine.load().then(() => runner.run()), performed, seen, asked };
}

type QuarantinedCase = Parameters<Parameters<typeof createQuarantine>[0]['store']['put']>[0];

function update(mesosTaskId: string, state: MesosState, uuid: string): Event {
  const facts = { message: '', reason: null, agentId: 'a1', healthy: true };
  return { kind: 'status.received', atMs: 1, status: { ...facts, mesosTaskId, state, uuid } };
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
    runner.push({ kind: 'clock.ticked', atMs: 60_000, backlog: 0 });
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
      applyTransitions: () => Promise.resolve({ missed: [taskId], refused: [], fenced: true }),
    });
    runner.push(load(store, taskId));
    runner.push({ kind: 'offers.received', atMs: 1, offers: [offer] });
    await expect(ended).rejects.toMatchObject({ code: 'FENCED' });
  });
});

describe('what cannot be processed', () => {
  test('an update that the core throws over is set aside, and the next leader passes over it', async () => {
    const store = createMemoryStore();
    const kept = new Map<string, QuarantinedCase>();
    const thinking: typeof decide = (state, event, out) => {
      if (event.kind === 'status.received' && event.status.uuid === 'poison') throw new Error('a bug');
      decide(state, event, out);
    };
    const first = start(store, { kept, thinking });
    first.runner.push(update('t-1-1', 'TASK_RUNNING', 'poison'));
    await expect(first.ended).rejects.toThrow('a bug');
    expect(first.performed).toEqual([]);
    expect([...kept.values()]).toEqual([
      expect.objectContaining({ kind: 'update', mesosTaskId: 't-1-1', detail: expect.stringContaining('a bug') }),
    ]);

    const next = start(store, { kept, thinking });
    next.runner.push(update('t-1-1', 'TASK_RUNNING', 'poison'));
    next.runner.push(update('t-1-1', 'TASK_FINISHED', 'sound'));
    await until('both acknowledgements', () => next.performed.length >= 2);
    expect(next.performed).toEqual([
      expect.objectContaining({ kind: 'acknowledge', uuid: 'poison' }),
      expect.objectContaining({ kind: 'acknowledge', uuid: 'sound' }),
    ]);
    next.runner.stop();
    await next.ended;
  });

  test('an attempt whose update the core threw over is marked by the next leader: it may have finished', async () => {
    const store = createMemoryStore();
    const kept = new Map<string, QuarantinedCase>();
    const thinking: typeof decide = (state, event, out) => {
      if (event.kind === 'status.received' && event.status.uuid === 'poison') throw new Error('a bug');
      decide(state, event, out);
    };
    const taskId = store.submit();
    const first = start(store, { kept, thinking });
    first.runner.push(load(store, taskId));
    first.runner.push({ kind: 'offers.received', atMs: 1, offers: [offer] });
    await until('the launch', () => first.performed.length > 0);
    const mesosTaskId = store.table.load(taskId)?.live?.mesosTaskId ?? '';
    first.runner.push(update(mesosTaskId, 'TASK_FINISHED', 'poison'));
    await expect(first.ended).rejects.toThrow('a bug');

    const next = start(store, { kept, thinking });
    next.runner.push(load(store, taskId));
    next.runner.push(update(mesosTaskId, 'TASK_FINISHED', 'poison'));
    await until('the mark', () => store.table.load(taskId)?.live?.quarantined === true);
    next.runner.push(update(mesosTaskId, 'TASK_GONE', 'sound'));
    await until('the end', () => store.table.rows.get(taskId)?.ended === true);
    expect(store.table.applied.at(-1)).toMatchObject({ status: TaskState.LOST, reason: 'RESULT_UNKNOWN' });
    next.runner.stop();
    await next.ended;
  });

  test('a record that the database refuses is set aside, and the others are launched', async () => {
    const store = createMemoryStore();
    const kept = new Map<string, QuarantinedCase>();
    const [full, other] = [store.submit(), store.submit()];
    const refuses: MemoryStore = {
      ...store,
      async applyTransitions(frame, transitions) {
        const rest = transitions.filter(({ taskId }) => taskId !== full);
        const refused = rest.length < transitions.length ? [{ taskId: full, detail: 'too large' }] : [];
        return { ...(await store.applyTransitions(frame, rest)), refused };
      },
    };
    const { runner, ended, performed } = start(refuses, { kept });
    for (const taskId of [full, other]) runner.push(load(store, taskId));
    runner.push({ kind: 'offers.received', atMs: 1, offers: [offer] });
    await until('the launch', () => performed.length > 0 && runner.describe().queued === 0);
    expect(performed).toEqual([
      expect.objectContaining({ kind: 'accept', launches: [expect.objectContaining({ taskId: other })] }),
    ]);
    expect([...kept.values()]).toEqual([
      expect.objectContaining({ kind: 'transition', taskId: full, detail: 'too large' }),
    ]);
    expect(runner.describe()).toMatchObject({ waiting: 0, live: 1 });
    runner.stop();
    await ended;
  });

  test('an attempt that nobody knows is asked about once its update is acknowledged', async () => {
    const { runner, ended, asked, seen } = start(createMemoryStore());
    runner.push(update('t-1-1', 'TASK_RUNNING', 'u'));
    await until('the question', () => asked.length > 0);
    expect(asked).toEqual([{ mesosTaskId: 't-1-1', agentId: 'a1' }]);
    expect(seen).toEqual(['acknowledge']);
    runner.stop();
    await ended;
  });
});
