import { beforeEach, describe, expect, test } from '@jest/globals';
import { TaskState, type SchedulableTask } from '@juice/contracts';
import { benchOffer, createCoreBench, lastWrite, type CoreBench } from '../testing/core-bench.ts';
import { offerOf } from '../testing/samples.ts';
import { createCommands, decide, defaultPolicy, type Commands, type Event, type MesosState } from './index.ts';

let world: CoreBench;

beforeEach(() => {
  world = createCoreBench();
});

describe('a kill', () => {
  test('waits for the ACCEPT to be answered, and is repeated until the task ends', () => {
    const task = world.table.insert({});
    const out = world.frame(world.load(task), { kind: 'offers.received', atMs: 10, offers: [benchOffer] });
    const id = out.call.find((call) => call.kind === 'accept')?.launches[0]?.mesosTaskId ?? '';
    world.table.requestKill(task.taskId);
    expect(world.frame(world.load(task)).call).toEqual([]);
    const kill = { kind: 'kill', taskId: task.taskId, mesosTaskId: id, agentId: 'agent-1' };
    expect(
      world.frame({ kind: 'accept.answered', atMs: 12, mesosTaskIds: [id], answer: 'accepted', detail: '' }).call,
    ).toEqual([kill]);
    expect(world.tick(5_000).call).not.toContainEqual(kill);
    expect(world.tick(10_013).call).toContainEqual(kill);
    expect(lastWrite(world.say(id, 'TASK_KILLED'))?.status).toBe(TaskState.KILLED);
    expect(world.tick(100_000).call).not.toContainEqual(kill);
  });

  test.each<[MesosState, TaskState]>([
    ['TASK_KILLED', TaskState.KILLED],
    ['TASK_GONE', TaskState.KILLED],
    ['TASK_UNKNOWN', TaskState.KILLED],
    ['TASK_FAILED', TaskState.KILLED],
    ['TASK_FINISHED', TaskState.FINISHED],
  ])('answered with %s ends the task, without another attempt', (word, expected) => {
    const id = world.launch({ retry: 3 });
    for (const { task } of world.table.rows.values()) {
      world.table.requestKill(task.taskId);
      world.frame(world.load(task));
    }
    expect(lastWrite(world.say(id, word))?.status).toBe(expected);
  });
});

describe('an attempt the cluster has lost sight of', () => {
  test('is not ended by UNREACHABLE, and is well again when it comes back', () => {
    const id = world.launch();
    world.say(id, 'TASK_RUNNING');
    expect(lastWrite(world.say(id, 'TASK_UNREACHABLE'))?.status).toBe(TaskState.UNREACHABLE);
    expect(world.say(id, 'TASK_UNREACHABLE').persist).toEqual([]);
    expect(lastWrite(world.say(id, 'TASK_RUNNING', { reason: 'AGENT_REREGISTERED', uuid: null }, 30))?.status).toBe(
      TaskState.RUNNING,
    );
    expect(world.tick(30 + defaultPolicy.lostAfterMs).persist).toEqual([]);
  });

  test('is given up after the policy’s time, and killed when it comes back after all', () => {
    const id = world.launch();
    world.say(id, 'TASK_UNREACHABLE', {}, 50);
    expect(world.tick(49 + defaultPolicy.lostAfterMs).persist).toEqual([]);
    expect(lastWrite(world.tick(50 + defaultPolicy.lostAfterMs))?.status).toBe(TaskState.NOT_START);
    const back = world.say(id, 'TASK_RUNNING', {}, 60 + defaultPolicy.lostAfterMs);
    expect(back.persist).toEqual([]);
    expect(back.call).toEqual([expect.objectContaining({ kind: 'acknowledge', mesosTaskId: id })]);
    expect(back.identify).toEqual([{ mesosTaskId: id, agentId: 'agent-1' }]);
    const identified = { kind: 'attempt.identified', atMs: 1_000_000, mesosTaskId: id, agentId: 'agent-1' } as const;
    expect(world.frame(identified).call).toContainEqual({
      kind: 'kill',
      taskId: null,
      mesosTaskId: id,
      agentId: 'agent-1',
    });
  });

  test('is asked about in the store only where it runs, and left alone when it is found to be live', () => {
    expect(world.say('unknown', 'TASK_LOST').identify).toEqual([]);
    expect(world.say('unknown', 'TASK_UNREACHABLE').identify).toEqual([]);
    const id = world.launch();
    expect(world.frame({ kind: 'attempt.identified', atMs: 30, mesosTaskId: id, agentId: 'agent-1' }).call).toEqual([]);
  });

  test('is waited for as long as its task says', () => {
    const [brief, patient] = [world.launch({ lostAfterMs: 5_000 }), world.launch({ lostAfterMs: 0 })];
    for (const id of [brief, patient]) world.say(id, 'TASK_UNREACHABLE', {}, 50);
    expect(world.tick(5_049).persist).toEqual([]);
    expect(world.tick(5_050).persist).toMatchObject([{ taskId: 1n, status: TaskState.NOT_START }]);
    expect(world.tick(400 * 86_400_000).persist.filter(({ taskId }) => taskId === 2n)).toEqual([]);
  });

  test('UNKNOWN is no end either', () => {
    const id = world.launch();
    expect(world.say(id, 'TASK_UNKNOWN', { uuid: null }).persist).toEqual([]);
    expect(lastWrite(world.tick(21 + defaultPolicy.lostAfterMs))?.status).toBe(TaskState.NOT_START);
  });

  test('is killed at once when it comes back, if that was asked for meanwhile', () => {
    const id = world.launch();
    world.say(id, 'TASK_RUNNING');
    world.say(id, 'TASK_UNREACHABLE', { uuid: null }, 50);
    const taskId = world.state.attempts.get(id)?.taskId as SchedulableTask['taskId'];
    world.table.requestKill(taskId);
    const kill = { kind: 'kill', taskId, mesosTaskId: id, agentId: 'agent-1' };
    expect(world.frame(world.load({ taskId } as SchedulableTask, 60)).call).toContainEqual(kill);
    // Nobody heard that one, nor the next.
    expect(world.tick(60 + defaultPolicy.askAgainMs).call).toContainEqual(kill);
    const back = 70 + defaultPolicy.askAgainMs;
    expect(world.say(id, 'TASK_RUNNING', { reason: 'AGENT_REREGISTERED', uuid: null }, back).call).toEqual([kill]);
    expect(world.say(id, 'TASK_RUNNING', { reason: 'RECONCILIATION', uuid: null }, back + 1).call).toEqual([]);
    expect(world.tick(back + defaultPolicy.askAgainMs).call).toContainEqual(kill);
  });

  test('a launch without news is asked about, never repeated', () => {
    const id = world.launch();
    const out = world.tick(11 + defaultPolicy.launchNewsMs);
    expect(out.persist).toEqual([]);
    expect(out.call).toContainEqual({ kind: 'reconcile', tasks: [{ mesosTaskId: id, agentId: 'agent-1' }] });
  });
});

describe('reconciliation', () => {
  test('asks for every live attempt after a subscription, and again with growing pauses until answered', () => {
    const id = world.launch();
    const ask = { kind: 'reconcile', tasks: [{ mesosTaskId: id, agentId: 'agent-1' }] };
    world.frame({ kind: 'cluster.disconnected', atMs: 100 });
    expect(world.tick(200).call).toEqual([]);
    expect(world.frame({ kind: 'cluster.subscribed', atMs: 1_000, frameworkId: 'f' }).call).toEqual([ask]);
    expect(world.tick(10_999).call).not.toContainEqual(ask);
    expect(world.tick(11_000).call).toContainEqual(ask);
    expect(world.tick(30_999).call).not.toContainEqual(ask);
    expect(world.tick(31_000).call).toContainEqual(ask);
    world.say(id, 'TASK_RUNNING', { reason: 'RECONCILIATION', uuid: null }, 31_001);
    expect(world.tick(400_000).call).not.toContainEqual(ask);
  });

  test('asks implicitly now and then', () => {
    expect(world.tick(6_000).call).toContainEqual({ kind: 'reconcile', tasks: [] });
    expect(world.tick(7_000).call).not.toContainEqual({ kind: 'reconcile', tasks: [] });
    expect(world.tick(6_000 + defaultPolicy.reconcileEveryMs).call).toContainEqual({ kind: 'reconcile', tasks: [] });
  });

  test('asks explicitly now and then too, halfway between: what the master forgot is in no implicit answer', () => {
    const id = world.launch();
    world.say(id, 'TASK_RUNNING');
    const ask = { kind: 'reconcile', tasks: [{ mesosTaskId: id, agentId: 'agent-1' }] };
    const half = 1 + defaultPolicy.reconcileEveryMs / 2;
    expect(world.tick(half - 1).call).not.toContainEqual(ask);
    expect(world.tick(half).call).toContainEqual(ask);
    world.say(id, 'TASK_RUNNING', { uuid: null }, half + 1);
    expect(world.tick(half + defaultPolicy.reconcileEveryMs - 1).call).not.toContainEqual(ask);
    expect(world.tick(half + defaultPolicy.reconcileEveryMs).call).toContainEqual(ask);
  });

  test('asks a batch at a time, and for nothing while events pile up', () => {
    world.restart({ ...defaultPolicy, reconcileBatch: 2 });
    world.frame({ kind: 'cluster.subscribed', atMs: 1, frameworkId: 'f' }, { kind: 'takeover.completed', atMs: 1 });
    const ids = [world.launch(), world.launch(), world.launch()];
    const asked = (out: Commands): string[] =>
      out.call.flatMap((call) => (call.kind === 'reconcile' ? call.tasks.map(({ mesosTaskId }) => mesosTaskId) : []));
    expect(asked(world.frame({ kind: 'cluster.subscribed', atMs: 100, frameworkId: 'f' }))).toEqual(ids.slice(0, 2));
    const busy = { kind: 'clock.ticked', atMs: 350, backlog: defaultPolicy.backlogMost + 1 } as const;
    expect(asked(world.frame(busy))).toEqual([]);
    expect(asked(world.tick(600))).toEqual(ids.slice(2));
    expect(asked(world.tick(850))).toEqual([]);
  });

  test('asks about the attempts of an agent that failed', () => {
    const id = world.launch();
    expect(world.frame({ kind: 'agent.failed', atMs: 50, agentId: 'another' }).call).toEqual([]);
    expect(world.frame({ kind: 'agent.failed', atMs: 50, agentId: 'agent-1' }).call).toEqual([
      { kind: 'reconcile', tasks: [{ mesosTaskId: id, agentId: 'agent-1' }] },
    ]);
  });
});

/**
 * A leader that was deposed puts a task back with its last write. Its successor, told that the attempt is gone, does the
 * same, misses, and reads that the task waits: it then stood in the queue twice, and two offers launched it twice.
 */
test('a task put back twice, by a write that missed and by what was read then, is launched once', () => {
  const id = world.launch({ retry: 3 });
  const task = [...world.table.rows.values()][0]?.task as SchedulableTask;
  const gone = { state: 'TASK_GONE', message: '', reason: null, uuid: null, healthy: true } as const;
  const out = createCommands();
  const status = { mesosTaskId: id, agentId: 'agent-1', ...gone };
  decide(world.state, { kind: 'status.received', atMs: 20, status }, out);
  decide(world.state, { kind: 'frame.closing', atMs: 20, backlog: 0 }, out);
  // The other's write was first: the same, and it holds.
  expect(world.table.apply(out.persist)).toEqual([]);
  const live = world.table.load(task.taskId);
  world.frame({ kind: 'task.conflicted', atMs: 21, taskId: task.taskId, live });
  world.frame({ kind: 'clock.ticked', atMs: 5_000, backlog: 0 });
  const offers = ['o2', 'o3'].map((offerId) => offerOf({ offerId, cpuMillis: 1_000 }));
  const launched = world
    .frame({ kind: 'offers.received', atMs: 20_000, offers })
    .call.flatMap((call) => (call.kind === 'accept' ? call.launches : []));
  expect(launched.map(({ mesosTaskId }) => mesosTaskId)).toEqual(['a_task-1-2']);
});

/** Acknowledged for no task, the second copy would go out even when the record of both missed its guard. */
test('a repeat of a last update waits for the record of the first', () => {
  const id = world.launch({ retry: 1 });
  const told = { mesosTaskId: id, state: 'TASK_FAILED', message: '', reason: null } as const;
  const status = { ...told, agentId: 'agent-1', uuid: 'u1', healthy: true };
  const twice = { kind: 'status.received', atMs: 20, status } as const;
  const acknowledged = world.frame(twice, twice).call.filter((call) => call.kind === 'acknowledge');
  expect(acknowledged.map(({ taskId }) => taskId)).toEqual([1n, 1n]);
});

describe('a waiting task', () => {
  test('expires', () => {
    world.frame(world.load(world.table.insert({ submittedAtMs: 0, expireAtMs: 86_400_000 })));
    expect(world.tick(86_399_999).persist).toEqual([]);
    expect(lastWrite(world.tick(86_400_000))).toMatchObject({ status: TaskState.EXPIRED, callback: true });
  });

  test('again, after an attempt that ran for days, has as long as at first', () => {
    const day = 86_400_000;
    const id = world.launch({ submittedAtMs: 0, expireAtMs: day, retry: 1 });
    world.say(id, 'TASK_RUNNING');
    expect(lastWrite(world.say(id, 'TASK_FAILED', {}, 3 * day))?.status).toBe(TaskState.NOT_START);
    expect(world.tick(4 * day + 999).persist).toEqual([]);
    expect(lastWrite(world.tick(4 * day + 1_000))?.status).toBe(TaskState.EXPIRED);
  });

  test('that named a role says so when it expires', () => {
    world.frame(world.load(world.table.insert({ submittedAtMs: 0, expireAtMs: 60_000, role: 'batch' })));
    const message = 'no room was found for it within 60 seconds among offers of the role batch';
    expect(lastWrite(world.tick(60_000))).toMatchObject({ message });
  });

  test('is called back only for the states its tenant wants', () => {
    const all = world.launch({ callback: 'all' });
    expect(lastWrite(world.say(all, 'TASK_RUNNING'))?.callback).toBe(true);
    expect(lastWrite(world.say(all, 'TASK_FINISHED'))?.callback).toBe(true);
    world.frame({ kind: 'offer.rescinded', atMs: 30, offerId: 'o1' });
    const ends = world.launch({ callback: 'terminal' });
    expect(lastWrite(world.say(ends, 'TASK_RUNNING'))?.callback).toBe(false);
    expect(lastWrite(world.say(ends, 'TASK_FINISHED'))?.callback).toBe(true);
  });

  test.each<[string, Event]>([
    ['is removed', { kind: 'framework.removed', atMs: 99 }],
    ['has another id now', { kind: 'cluster.subscribed', atMs: 99, frameworkId: 'f2' }],
  ])('of which the framework %s loses its attempt at no cost', (_how, event) => {
    world.launch();
    expect(lastWrite(world.frame(event))).toMatchObject({
      status: TaskState.NOT_START,
      requeue: { countedFailures: 0, freeFailures: 1 },
    });
  });
});
