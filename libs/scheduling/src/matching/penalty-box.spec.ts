import { describe, expect, test } from '@jest/globals';
import { MatchTrial, roomOn, wanting } from '../../testing/match-trial.ts';

describe('an agent that fails tasks', () => {
  function failOn(trial: MatchTrial, agent: string, facts: { tenantId: string; reason?: string; afterMs?: number }) {
    const [id = 0n] = trial.submit([wanting(1, { tenantId: facts.tenantId })]);
    const launched = trial.offer([roomOn(`${agent}-${String(id)}`, 9, { agentId: agent, hostname: agent })]);
    if (launched.length === 0) return false;
    trial.atMs += facts.afterMs ?? 10;
    for (const [taskId] of launched) {
      const mesosTaskId = trial.table.rows.get(taskId)?.live?.mesosTaskId ?? '';
      const status = { mesosTaskId, state: 'TASK_FAILED', message: '', reason: facts.reason ?? null } as const;
      trial.frame({
        kind: 'status.received',
        atMs: trial.atMs,
        status: { ...status, agentId: agent, uuid: null, healthy: true },
      });
    }
    return true;
  }

  /** A cluster of four agents, so that one of them is not most of it. */
  function cluster(): MatchTrial {
    const trial = new MatchTrial({ freeLaunchFailures: 0 });
    trial.offer(['good-1', 'good-2', 'good-3'].map((id) => roomOn(id, 1)));
    trial.pass(3_000);
    return trial;
  }

  test('three at their launch: it is shut, until time has passed; one more failure shuts it again', () => {
    const trial = cluster();
    const fails = () => failOn(trial, 'bad', { tenantId: 't', reason: 'CONTAINER_LAUNCH_FAILED' });
    expect([fails(), fails(), fails()]).toEqual([true, true, true]);
    expect(fails()).toBe(false);
    trial.pass(400_000);
    expect(fails()).toBe(true);
    trial.pass(1_000);
    expect(fails()).toBe(false);
  });

  test('the failures of one tenant are its own; those of three are the agent’s', () => {
    const trial = cluster();
    for (let n = 0; n < 6; n += 1) expect(failOn(trial, 'bad', { tenantId: 't' })).toBe(true);
    expect(failOn(trial, 'bad', { tenantId: 'u' })).toBe(true);
    expect(failOn(trial, 'bad', { tenantId: 'v' })).toBe(true);
    expect(failOn(trial, 'bad', { tenantId: 'w' })).toBe(false);
  });

  test('a task that lasts clears it', () => {
    const trial = cluster();
    for (const tenantId of ['t', 'u']) failOn(trial, 'bad', { tenantId });
    failOn(trial, 'bad', { tenantId: 'x', afterMs: 60_000 });
    for (const tenantId of ['v', 'w']) expect(failOn(trial, 'bad', { tenantId })).toBe(true);
    expect(failOn(trial, 'bad', { tenantId: 'y' })).toBe(true);
  });

  test('when most of the cluster fails, nobody is shut out', () => {
    const trial = new MatchTrial({ freeLaunchFailures: 0 });
    const fails = () => failOn(trial, 'only', { tenantId: 't', reason: 'CONTAINER_LAUNCH_FAILED' });
    for (let n = 0; n < 6; n += 1) expect(fails()).toBe(true);
  });
});
