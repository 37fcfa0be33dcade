import { describe, expect, test } from '@jest/globals';
import type { SchedulableTask, TaskId } from '@juice/contracts';
import { MatchTrial, needsOf } from '../../testing/match-trial.ts';
import { offerOf } from '../../testing/samples.ts';
import { noLimits, surveyQueue, whyWaiting } from '../index.ts';

const full = { offerId: 'o1', agentId: 'a1', hostname: 'h1', cpuMillis: 4_000, memMb: 4_096 };

function why(trial: MatchTrial, taskId: TaskId) {
  return whyWaiting(trial.state, taskId, trial.atMs);
}

/** With a day to wait. */
function submit(trial: MatchTrial, tasks: readonly Partial<SchedulableTask>[]): TaskId[] {
  return trial.submit(tasks.map((task) => ({ expireAtMs: 86_400_000, ...task })));
}

function submitOne(trial: MatchTrial, task: Partial<SchedulableTask> = {}): TaskId {
  return submit(trial, [task])[0] as TaskId;
}

describe('why a task waits', () => {
  test('a thousand that fit nowhere hold up none of the ten behind them, and each says why', () => {
    const trial = new MatchTrial();
    const misfits = Array.from({ length: 1_000 }, (_, at) => ({ tenantId: `t${at % 7}`, needs: needsOf(64 + at) }));
    const waiting = submit(trial, misfits);
    const ten = submit(
      trial,
      Array.from({ length: 10 }, () => ({ tenantId: 't0', needs: needsOf(0.1) })),
    );
    const placed = trial.offer([offerOf(full)]).map(([taskId]) => taskId);
    expect(new Set(placed)).toEqual(new Set(ten));
    for (const [at, taskId] of waiting.entries())
      expect(why(trial, taskId)).toMatchObject({
        state: 'waiting',
        summary: `no agent is large enough: it asks for ${64 + at} CPUs, and the largest that it may run on has 4 CPUs`,
        possibleAgents: 0,
        obstacles: [{ why: 'too small', of: 'cpus', agents: 1 }],
      });
  });

  test('counts each agent once, with what it lacks and what is in its way', () => {
    const trial = new MatchTrial();
    // Agents fill up: what they had is known, what they have left is offered.
    submit(
      trial,
      [3.5, 3].map((cpus, at) => ({ needs: needsOf(cpus), constraints: [host(`h${at + 1}`)] })),
    );
    trial.offer([
      offerOf(full),
      offerOf({ ...full, offerId: 'o2', agentId: 'a2', hostname: 'h2' }),
      offerOf({ ...full, offerId: 'o3', agentId: 'a3', hostname: 'other' }),
      offerOf({ ...full, offerId: 'o4', agentId: 'a4', hostname: 'h4', cpuMillis: 500 }),
    ]);
    const taskId = submitOne(trial, { needs: needsOf(2), constraints: [host('h1', 'h2', 'h4')] });
    const left = [
      { ...full, offerId: 'o5', cpuMillis: 500 },
      { ...full, offerId: 'o6', agentId: 'a2', hostname: 'h2', cpuMillis: 1_000 },
    ];
    expect(trial.offer(left.map((facts) => offerOf(facts)))).toEqual([]);
    expect(why(trial, taskId)).toMatchObject({
      summary: 'none of the 2 agents that could hold it takes it now: 2 agents short of cpus by 1 or more',
      obstacles: [
        { why: 'cpus', agents: 2, shortBy: 1 },
        { why: 'constraint', of: 'HOSTNAME', agents: 1 },
        { why: 'too small', of: 'cpus', agents: 1 },
      ],
      possibleAgents: 2,
      lastConsidered: new Date(trial.atMs).toISOString(),
      position: { inTenant: 1, ofTenant: 1, tenantsAhead: 0, tenants: 1, overall: 1, ofAll: 1 },
      cluster: { subscribed: true, agents: 4, offers: 4 },
    });
  });

  test('a limit of the tenant is named with its use', () => {
    const trial = new MatchTrial();
    trial.limit('acme', { ...noLimits, cpuMillis: 3_000, weight: 2 });
    submit(trial, [{ tenantId: 'acme', needs: needsOf(2) }]);
    trial.offer([offerOf(full)]);
    const taskId = submitOne(trial, { tenantId: 'acme', needs: needsOf(1.5) });
    trial.offer([offerOf({ ...full, offerId: 'o2', cpuMillis: 2_000 })]);
    expect(why(trial, taskId)).toMatchObject({
      limitedBy: 'cpus',
      summary: 'its tenant uses 2 of at most 3 CPUs, and it needs 1.5',
      tenant: { share: 0.5, weight: 2, running: 1, waiting: 1, used: { cpus: 2 }, limits: { cpus: 3, running: null } },
    });
  });

  test('what stands before it: its tenant’s tasks by priority and age, and tenants by share', () => {
    const trial = new MatchTrial();
    const [, , third] = submit(trial, [{ tenantId: 'a' }, { tenantId: 'a', priority: 1 }, { tenantId: 'a' }]);
    submit(trial, [{ tenantId: 'b' }]);
    const { position } = why(trial, third as TaskId);
    expect(position).toEqual({ inTenant: 3, ofTenant: 3, tenantsAhead: 0, tenants: 2, overall: 4, ofAll: 4 });
  });

  test('without agents, without a master, on the cluster, and unread', () => {
    const trial = new MatchTrial();
    const taskId = submitOne(trial);
    expect(why(trial, taskId).summary).toBe('no agent has been offered yet');
    trial.offer([offerOf(full)]);
    expect(why(trial, taskId)).toMatchObject({ state: 'on the cluster', summary: 'attempt 1 is launching on h1' });
    const next = submitOne(trial);
    trial.frame({ kind: 'cluster.disconnected', atMs: trial.atMs });
    expect(why(trial, next).summary).toBe('the scheduler is not connected to a Mesos master');
    expect(why(trial, 999_999n as TaskId).state).toBe('unknown');
  });

  test('constraints that no agent fulfils are named, and again when it expires', () => {
    const trial = new MatchTrial();
    trial.offer([offerOf(full)]);
    const taskId = submitOne(trial, { constraints: [host('nowhere')] });
    const summary = 'none of the 1 agents seen fulfils its constraints (HOSTNAME)';
    expect(why(trial, taskId).summary).toBe(summary);
    const { persist } = trial.pass(86_400_000 * 2);
    expect(persist).toMatchObject([{ taskId, message: expect.stringMatching(/seconds: none of the 1 agents seen/) }]);
  });
});

test('the survey has every tenant, what is left out and what is blocked', () => {
  const trial = new MatchTrial();
  submit(trial, [
    { tenantId: 'a', needs: needsOf(1) },
    ...Array.from({ length: 5 }, () => ({ tenantId: 'b', needs: needsOf(100) })),
  ]);
  trial.offer([offerOf(full)]);
  expect(surveyQueue(trial.state, trial.atMs)).toMatchObject({
    waiting: 5,
    running: 1,
    pausing: 0,
    cluster: { total: { cpus: 4, memMb: 4_096 }, penalised: [], reserved: [] },
    tenants: [
      { tenantId: 'a', share: 0.25, running: 1, waiting: 0 },
      { tenantId: 'b', share: 0, running: 0, waiting: 5 },
    ],
    blocked: [{ tenantId: 'b', waiting: 5, by: 'room', summary: expect.stringMatching(/^no agent is large enough/) }],
  });
});

function host(...values: string[]) {
  return { field: 'HOSTNAME', values };
}
