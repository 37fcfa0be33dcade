import type { Admission } from './endpoint-state.ts';
import { jittered, totalOf, type Schedule } from './plan-next.ts';

export interface ShutFacts {
  readonly nowMs: number;
  /** Since when the lane's oldest pending state waits, and since when its endpoint has had traffic again (null: always). */
  readonly sinceMs: number;
  readonly rampFromMs: number | null;
  readonly schedule: Schedule;
  /** Chance for the jitter: 0 ≤ random < 1. */
  readonly random: number;
}

/** What becomes of a lane that could be sent, and whose endpoint takes nothing: it is put aside, to be looked at again by itself then, or given up. */
export type ShutStep = { readonly kind: 'aside'; readonly dueAtMs: number | null } | { readonly kind: 'dead' };

/**
 * | the endpoint   | the lane                                                                                              |
 * |----------------|-------------------------------------------------------------------------------------------------------|
 * | paused, gone   | aside, until the endpoint is resumed                                                                  |
 * | waits          | aside; looked at a while after the wait, should nobody have taken it by then                          |
 * | breaker open   | aside, until its whole schedule has passed since it could have been sent; then dead: the probes have failed for as long as its own tries would have |
 */
export function planShut(shut: Extract<Admission, { kind: 'shut' }>, facts: ShutFacts): ShutStep {
  const { nowMs, random } = facts;
  switch (shut.reason) {
    case 'endpoint-paused':
    case 'endpoint-gone':
      return { kind: 'aside', dueAtMs: null };
    case 'endpoint-waits':
      return { kind: 'aside', dueAtMs: (shut.untilMs ?? nowMs) + jittered(asideMs, random) };
    case 'endpoint-open': {
      const deadlineMs = Math.max(facts.sinceMs, facts.rampFromMs ?? 0) + totalOf(facts.schedule);
      // At least a moment from now: the probe that may be under way is waited for.
      return deadlineMs <= nowMs
        ? { kind: 'dead' }
        : { kind: 'aside', dueAtMs: Math.max(deadlineMs, nowMs + leastAsideMs) };
    }
    default:
      return shut.reason satisfies never;
  }
}

/** When a lane is looked at again that found its endpoint with as many in hand as it may have. */
export function crowdedUntilMs(nowMs: number, random: number): number {
  return nowMs + jittered(asideMs, random);
}

/** Whoever works for the endpoint takes its lanes from where they are aside: their own time is for when nobody does. */
const asideMs = 600_000;
const leastAsideMs = 60_000;
