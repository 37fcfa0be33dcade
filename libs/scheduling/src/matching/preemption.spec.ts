import { describe, expect, test } from '@jest/globals';
import { TaskState, type SchedulableTask, type TaskId } from '@juice/contracts';
import { MatchTrial, needsOf } from '../../testing/match-trial.ts';
import { offerOf } from '../../testing/samples.ts';
import { noLimits, whyWaiting, type Commands, type Offer, type PreemptionRule } from '../index.ts';

const rule: PreemptionRule = { afterMs: 20_000, safeShare: 1, minDifference: 0.25, most: 10 };

function cpus(count: number, facts: Partial<SchedulableTask> = {}): Partial<SchedulableTask> {
  return { expireAtMs: 1e9, ...facts, needs: needsOf(count) };
}

/** Agents of four CPUs, filled by `rich` a task of one CPU at a time, the younger ones later. */
function full(agents: number, preemption: PreemptionRule | null = rule): { trial: MatchTrial; ids: TaskId[] } {
  const trial = new MatchTrial({ preemption });
  const ids: TaskId[] = [];
  for (let at = 0; at < agents; at += 1) {
    trial.submit(Array.from({ length: 4 }, () => cpus(1, { tenantId: 'rich' })));
    ids.push(...start(trial, offerOf({ offerId: `o${at}`, agentId: `a${at}`, hostname: `host-a${at}` })));
  }
  return { trial, ids };
}

/** What an offer launches, and that it runs. */
function start(trial: MatchTrial, offer: Offer): TaskId[] {
  const ids = trial.offer([offer]).map(([id]) => id);
  for (const id of ids) trial.tell(id, 'TASK_RUNNING');
  trial.atMs += 100;
  return ids;
}

/** Time passes, second by second; what was commanded. */
function wait(trial: MatchTrial, seconds: number): Commands[] {
  return Array.from({ length: seconds }, () => trial.pass(1_000));
}

function killed(outs: readonly Commands[]): (TaskId | null)[] {
  return outs.flatMap(({ call }) => call.flatMap((one) => (one.kind === 'kill' ? [one.taskId] : [])));
}

describe('a task of a tenant below its share, where everything is taken', () => {
  test('has as many stopped as it needs: of the tenant that has too much, the youngest, on one agent', () => {
    const { trial, ids } = full(2);
    const [poor] = trial.submit([cpus(2, { tenantId: 'poor' })]);
    expect(killed(wait(trial, 19))).toEqual([]);
    const outs = wait(trial, 21);
    expect(killed(outs.slice(0, 15))).toEqual([ids[7], ids[6]]);
    const writes = outs.flatMap(({ persist }) => persist);
    expect(writes).toEqual(
      [ids[7], ids[6]].map((taskId) =>
        expect.objectContaining({
          ...{ taskId, status: TaskState.RUNNING, reason: 'PREEMPTED', change: { kind: 'preempt' }, callback: false },
          message: expect.stringContaining('make room'),
        }),
      ),
    );
    expect(trial.state.reservations.agentFor(poor as TaskId)).toBe('a1');
    const why = (taskId: TaskId | undefined): string => whyWaiting(trial.state, taskId as TaskId, trial.atMs).summary;
    expect(why(poor)).toContain('2 tasks of tenants with more than their share are being stopped there');
    expect(why(ids[7])).toContain('is stopped at no cost, to make room');
  });

  test('gets their room, though its own tenant and others would have it', () => {
    const { trial, ids } = full(1);
    const [poor = 0n] = trial.submit([cpus(2, { tenantId: 'poor' })]);
    wait(trial, 30);
    trial.submit([cpus(1, { tenantId: 'third' }), cpus(1, { tenantId: 'poor' })]);
    for (const id of [ids[3], ids[2]] as TaskId[]) trial.tell(id, 'TASK_KILLED');
    expect(trial.offer([offerOf({ offerId: 'freed', agentId: 'a0', hostname: 'host-a0', cpuMillis: 2_000 })])).toEqual([
      [poor, 'a0'],
    ]);
  });

  test('stops nobody unless the operator wants it, before its time, or for a host port that might be taken', () => {
    const off = full(1, null).trial;
    off.submit([cpus(2, { tenantId: 'poor' })]);
    expect(killed(wait(off, 120))).toEqual([]);
    const { trial } = full(1);
    trial.submit([{ tenantId: 'poor', needs: needsOf(2, 10, { ports: 1, hostPorts: [80] }) }]);
    expect(killed(wait(trial, 120))).toEqual([]);
  });

  test('stops none that its tenant keeps by its fair share, nor one for a share as large', () => {
    const { trial } = full(1);
    // Three tenants: a third each. Three of four are above it, and then it keeps one CPU of four, which is below.
    trial.submit([cpus(3, { tenantId: 'poor' }), cpus(4, { tenantId: 'third' })]);
    expect(killed(wait(trial, 120))).toEqual([]);
    const even = full(1);
    even.trial.limit('rich', { ...noLimits, weight: 3 });
    // Its fair share is a quarter, and with the task it would have two.
    even.trial.submit([cpus(2, { tenantId: 'poor' })]);
    expect(killed(wait(even.trial, 120))).toEqual([]);
  });

  test('stops no more at a time than is allowed', () => {
    const { trial } = full(1, { ...rule, most: 1 });
    trial.submit([cpus(2, { tenantId: 'poor' })]);
    expect(killed(wait(trial, 120))).toEqual([]);
  });

  test('spares what a larger one makes needless', () => {
    const trial = new MatchTrial({ preemption: rule });
    trial.submit([cpus(3, { tenantId: 'rich' })]);
    const large = start(trial, offerOf({ offerId: 'o', agentId: 'a', cpuMillis: 4_000 }));
    trial.submit([cpus(1, { tenantId: 'rich' })]);
    start(trial, offerOf({ offerId: 'o2', agentId: 'a', cpuMillis: 1_000 }));
    trial.limit('rich', { ...noLimits, weight: 0.1 });
    trial.submit([cpus(3, { tenantId: 'poor' })]);
    expect(killed(wait(trial, 25))).toEqual(large);
  });

  test('another agent is kept for it where stopping helps, if it does not where one is kept', () => {
    const trial = new MatchTrial({ preemption: rule });
    // Half of the first agent is somebody else's; what we have of it is a fair tenant's.
    trial.submit([cpus(2, { tenantId: 'fair' })]);
    start(trial, offerOf({ offerId: 'a', agentId: 'a', cpuMillis: 4_000 }));
    const rich = trial.submit(Array.from({ length: 4 }, () => cpus(1, { tenantId: 'rich' })));
    start(trial, offerOf({ offerId: 'b', agentId: 'b', cpuMillis: 4_000 }));
    const [poor] = trial.submit([cpus(1, { tenantId: 'poor' })]);
    const outs = wait(trial, 45);
    expect(trial.state.reservations.agentFor(poor as TaskId)).toBe('b');
    expect(killed(outs)).toContain(rich[3]);
  });
});

describe('a task that was stopped to make room', () => {
  function stopped(): { trial: MatchTrial; id: TaskId } {
    const { trial, ids } = full(1);
    trial.submit([cpus(1, { tenantId: 'poor' })]);
    wait(trial, 30);
    return { trial, id: ids[3] as TaskId };
  }

  test('waits again at no cost, soon, and may return to its host', () => {
    const { trial, id } = stopped();
    const out = trial.tell(id, 'TASK_KILLED');
    expect(out.persist).toEqual([
      expect.objectContaining({
        ...{ taskId: id, status: TaskState.NOT_START, change: expect.objectContaining({ free: true }) },
        requeue: { notBeforeMs: trial.atMs + 1_000, countedFailures: 0, freeFailures: 0 },
      }),
    ]);
    expect(trial.state.tasks.get(id)?.avoidHost).toBeNull();
  });

  test('has finished when it was faster, and is killed for good when its tenant asks for it', () => {
    const fast = stopped();
    expect(fast.trial.tell(fast.id, 'TASK_FINISHED').persist[0]).toMatchObject({ status: TaskState.FINISHED });
    const { trial, id } = stopped();
    trial.table.requestKill(id);
    trial.frame({ kind: 'task.loaded', atMs: trial.atMs, taskId: id, live: trial.table.load(id) });
    expect(trial.tell(id, 'TASK_KILLED').persist[0]).toMatchObject({ status: TaskState.KILLED });
  });

  test('is killed again while it does not end, and by a new leader', () => {
    const { trial, id } = stopped();
    expect(killed(wait(trial, 30))).toContain(id);
    const next = new MatchTrial({ preemption: rule });
    const loaded = { kind: 'task.loaded', atMs: next.atMs, taskId: id, live: trial.table.load(id) } as const;
    expect(killed([next.frame(loaded)])).toEqual([id]);
  });

  test('is not killed when its mark could not be written, for its tenant had it killed', () => {
    const { trial, ids } = full(1);
    trial.submit([cpus(1, { tenantId: 'poor' })]);
    wait(trial, 18);
    const id = ids[3] as TaskId;
    trial.table.requestKill(id);
    const marked = wait(trial, 12).find(({ persist }) => persist.length > 0);
    expect(marked?.persist[0]).toMatchObject({ taskId: id, unlessKillRequested: true });
    const out = trial.frame({ kind: 'task.conflicted', atMs: trial.atMs, taskId: id, live: trial.table.load(id) });
    expect(trial.state.tasks.get(id)?.live?.preempted).toBe(false);
    expect(killed([out])).toEqual([id]);
    expect(trial.tell(id, 'TASK_KILLED').persist[0]).toMatchObject({ status: TaskState.KILLED });
  });
});
