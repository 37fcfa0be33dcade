import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  defaultSchedule,
  longestRetryAfterMs,
  ourFaultDelayMs,
  planNext,
  rejectedTries,
  type NextStep,
  type PlanFacts,
} from './plan-next.ts';
import type { AttemptOutcome } from './outcome.ts';

const nowMs = 1_750_000_000_000;
function facts(changes: Partial<PlanFacts> = {}): PlanFacts {
  return { tries: 1, nowMs, sinceMs: nowMs, schedule: defaultSchedule, random: 0.5, ...changes };
}
const failed = (retryAfterMs: number | null = null): AttemptOutcome => ({
  kind: 'failed',
  reason: 'status-503',
  retryAfterMs,
});
const delayOf = (step: NextStep) => ('atMs' in step ? step.atMs - nowMs : null);

describe('a failed attempt', () => {
  test('follows the schedule to its end', () => {
    const delays = defaultSchedule.map((_, index) => delayOf(planNext(failed(), facts({ tries: index + 1 }))));
    expect(delays).toEqual([...defaultSchedule.slice(1), null]);
    expect(planNext(failed(), facts({ tries: defaultSchedule.length }))).toEqual({ kind: 'dead', exhausted: true });
  });

  test('never comes back before Retry-After, but waits a day at most', () => {
    expect(delayOf(planNext(failed(3_600_000), facts()))).toBe(3_600_000);
    expect(delayOf(planNext(failed(1), facts()))).toBe(5_000);
    expect(delayOf(planNext(failed(10 * longestRetryAfterMs), facts()))).toBe(longestRetryAfterMs);
  });

  test('whatever the chance: within 20 % of the schedule, and not before Retry-After', () => {
    const outcome = fc.option(fc.nat({ max: 10 * longestRetryAfterMs }));
    fc.assert(
      fc.property(
        outcome,
        fc.integer({ min: 1, max: 20 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (after, tries, random) => {
          const step = planNext(failed(after), facts({ tries, random }));
          const planned = defaultSchedule[tries];
          if (planned === undefined) {
            expect(step).toEqual({ kind: 'dead', exhausted: true });
            return;
          }
          const least = Math.min(after ?? 0, longestRetryAfterMs);
          expect(delayOf(step)).toBeGreaterThanOrEqual(Math.max(least, Math.floor(planned * 0.8)));
          expect(delayOf(step)).toBeLessThanOrEqual(Math.max(least, Math.ceil(planned * 1.2)));
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('other outcomes', () => {
  test('a rejection has a short budget', () => {
    const rejected: AttemptOutcome = { kind: 'rejected', reason: 'status-404' };
    for (let tries = 1; tries < rejectedTries; tries += 1) {
      expect(planNext(rejected, facts({ tries }))).toEqual({
        kind: 'retry',
        atMs: nowMs + (defaultSchedule[tries] ?? 0),
        triesLeft: rejectedTries - tries,
      });
    }
    expect(planNext(rejected, facts({ tries: rejectedTries }))).toEqual({ kind: 'dead', exhausted: true });
    expect(planNext(rejected, facts({ tries: 2, schedule: [0, 1000] }))).toEqual({ kind: 'dead', exhausted: true });
  });

  test('delivered, gone, forbidden, stopped', () => {
    expect(planNext({ kind: 'delivered', reason: 'status-200' }, facts())).toEqual({ kind: 'delivered' });
    expect(planNext({ kind: 'gone', reason: 'status-410' }, facts())).toEqual({ kind: 'hold' });
    expect(planNext({ kind: 'forbidden', reason: 'forbidden-port' }, facts())).toEqual({
      kind: 'dead',
      exhausted: false,
    });
    expect(planNext({ kind: 'stopped', reason: 'stopped' }, facts())).toEqual({ kind: 'uncharged', atMs: nowMs });
  });

  test('a fault of ours is not charged, until the state is older than its whole schedule', () => {
    const ours: AttemptOutcome = { kind: 'ours', reason: 'ours-eai-again' };
    const schedule = [0, 10_000, 20_000];
    expect(planNext(ours, facts({ tries: 99 }))).toEqual({ kind: 'uncharged', atMs: nowMs + ourFaultDelayMs });
    expect(planNext(ours, facts({ schedule, sinceMs: nowMs - 30_000 }))).toMatchObject({ kind: 'uncharged' });
    expect(planNext(ours, facts({ schedule, sinceMs: nowMs - 30_001 }))).toEqual({
      kind: 'retry',
      atMs: nowMs + 10_000,
      triesLeft: 2,
    });
    expect(planNext(ours, facts({ schedule, sinceMs: nowMs - 30_001, tries: 3 }))).toMatchObject({ kind: 'dead' });
  });
});
