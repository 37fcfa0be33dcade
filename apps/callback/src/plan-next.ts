import type { AttemptOutcome } from './outcome.ts';

/** When each try of a state is due, counted from the try before: the first at once. */
export type Schedule = readonly number[];

const second = 1_000;
const minute = 60 * second;
const hour = 60 * minute;

/** About 71 hours in all: a receiver that is down over a weekend still gets its callbacks. */
export const defaultSchedule: Schedule = [
  ...[0, 5 * second, 30 * second, 2 * minute, 10 * minute, 30 * minute],
  ...[hour, 3 * hour, 6 * hour, 12 * hour, 24 * hour, 24 * hour],
];

/** Tries of a state whose receiver says that the request itself is wrong: enough to outlast a deployment gone awry. */
export const rejectedTries = 5;

/** Nobody may ask us to wait longer: a receiver's clock or units are wrong then. */
export const longestRetryAfterMs = 24 * hour;

/** How long a fault of ours puts an attempt off: the resolver or the network is not back sooner. */
export const ourFaultDelayMs = 30 * second;

/** What becomes of the state after an attempt. `uncharged`: the try does not count. */
export type NextStep =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'retry'; readonly atMs: number; readonly triesLeft: number }
  | { readonly kind: 'uncharged'; readonly atMs: number }
  | { readonly kind: 'hold' }
  | { readonly kind: 'dead'; readonly exhausted: boolean };

export interface PlanFacts {
  /** The number of the try that has just been made: 1, 2, … */
  readonly tries: number;
  readonly nowMs: number;
  /** Since when the state waits: bounds how long faults of ours are not counted. */
  readonly sinceMs: number;
  readonly schedule: Schedule;
  /** Chance for the jitter: 0 ≤ random < 1. */
  readonly random: number;
}

/**
 * Decides what follows an attempt:
 *
 * | outcome   | next                                                                                              |
 * |-----------|---------------------------------------------------------------------------------------------------|
 * | delivered | done                                                                                              |
 * | failed    | retry after the schedule's next delay ±20 %, never before Retry-After (which is capped at 24 h);    |
 * |           | dead when the schedule is used up                                                                 |
 * | rejected  | the same, but dead after `rejectedTries`                                                          |
 * | gone      | hold                                                                                              |
 * | forbidden | dead                                                                                              |
 * | ours      | again in 30 s ±20 %, uncharged; as failed once the state has waited for the whole schedule        |
 * | stopped   | at once, by another worker, uncharged                                                             |
 */
export function planNext(outcome: AttemptOutcome, facts: PlanFacts): NextStep {
  const { nowMs } = facts;
  switch (outcome.kind) {
    case 'delivered':
      return { kind: 'delivered' };
    case 'failed':
      return retryOrDead(facts, outcome.retryAfterMs ?? 0, facts.schedule.length);
    case 'rejected':
      return retryOrDead(facts, 0, Math.min(rejectedTries, facts.schedule.length));
    case 'gone':
      return { kind: 'hold' };
    case 'forbidden':
      return { kind: 'dead', exhausted: false };
    case 'ours':
      // A receiver whose own name servers are broken looks like a fault of our resolver: that must come to an end too.
      return nowMs - facts.sinceMs > totalOf(facts.schedule)
        ? retryOrDead(facts, 0, facts.schedule.length)
        : { kind: 'uncharged', atMs: nowMs + jittered(ourFaultDelayMs, facts.random) };
    case 'stopped':
      return { kind: 'uncharged', atMs: nowMs };
    default:
      return outcome satisfies never;
  }
}

function retryOrDead({ tries, nowMs, schedule, random }: PlanFacts, retryAfterMs: number, budget: number): NextStep {
  const delayMs = schedule[tries];
  if (delayMs === undefined || tries >= budget) return { kind: 'dead', exhausted: true };
  const atLeastMs = Math.min(retryAfterMs, longestRetryAfterMs);
  const atMs = nowMs + Math.max(jittered(delayMs, random), atLeastMs);
  return { kind: 'retry', atMs, triesLeft: Math.min(budget, schedule.length) - tries };
}

/** Anywhere from 80 % to 120 %, so that what failed together does not come back together. */
export function jittered(delayMs: number, random: number): number {
  return Math.round(delayMs * (0.8 + 0.4 * random));
}

/** From the first try to the last. */
export function totalOf(schedule: Schedule): number {
  return schedule.reduce((sum, delayMs) => sum + delayMs, 0);
}
