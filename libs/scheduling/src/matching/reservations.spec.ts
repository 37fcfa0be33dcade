import { describe, expect, test } from '@jest/globals';
import type { TaskId } from '@juice/contracts';
import { MatchTrial, roomOn, wanting } from '../../testing/match-trial.ts';
import type { Offer, Policy } from '../index.ts';

describe('a large task among small ones', () => {
  const large = wanting(8, { tenantId: 'large' });
  const small = wanting(1, { tenantId: 'small' });
  const whole = { reserveAfterMs: 1_000, offerHoldMs: 500 };

  /** An agent of eight CPUs, seen whole, then full of small tasks. */
  function full(policy: Partial<Policy> = {}): { trial: MatchTrial; ids: TaskId[] } {
    const trial = new MatchTrial({ ...whole, ...policy });
    const ids = trial.submit(Array.from({ length: 8 }, () => small));
    trial.offer([roomOn('a', 8)]);
    return { trial, ids };
  }

  const piece = (id: string, count = 1): Offer => roomOn(id, count, { agentId: 'a', hostname: 'host-a' });

  test('gets an agent to itself once it has waited a while', () => {
    const { trial, ids } = full();
    const [wanted = 0n] = trial.submit([large, ...Array.from({ length: 20 }, () => small)]);
    for (const [at, id] of ids.slice(0, 4).entries()) {
      trial.finish(id);
      // Each piece that comes free goes to a small one.
      expect(trial.offer([piece(`before-${at}`)])).toHaveLength(1);
      trial.pass(300);
    }
    trial.pass(1_000);
    for (const [at, id] of ids.slice(4).entries()) {
      trial.finish(id);
      expect(trial.offer([piece(`kept-${at}`)])).toEqual([]);
    }
    const others = [...trial.table.rows.values()].filter(({ live }) => live !== null);
    expect(others).toHaveLength(4);
    for (const { task } of others) trial.finish(task.taskId);
    expect(trial.offer([piece('last', 4)])).toEqual([[wanted, 'a']]);
  });

  test('keeps no agent that could never hold it, and no more than its time', () => {
    const { trial, ids } = full({ reserveMs: 10_000 });
    trial.finish(ids[0] as TaskId);
    trial.submit([wanting(9, { tenantId: 'huge' })]);
    trial.offer([piece('p0')]);
    trial.pass(2_000);
    expect([...trial.state.reservations.all()]).toEqual([]);
    const wanted = trial.submit([large])[0] as TaskId;
    trial.finish(ids[1] as TaskId);
    trial.offer([piece('p1')]);
    trial.pass(2_000);
    expect(trial.state.reservations.agentFor(wanted)).toBe('a');
    trial.frame({ kind: 'task.loaded', atMs: trial.atMs, taskId: wanted, live: null });
    trial.pass(1);
    expect([...trial.state.reservations.all()]).toEqual([]);
  });

  test('one that is kept for a tenant with more goes to a tenant with less', () => {
    const { trial } = full();
    const [more] = trial.submit([wanting(2, { tenantId: 'small' })]);
    trial.offer([piece('too-little', 0)]);
    trial.pass(2_000);
    expect(trial.state.reservations.agentFor(more as TaskId)).toBe('a');
    const [less] = trial.submit([wanting(2, { tenantId: 'large' })]);
    trial.offer([piece('again', 0)]);
    for (let second = 0; second < 3; second += 1) trial.pass(1_000);
    expect(trial.state.reservations.agentFor(less as TaskId)).toBe('a');
    for (let second = 0; second < 3; second += 1) trial.pass(1_000);
    expect(trial.state.reservations.agentFor(more as TaskId)).toBeNull();
  });

  test('no more than a tenth of the cluster is kept, or one agent', () => {
    const trial = new MatchTrial(whole);
    const agents = Array.from({ length: 40 }, (_, at) => roomOn(`agent-${at}`, 8));
    trial.submit(Array.from({ length: 320 }, () => small));
    trial.offer(agents);
    trial.submit(Array.from({ length: 30 }, (_, at) => wanting(8, { tenantId: `large-${at}` })));
    trial.offer(agents.map((agent) => ({ ...agent, offerId: `${agent.offerId}-rest`, cpuMillis: 10, memMb: 10 })));
    trial.pass(2_000);
    expect([...trial.state.reservations.all()]).toHaveLength(4);
  });
});
