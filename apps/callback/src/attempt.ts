import { setTimeout as wait } from 'node:timers/promises';
import { DependencyFailure, taskStateName } from '@juice/contracts';
import { judgeUrl, type AllowList } from '@juice/destinations';
import { childTraceparent, parseTraceparent, type Log } from '@juice/observability';
import type { ClaimedLane, DeliveryStore } from '@juice/persistence';
import type { CallbackMetrics } from './callback-metrics.ts';
import type { Send } from './http-sender.ts';
import { asAttemptRecord } from './attempt-record.ts';
import { judge, type AttemptOutcome, type AttemptResult } from './outcome.ts';
import { callbackBody, callbackId } from './payload.ts';
import { planNext, type NextStep, type Schedule } from './plan-next.ts';
import { signatureHeaders, type SigningKey } from './sign.ts';

/**
 * Works on one lane under its lease, state by state: send → judge → write the attempt to the log and settle the lane by
 * compare-and-set on the lease's token. A delivered state's successor is sent at once, under the same lease, renewed; any
 * other outcome ends the lane's turn.
 *
 * A crash between the POST and the settling repeats the state, with the same `webhook-id`, when the lease has ended. A
 * worker whose lease was taken over writes nothing.
 */
export interface Attempts {
  /**
   * Resolves when the lane's turn is over, however the receiver behaved. Rejects with a DependencyFailure when the lane
   * could not be settled while the lease lasted: it then stays leased until the lease ends.
   */
  deliver(lane: ClaimedLane): Promise<void>;
}

/** The part of the delivery store that settles. */
export type SettlingStore = Pick<
  DeliveryStore,
  'settleDelivered' | 'settleFailed' | 'settleDead' | 'hold' | 'release' | 'logAttempt'
>;

export interface AttemptDeps {
  readonly store: SettlingStore;
  readonly send: Send;
  readonly allow: AllowList;
  readonly keys: readonly SigningKey[];
  readonly schedule: Schedule;
  readonly leaseMs: number;
  readonly userAgent: string;
  readonly now: () => number;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: CallbackMetrics;
  /** Aborted when no further attempt is to begin. */
  readonly closing: AbortSignal;
  /** Aborted when those under way are given up: settling is not tried again. */
  readonly abandoning: AbortSignal;
}

export function createAttempts(deps: AttemptDeps): Attempts {
  const { store, send, allow, keys, leaseMs, now, closing } = deps;

  async function post(lane: ClaimedLane): Promise<AttemptResult> {
    const target = judgeUrl(lane.url, allow);
    if (!target.ok) return { kind: 'refused', rule: target.rule };
    const body = callbackBody(lane);
    const signable = { id: callbackId(lane), timestampS: Math.floor(now() / 1000), body };
    const headers = {
      'content-type': 'application/json',
      'user-agent': deps.userAgent,
      ...signatureHeaders(signable, keys),
      'juice-attempt': String(lane.tries + 1),
      ...(lane.traceparent === null ? {} : { traceparent: childTraceparent(lane.traceparent) }),
    };
    return send({ url: target.url, headers, body });
  }

  /** One try of the lane's oldest state; the next state to send, or null when the turn is over. */
  async function attempt(lane: ClaimedLane): Promise<ClaimedLane | null> {
    const startedAtMs = now();
    const result = await post(lane);
    const nowMs = now();
    const outcome = judge(result, nowMs);
    const facts = { tries: lane.tries + 1, nowMs, stateAtMs: lane.state.atMs };
    const step = planNext(outcome, { ...facts, schedule: deps.schedule, random: deps.random() });
    const record = asAttemptRecord(lane, { result, outcome, startedAtMs, durationMs: nowMs - startedAtMs });
    const [settled] = await Promise.all([
      persistently(deps, lane.leaseUntilMs, () => settle(lane, step, outcome)),
      record === null ? undefined : store.logAttempt(record).catch(passOver),
    ]);
    report(deps, { lane, outcome, step, settled, durationMs: nowMs - startedAtMs });
    return settled.next;
  }

  async function settle(lane: ClaimedLane, step: NextStep, { reason }: AttemptOutcome): Promise<LaneSettled> {
    switch (step.kind) {
      case 'delivered':
        return store.settleDelivered(lane, { nowMs: now(), leaseMs });
      case 'retry':
        return ended(await store.settleFailed(lane, { retryAtMs: step.atMs, cause: causeOf(lane, reason) }));
      case 'uncharged':
        return ended(await store.release(lane, step.atMs));
      case 'hold':
        return ended(await store.hold(lane, causeOf(lane, reason)));
      case 'dead':
        return ended(await store.settleDead(lane, { nowMs: now(), cause: causeOf(lane, reason) }));
      default:
        return step satisfies never;
    }
  }

  return {
    async deliver(claimed) {
      let lane: ClaimedLane | null = claimed;
      while (lane !== null && !closing.aborted) lane = await attempt(lane);
      // Not a try: we are stopping, another worker may have it at once.
      if (lane !== null) await store.release(lane, now());
    },
  };
}

/** Where and why, in words that lanes with the same trouble share: dead lanes are grouped by it. */
export function causeOf(lane: Pick<ClaimedLane, 'url'>, reason: string): string {
  return `${reason} ${URL.canParse(lane.url) ? new URL(lane.url).origin : 'no-url'}`;
}

interface LaneSettled {
  readonly applied: boolean;
  readonly superseded: readonly number[];
  readonly next: ClaimedLane | null;
}

function ended(settled: Omit<LaneSettled, 'next'>): LaneSettled {
  return { ...settled, next: null };
}

/** The log of attempts is an account for people; the lane's truth is the settling, which does not wait on it. */
function passOver(error: unknown): void {
  if (!(error instanceof DependencyFailure)) throw error;
}

/** The first pause after a failed settling; doubled each time. */
const settleAgainMs = 200;

/**
 * Settles, again and again while the lease lasts: the receiver has the state already, and would get it twice if we let
 * go. Rejects with the last failure when the lease is over, or when we are told to give up.
 */
async function persistently<T>(
  { now, abandoning }: Pick<AttemptDeps, 'now' | 'abandoning'>,
  leaseUntilMs: number,
  run: () => Promise<T>,
): Promise<T> {
  for (let pauseMs = settleAgainMs; ; pauseMs *= 2) {
    try {
      return await run();
    } catch (error: unknown) {
      const isWorthwhile = error instanceof DependencyFailure && error.retryable && now() + pauseMs < leaseUntilMs;
      if (!isWorthwhile || abandoning.aborted) throw error;
      await wait(pauseMs, undefined, { signal: abandoning }).catch(() => undefined);
    }
  }
}

interface Attempted {
  readonly lane: ClaimedLane;
  readonly outcome: AttemptOutcome;
  readonly step: NextStep;
  readonly settled: LaneSettled;
  readonly durationMs: number;
}

/** The one wide line of an attempt, what follows from it, and the metrics. */
function report({ log, metrics, now }: AttemptDeps, attempted: Attempted): void {
  const { lane, outcome, step, settled, durationMs } = attempted;
  const { taskId, tenantId, state } = lane;
  const deliveryId = callbackId(lane);
  metrics.attempted(outcome.kind, durationMs);
  log.info('callback.attempted', {
    ...{ deliveryId, taskId, tenantId, status: taskStateName(state.status), try: lane.tries + 1 },
    ...{ outcome: outcome.kind, cause: causeOf(lane, outcome.reason), durationMs, next: step.kind },
    ...('atMs' in step ? { retryAt: new Date(step.atMs).toISOString() } : {}),
    // Another worker has the lane: our lease had ended. What we sent may be repeated.
    ...(settled.applied ? {} : { stale: true }),
    traceId: parseTraceparent(lane.traceparent)?.traceId,
  });
  if (!settled.applied) return;
  if (settled.superseded.length > 0) {
    metrics.superseded(settled.superseded.length);
    log.info('callback.superseded', { deliveryId, taskId, tenantId, seqs: settled.superseded });
  }
  if (step.kind === 'delivered') metrics.delivered(now() - state.atMs);
  // An overtaken state is dropped instead of dying: its successor has tries of its own.
  const isDropped = settled.superseded.includes(state.seq);
  if (step.kind === 'dead' && !isDropped) {
    metrics.dead(outcome.kind);
    const { exhausted } = step;
    log.warn('callback.dead', { deliveryId, taskId, tenantId, cause: causeOf(lane, outcome.reason), exhausted });
  }
  if (step.kind === 'hold') {
    metrics.held();
    log.warn('callback.held', { deliveryId, taskId, tenantId, cause: causeOf(lane, outcome.reason) });
  }
}
