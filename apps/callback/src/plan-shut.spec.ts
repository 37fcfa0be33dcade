import { describe, expect, test } from '@jest/globals';
import { crowdedUntilMs, planShut, type ShutFacts } from './plan-shut.ts';

const nowMs = 1_750_000_000_000;
const facts = (changes: Partial<ShutFacts> = {}): ShutFacts => {
  return { nowMs, sinceMs: nowMs, rampFromMs: null, schedule: [0, 60_000, 240_000], random: 0.5, ...changes };
};
const shut = (reason: 'endpoint-paused' | 'endpoint-gone' | 'endpoint-waits' | 'endpoint-open', ms: number | null) => {
  return { kind: 'shut', reason, untilMs: ms === null ? null : nowMs + ms } as const;
};

describe('a lane whose endpoint takes nothing', () => {
  test('waits for ever while it is paused or gone: held is not lost', () => {
    for (const reason of ['endpoint-paused', 'endpoint-gone'] as const)
      expect(planShut(shut(reason, null), facts({ sinceMs: 0 }))).toEqual({ kind: 'aside', dueAtMs: null });
  });

  test('looks by itself ten minutes after a wait, whoever waits', () => {
    expect(planShut(shut('endpoint-waits', 5_000), facts({ sinceMs: 0 }))).toEqual({
      kind: 'aside',
      dueAtMs: nowMs + 605_000,
    });
  });

  test('is dead when its whole schedule has passed with the breaker open', () => {
    const open = shut('endpoint-open', 30_000);
    expect(planShut(open, facts())).toEqual({ kind: 'aside', dueAtMs: nowMs + 300_000 });
    expect(planShut(open, facts({ sinceMs: nowMs - 299_999 }))).toEqual({ kind: 'aside', dueAtMs: nowMs + 60_000 });
    expect(planShut(open, facts({ sinceMs: nowMs - 300_000 }))).toEqual({ kind: 'dead' });
  });

  test('begins to count anew when its endpoint was well meanwhile', () => {
    const old = facts({ sinceMs: nowMs - 1_000_000, rampFromMs: nowMs - 100_000 });
    expect(planShut(shut('endpoint-open', 30_000), old)).toEqual({ kind: 'aside', dueAtMs: nowMs + 200_000 });
  });
});

test('what found its endpoint busy looks again in about ten minutes', () => {
  expect([0, 0.5, 0.999].map((random) => Math.round((crowdedUntilMs(nowMs, random) - nowMs) / 1000))).toEqual([
    480, 600, 720,
  ]);
});
