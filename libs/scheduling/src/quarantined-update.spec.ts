import { beforeEach, describe, expect, test } from '@jest/globals';
import { TaskState, type SchedulableTask } from '@juice/contracts';
import { createCoreBench, lastWrite, type CoreBench } from '../testing/core-bench.ts';
import type { Commands, MesosState } from './index.ts';

let bench: CoreBench;

beforeEach(() => {
  bench = createCoreBench();
});

/** A task that runs. */
function running(facts: Partial<SchedulableTask> = {}): string {
  const id = bench.launch(facts);
  bench.say(id, 'TASK_RUNNING');
  return id;
}

/** An update of it came that nobody could read, and is in quarantine. */
function setAside(mesosTaskId: string, uuid: string | null = 'unread', atMs = 30): Commands {
  return bench.frame({ kind: 'update.quarantined', atMs, mesosTaskId, agentId: 'agent-1', uuid });
}

function answer(mesosTaskId: string, word: MesosState, message = '', atMs = 40): Commands {
  return bench.say(mesosTaskId, word, { reason: 'RECONCILIATION', uuid: null, message }, atMs);
}

const acknowledged = ({ call }: Commands): (string | undefined)[] =>
  call.flatMap((one) => (one.kind === 'acknowledge' ? [one.uuid] : []));

/**
 * Acknowledged, the last update of an attempt is forgotten by the cluster, which then says of the task that it is gone: a
 * failure of the cluster's, to be repeated at no cost, though the task may have done its work.
 */
describe('an attempt of which an update could not be read', () => {
  test('is marked in the store, asked about at once, and the update acknowledged when the cluster has told what it knows', () => {
    const id = running();
    const out = setAside(id);
    expect(out.persist).toEqual([
      expect.objectContaining({
        ...{ status: TaskState.RUNNING, change: { kind: 'quarantine' }, reason: 'UPDATE_QUARANTINED', callback: false },
        message: 'an update of it could not be read and is in quarantine',
      }),
    ]);
    expect(out.call).toEqual([{ kind: 'reconcile', tasks: [{ mesosTaskId: id, agentId: 'agent-1' }] }]);
    const told = answer(id, 'TASK_RUNNING');
    expect([told.persist, acknowledged(told)]).toEqual([[], ['unread']]);
    expect(acknowledged(answer(id, 'TASK_RUNNING'))).toEqual([]);
  });

  test('ends as the master says it did, if it still knows', () => {
    const id = running();
    setAside(id);
    const out = answer(id, 'TASK_FINISHED');
    expect(lastWrite(out)).toMatchObject({ status: TaskState.FINISHED });
    expect(acknowledged(out)).toEqual(['unread']);
  });

  test('is acknowledged when it comes again, answered or not, under another leader too', () => {
    const id = running();
    setAside(id);
    const again = setAside(id);
    expect([again.persist, again.call.map(({ kind }) => kind)]).toEqual([[], ['acknowledge']]);
    expect(acknowledged(answer(id, 'TASK_RUNNING'))).toEqual([]);
    bench.takeOver(50);
    const later = setAside(id, 'unread', 60);
    expect([later.persist, acknowledged(later)]).toEqual([[], ['unread']]);
  });

  test('that nobody knows (any more) is acknowledged at once', () => {
    expect(acknowledged(setAside('t-1-1'))).toEqual(['unread']);
    const id = running();
    bench.say(id, 'TASK_FINISHED');
    expect(acknowledged(setAside(id))).toEqual(['unread']);
  });

  test('without a uuid is marked and asked about once, for the answer may be as unreadable', () => {
    const id = running();
    expect(setAside(id, null).call.map(({ kind }) => kind)).toEqual(['reconcile']);
    expect(setAside(id, null)).toMatchObject({ persist: [], call: [] });
  });

  const forgotten: [MesosState, string][] = [
    ['TASK_GONE', 'Reconciliation: Task is unknown to the agent'],
    ['TASK_LOST', 'Reconciliation: Task is unknown to the agent'],
    ['TASK_DROPPED', ''],
    ['TASK_GONE_BY_OPERATOR', ''],
  ];
  test.each(forgotten)('and is then %s is not repeated at no cost: it may have finished', (word, message) => {
    const id = running();
    setAside(id);
    const heard = message === '' ? word : `${word}: ${message}`;
    expect(lastWrite(answer(id, word, message))).toMatchObject({
      status: TaskState.LOST,
      message: `an update of it could not be read and is in quarantine: it may have finished (${heard})`,
      reason: 'RESULT_UNKNOWN',
      change: { kind: 'end', mesosState: word, free: false },
      callback: true,
    });
  });

  test('uses up a retry where its tenant allows one', () => {
    const id = running({ retry: 1 });
    setAside(id);
    const requeued = lastWrite(answer(id, 'TASK_GONE'));
    expect(requeued).toMatchObject({
      status: TaskState.NOT_START,
      change: { free: false },
      requeue: { countedFailures: 1, freeFailures: 0 },
    });
    expect(requeued?.message).toContain('it may have finished (TASK_GONE); attempt 2 follows');
    // What was not read was of the first attempt alone.
    bench.frame({ kind: 'clock.ticked', atMs: 2_000, backlog: 0 });
    const offer = { offerId: 'o2', hostname: 'host-2', agentId: 'agent-2' };
    bench.offer(offer, 2_001);
    expect(lastWrite(bench.say('a_task-1-2', 'TASK_LOST', {}, 2_100))).toMatchObject({
      requeue: { countedFailures: 1, freeFailures: 1 },
    });
  });

  test('is judged so by a new leader too, and when it is given up or the framework is removed', () => {
    const [id, another, third] = [running(), running(), running()];
    for (const one of [id, another, third]) setAside(one);
    bench.takeOver(50);
    const unknown = { status: TaskState.LOST, reason: 'RESULT_UNKNOWN' };
    expect(lastWrite(answer(id, 'TASK_GONE', '', 60))).toMatchObject(unknown);
    bench.say(another, 'TASK_UNREACHABLE', { uuid: null }, 70);
    expect(lastWrite(bench.tick(900_070))).toMatchObject({ ...unknown, change: { mesosState: 'TASK_UNREACHABLE' } });
    expect(lastWrite(bench.frame({ kind: 'framework.removed', atMs: 900_080 }))).toMatchObject(unknown);
  });

  test('is KILLED where somebody asked for that, and ends as its agent says where that can be read', () => {
    const [killed, failed] = [running(), running({ retry: 1 })];
    for (const one of [killed, failed]) setAside(one);
    const taskId = bench.state.attempts.get(killed)?.taskId as SchedulableTask['taskId'];
    bench.table.requestKill(taskId);
    bench.frame({ kind: 'task.loaded', atMs: 35, taskId, live: bench.table.load(taskId) });
    expect(lastWrite(answer(killed, 'TASK_GONE'))).toMatchObject({ status: TaskState.KILLED });
    const own = bench.say(failed, 'TASK_FAILED', { reason: 'CONTAINER_LAUNCH_FAILED' }, 50);
    expect(lastWrite(own)).toMatchObject({ change: { free: true } });
  });

  test('is marked again when the write that marked it missed', () => {
    const id = running();
    const task = bench.state.attempts.get(id);
    if (task === undefined) throw new Error('it is not there');
    const stored = bench.table.load(task.taskId);
    bench.decideUnstored({ kind: 'update.quarantined', atMs: 30, mesosTaskId: id, agentId: 'agent-1', uuid: 'unread' });
    bench.frame({ kind: 'task.conflicted', atMs: 31, taskId: task.taskId, live: stored });
    expect(setAside(id).persist).toEqual([expect.objectContaining({ change: { kind: 'quarantine' } })]);
  });
});
