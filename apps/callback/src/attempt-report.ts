import { taskStateName } from '@juice/contracts';
import { parseTraceparent, type Log } from '@juice/observability';
import { causeOf, type ClaimedLane } from '@juice/persistence';
import type { CallbackMetrics } from './callback-metrics.ts';
import type { AttemptOutcome, AttemptResult } from './outcome.ts';
import { callbackId } from './payload.ts';
import type { NextStep } from './plan-next.ts';

interface ReportDeps {
  readonly log: Log;
  readonly metrics: CallbackMetrics;
  readonly now: () => number;
}

export interface LaneSettled {
  readonly applied: boolean;
  readonly superseded: readonly number[];
  readonly next: ClaimedLane | null;
}

interface Attempted {
  readonly lane: ClaimedLane;
  readonly result: AttemptResult;
  readonly outcome: AttemptOutcome;
  readonly step: NextStep;
  readonly settled: LaneSettled;
  readonly durationMs: number;
}

/** The one wide line of an attempt, what follows from it, and the metrics. */
export function reportAttempt(deps: ReportDeps, attempted: Attempted): void {
  const { log, metrics, now } = deps;
  const { lane, result, outcome, step, settled, durationMs } = attempted;
  const { taskId, tenantId, state } = lane;
  const deliveryId = callbackId(lane);
  metrics.attempted(outcome.kind, durationMs, 'timings' in result ? result.timings : null);
  log.info('callback.attempted', {
    ...{ deliveryId, taskId, tenantId, status: taskStateName(state.status), try: lane.tries + 1 },
    ...{ outcome: outcome.kind, cause: causeOf(lane.endpoint, outcome.reason), durationMs, next: step.kind },
    ...(lane.replay === null ? {} : { replayId: lane.replay }),
    ...('atMs' in step ? { retryAt: new Date(step.atMs).toISOString() } : {}),
    // Another worker has the lane: our lease had ended. What we sent may be repeated.
    ...(settled.applied ? {} : { stale: true }),
    traceId: parseTraceparent(lane.traceparent)?.traceId,
  });
  if (!settled.applied) return;
  reportSuperseded(deps, lane, settled.superseded);
  if (step.kind === 'delivered') metrics.delivered(now() - state.atMs);
  if (step.kind === 'dead') reportDead(deps, lane, { ...step, reason: outcome.reason, settled });
  if (step.kind === 'hold') {
    metrics.held(1);
    log.warn('callback.held', { deliveryId, taskId, tenantId, cause: causeOf(lane.endpoint, outcome.reason) });
  }
}

/** A lane that was given up, or passed over, without a try. */
export function reportShelved(
  deps: ReportDeps,
  lane: ClaimedLane,
  { reason, settled }: { readonly reason: string; readonly settled: Omit<LaneSettled, 'next'> },
): void {
  if (!settled.applied) return;
  reportSuperseded(deps, lane, settled.superseded);
  reportDead(deps, lane, { exhausted: true, reason, settled });
}

/** What the claim says of the past: states that were overtaken while the lane was held, a worker that did not come to an end. */
export function reportClaimed(deps: ReportDeps, lane: ClaimedLane): void {
  const { taskId, tenantId, abandoned } = lane;
  reportSuperseded(deps, lane, lane.superseded);
  if (abandoned === null) return;
  const since = new Date(abandoned.sinceMs).toISOString();
  deps.log.warn('callback.abandoned', { deliveryId: callbackId(lane), taskId, tenantId, by: abandoned.by, since });
}

function reportSuperseded({ log, metrics }: ReportDeps, lane: ClaimedLane, seqs: readonly number[]): void {
  if (seqs.length === 0) return;
  const { taskId, tenantId } = lane;
  metrics.superseded(seqs.length);
  log.info('callback.superseded', { deliveryId: callbackId(lane), taskId, tenantId, seqs });
}

function reportDead(
  { log, metrics }: ReportDeps,
  lane: ClaimedLane,
  death: { readonly exhausted: boolean; readonly reason: string; readonly settled: Omit<LaneSettled, 'next'> },
): void {
  const { taskId, tenantId, state, endpoint } = lane;
  // An overtaken state is dropped instead of dying: its successor has tries of its own.
  if (death.settled.superseded.includes(state.seq)) return;
  metrics.dead();
  const cause = causeOf(endpoint, death.reason);
  log.warn('callback.dead', { deliveryId: callbackId(lane), taskId, tenantId, cause, exhausted: death.exhausted });
}
