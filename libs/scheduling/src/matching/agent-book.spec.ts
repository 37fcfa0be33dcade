import { describe, expect, test } from '@jest/globals';
import type { TaskId } from '@juice/contracts';
import { MatchTrial, roomOn, wanting } from '../../testing/match-trial.ts';

describe('what an agent has', () => {
  const total = ({ state }: MatchTrial): number => state.agents.total.cpuMillis;

  test('is not more for an offer that comes before the word of the task whose room is in it', () => {
    const trial = new MatchTrial();
    const [first] = trial.submit([wanting(4)]);
    trial.offer([roomOn('a', 4)]);
    for (let round = 0; round < 20; round += 1) {
      trial.offer([roomOn(`early-${round}`, 4, { agentId: 'a', hostname: 'host-a' })]);
      trial.pass(900);
      expect(total(trial)).toBe(4_000);
      trial.frame({ kind: 'offer.rescinded', atMs: trial.atMs, offerId: `early-${round}` });
      trial.pass(100);
    }
    trial.finish(first as TaskId);
    expect(total(trial)).toBe(4_000);
  });

  test('is more once it has been more for a while, as when another framework leaves', () => {
    const trial = new MatchTrial();
    trial.submit([wanting(4)]);
    trial.offer([roomOn('a', 4)]);
    trial.offer([roomOn('more', 2, { agentId: 'a', hostname: 'host-a' })]);
    trial.pass(1);
    expect(total(trial)).toBe(4_000);
    for (let second = 0; second < 16; second += 1) {
      trial.pass(1_000);
      trial.offer([roomOn(`again-${second}`, 2, { agentId: 'a', hostname: 'host-a' })]);
      if (second > 0) trial.frame({ kind: 'offer.rescinded', atMs: trial.atMs, offerId: `again-${second - 1}` });
    }
    expect(total(trial)).toBe(6_000);
  });
});
