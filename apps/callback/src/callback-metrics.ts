import { durationBuckets, type Metrics } from '@juice/observability';
import type { LaneOverview } from '@juice/persistence';
import type { Timings } from './http-sender.ts';
import type { AttemptOutcome } from './outcome.ts';

/** What the dispatcher counts. Labels are of closed sets; tenants only where it says so, and then a few of them. */
export interface CallbackMetrics {
  /** Without timings: no request was made. */
  attempted(outcome: AttemptOutcome['kind'], durationMs: number, timings: Timings | null): void;
  /** From the change of state to its delivery: what a tenant notices. */
  delivered(delayMs: number): void;
  dead(): void;
  held(lanes: number): void;
  superseded(states: number): void;
  /** So many dead lanes were armed again. */
  replayed(lanes: number): void;
}

/** Seconds; up to the end of the schedule. */
const delayBuckets = [0.05, 0.1, 0.25, 0.5, 1, 5, 30, 120, 600, 3_600, 21_600, 86_400, 259_200];

const phases = {
  lookup: 'lookupMs',
  connect: 'connectMs',
  tls: 'tlsMs',
  'first-byte': 'firstByteMs',
  total: 'totalMs',
} as const satisfies Record<string, keyof Timings>;

export function createCallbackMetrics(metrics: Metrics): CallbackMetrics {
  const attempts = metrics.histogram({
    name: 'juice_callback_attempt_duration_seconds',
    help: 'Callback attempts by outcome and how long they took',
    labels: ['outcome'],
    buckets: durationBuckets,
  });
  const phaseDurations = metrics.histogram({
    name: 'juice_callback_phase_duration_seconds',
    help: 'How long the phases of callback attempts took: name look-up, connecting, TLS, first byte, all of it',
    labels: ['phase'],
    buckets: durationBuckets,
  });
  const delay = metrics.histogram({
    name: 'juice_callback_delivery_delay_seconds',
    help: 'From the change of state to its delivery',
    buckets: delayBuckets,
  });
  const dead = metrics.counter({ name: 'juice_callback_dead_total', help: 'Delivery lanes given up' });
  const held = metrics.counter({
    name: 'juice_callback_held_total',
    help: 'Delivery lanes put aside because their endpoint took nothing',
  });
  const superseded = metrics.counter({
    name: 'juice_callback_superseded_total',
    help: 'States never delivered because a newer one had overtaken them while the receiver failed',
  });
  const replayed = metrics.counter({
    name: 'juice_callback_replayed_total',
    help: 'Dead delivery lanes armed again by replays',
  });
  return {
    attempted(outcome, durationMs, timings) {
      attempts.observe(durationMs / 1000, { outcome });
      if (timings === null) return;
      for (const [phase, member] of Object.entries(phases)) {
        const ms = timings[member];
        if (ms !== null) phaseDurations.observe(ms / 1000, { phase });
      }
    },
    delivered: (delayMs) => delay.observe(delayMs / 1000),
    dead: () => dead.add(),
    held: (lanes) => held.add(undefined, lanes),
    superseded: (states) => superseded.add(undefined, states),
    replayed: (lanes) => replayed.add(undefined, lanes),
  };
}

export interface Backlog {
  /** Of this process. */
  underWay(): number;
  waiting(): number;
  overdueMs(): number;
  /** How many endpoints are in which state, as this process knows. */
  endpoints(): Readonly<Record<string, number>>;
  /** What was last seen of all lanes; null: nothing yet. */
  overview(): LaneOverview | null;
  /** How many replays are in which state, as last counted; null: nothing yet. */
  replays(): Readonly<Record<string, number>> | null;
  now(): number;
}

/** What is asked at the time of a scrape. */
export function watchBacklog(metrics: Metrics, backlog: Backlog): void {
  metrics.gauge({
    name: 'juice_callback_lanes_under_way',
    help: 'Lanes being worked on by this process',
    read: backlog.underWay,
  });
  metrics.gauge({
    name: 'juice_callback_lanes_waiting',
    help: 'Lanes known to be due that wait for room in this process',
    read: backlog.waiting,
  });
  metrics.gauge({
    name: 'juice_callback_overdue_seconds',
    help: 'By how much the longest due lane of all was late when last looked',
    read: () => backlog.overdueMs() / 1000,
  });
  metrics.gauge({
    name: 'juice_callback_endpoints',
    help: 'Endpoints that are not called as usual, by why, as this process knows them',
    labels: ['state'],
    *readAll() {
      for (const [state, count] of Object.entries(backlog.endpoints())) yield [{ state }, count];
    },
  });
  metrics.gauge({
    name: 'juice_callback_lanes',
    help: 'Lanes with something to deliver, by state, as last counted; the same from every process',
    labels: ['state'],
    *readAll() {
      for (const [state, count] of Object.entries(backlog.overview()?.lanes ?? {})) yield [{ state }, count];
    },
  });
  metrics.gauge({
    name: 'juice_callback_replays',
    help: 'Replays that are not over, by state, as last counted; the same from every process',
    labels: ['state'],
    *readAll() {
      for (const [state, count] of Object.entries(backlog.replays() ?? {})) yield [{ state }, count];
    },
  });
  metrics.gauge({
    name: 'juice_callback_oldest_undelivered_seconds',
    help: 'Age of the oldest state not delivered, of the tenants with the oldest ones; the same from every process',
    labels: ['tenant'],
    *readAll() {
      for (const { tenantId, atMs } of backlog.overview()?.oldest ?? [])
        yield [{ tenant: tenantId }, Math.max(0, backlog.now() - atMs) / 1000];
    },
  });
}
