import { durationBuckets, type Metrics } from '@juice/observability';
import type { AttemptOutcome } from './outcome.ts';

/** What the dispatcher counts. Labels are outcomes, never tenants or endpoints: those are in the log and in MongoDB. */
export interface CallbackMetrics {
  attempted(outcome: AttemptOutcome['kind'], durationMs: number): void;
  /** From the change of state to its delivery: what a tenant notices. */
  delivered(delayMs: number): void;
  dead(outcome: AttemptOutcome['kind']): void;
  held(): void;
  superseded(states: number): void;
}

/** Seconds; up to the end of the schedule. */
const delayBuckets = [0.05, 0.1, 0.25, 0.5, 1, 5, 30, 120, 600, 3_600, 21_600, 86_400, 259_200];

export function createCallbackMetrics(metrics: Metrics): CallbackMetrics {
  const attempts = metrics.histogram({
    name: 'juice_callback_attempt_duration_seconds',
    help: 'Callback attempts by outcome and how long they took',
    labels: ['outcome'],
    buckets: durationBuckets,
  });
  const delay = metrics.histogram({
    name: 'juice_callback_delivery_delay_seconds',
    help: 'From the change of state to its delivery',
    buckets: delayBuckets,
  });
  const dead = metrics.counter({
    name: 'juice_callback_dead_total',
    help: 'Delivery lanes given up, by the outcome of the last attempt',
    labels: ['outcome'],
  });
  const held = metrics.counter({ name: 'juice_callback_held_total', help: 'Delivery lanes held (410)' });
  const superseded = metrics.counter({
    name: 'juice_callback_superseded_total',
    help: 'States never delivered because a newer one had overtaken them while the receiver failed',
  });
  return {
    attempted: (outcome, durationMs) => attempts.observe(durationMs / 1000, { outcome }),
    delivered: (delayMs) => delay.observe(delayMs / 1000),
    dead: (outcome) => dead.add({ outcome }),
    held: () => held.add(),
    superseded: (states) => superseded.add(undefined, states),
  };
}

/** What is asked at the time of a scrape. */
export function watchBacklog(
  metrics: Metrics,
  read: { underWay(): number; waiting(): number; overdueMs(): number },
): void {
  metrics.gauge({
    name: 'juice_callback_lanes_under_way',
    help: 'Lanes being worked on by this process',
    read: read.underWay,
  });
  metrics.gauge({
    name: 'juice_callback_lanes_waiting',
    help: 'Lanes known to be due that wait for room in this process',
    read: read.waiting,
  });
  metrics.gauge({
    name: 'juice_callback_overdue_seconds',
    help: 'By how much the longest due lane of all was late when last looked',
    read: () => read.overdueMs() / 1000,
  });
}
