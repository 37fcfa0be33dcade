import type { Log, Tracing } from '@juice/observability';
import type { ClaimedLane, DeliveryStore } from '@juice/persistence';
import { asAttemptRecord } from './attempt-record.ts';
import { recordAttempt } from './attempt-span.ts';
import { reportClaimed, reportAttempt, reportShelved, type LaneSettled } from './attempt-report.ts';
import type { CallbackMetrics } from './callback-metrics.ts';
import type { Admission } from './endpoint-state.ts';
import type { Endpoints, Noted } from './endpoints.ts';
import { judge, type AttemptOutcome, type AttemptResult } from './outcome.ts';
import { callbackBody, callbackId } from './payload.ts';
import { passOver, persistently } from './persistently.ts';
import { planNext, type NextStep } from './plan-next.ts';
import { planShut } from './plan-shut.ts';
import { postSigned, type PostingDeps } from './signed-post.ts';
import type { RulesOf, TenantRules } from './tenant-rules.ts';
import type { WhoseFault } from './whose-fault.ts';

/**
 * Works on one lane under its lease, state by state: send → judge → tell the endpoint's state → write the attempt to the log
 * and settle the lane by compare-and-set on the lease's token. A delivered state's successor is sent at once, under the same
 * lease, renewed; any other outcome ends the lane's turn.
 *
 * The claim is the record that an attempt is under way: whose it is, and since when. A crash between the POST and the settling
 * repeats the state, with the same `webhook-id`, when the lease has ended. A worker whose lease was taken over writes nothing.
 */
export interface Attempts {
  /**
   * Resolves when the lane's turn is over, however the receiver behaved. `probe`: the token of the endpoint's probe, when this is
   * it. Rejects with a DependencyFailure when the lane could not be settled while the lease lasted: it then stays leased
   * until the lease ends.
   */
  deliver(lane: ClaimedLane, probe?: string | null): Promise<void>;
  /** Puts a lane aside that cannot be sent now, or gives it up if that has been so for too long. Rejects as `deliver` does. */
  shelve(lane: ClaimedLane, shut: Shut): Promise<void>;
}

type Shut = Extract<Admission, { kind: 'shut' }>;

/** The part of the delivery store that settles. */
export type SettlingStore = Pick<
  DeliveryStore,
  'settleDelivered' | 'settleFailed' | 'settleDead' | 'setAside' | 'release' | 'logAttempt'
>;

export interface AttemptDeps extends PostingDeps {
  readonly store: SettlingStore;
  readonly endpoints: Pick<Endpoints, 'admission' | 'note' | 'rampFromMs' | 'reasonOf'>;
  readonly rulesOf: RulesOf;
  readonly whoseFault: WhoseFault;
  readonly leaseMs: number;
  readonly random: () => number;
  readonly log: Log;
  readonly metrics: CallbackMetrics;
  readonly tracing: Tracing;
  /** A lane is to be tried again then. */
  readonly onPostponed: (atMs: number) => void;
  /** Aborted when no further attempt is to begin. */
  readonly closing: AbortSignal;
  /** Aborted when those under way are given up: settling is not tried again. */
  readonly abandoning: AbortSignal;
}

export function createAttempts(deps: AttemptDeps): Attempts {
  const { store, endpoints, leaseMs, tracing, now, closing } = deps;

  async function post(lane: ClaimedLane, rules: TenantRules, traceparent: string | null): Promise<AttemptResult> {
    const headers = {
      'juice-attempt': String(lane.tries + 1),
      ...(lane.replay === null ? {} : { 'juice-replay': lane.replay }),
      ...(traceparent === null ? {} : { traceparent }),
    };
    return postSigned(deps, rules, { url: lane.url, id: callbackId(lane), body: callbackBody(lane), headers });
  }

  /** What the lane is charged with, and what its endpoint is told: a fault of ours is the endpoint's only as far as it was not reached. */
  function judgeFairly(lane: ClaimedLane, result: AttemptResult): { outcome: AttemptOutcome; noted: Noted } {
    const nowMs = now();
    const outcome = judge(result, nowMs);
    if (!URL.canParse(lane.url)) return { outcome, noted: notedOf(outcome) };
    const url = new URL(lane.url);
    deps.whoseFault.note(url, result, nowMs);
    if (outcome.kind !== 'failed' || !deps.whoseFault.isOurs(url, result, nowMs))
      return { outcome, noted: notedOf(outcome) };
    return { outcome: { kind: 'ours', reason: `ours-${outcome.reason}` }, noted: notedOf(outcome) };
  }

  /** One try of the lane's oldest state; the next state to send, or null when the turn is over. */
  async function attempt(lane: ClaimedLane, probe: string | null): Promise<ClaimedLane | null> {
    const rules = await deps.rulesOf(lane.tenantId);
    const waitMs = lane.tries === 0 ? (rules.schedule[0] ?? 0) : 0;
    // Without a first delay it is due, whatever the scheduler's clock says of the state's time.
    if (waitMs > 0 && now() < lane.sinceMs + waitMs) {
      endpoints.note(lane.endpoint, { kind: 'nothing' }, probe);
      await store.release(lane, lane.sinceMs + waitMs);
      deps.onPostponed(lane.sinceMs + waitMs);
      return null;
    }
    const startedAtMs = now();
    const traceparent = lane.traceparent === null ? null : tracing.begin(lane.traceparent);
    const result = await post(lane, rules, traceparent);
    const nowMs = now();
    const { outcome, noted } = judgeFairly(lane, result);
    if (tracing.isOn && traceparent !== null)
      recordAttempt(tracing, lane, { traceparent, result, outcome, startMs: startedAtMs, endMs: nowMs });
    endpoints.note(lane.endpoint, noted, probe);
    const facts = { tries: lane.tries + 1, nowMs, sinceMs: lane.sinceMs };
    const step = planNext(outcome, { ...facts, schedule: rules.schedule, random: deps.random() });
    const record = asAttemptRecord(lane, { result, outcome, startedAtMs, durationMs: nowMs - startedAtMs });
    const [settled] = await Promise.all([
      persistently(deps, lane.leaseUntilMs, () => settle(lane, step, outcome)),
      record === null ? undefined : store.logAttempt(record).catch(passOver),
    ]);
    if ('atMs' in step) deps.onPostponed(step.atMs);
    reportAttempt(deps, { lane, result, outcome, step, settled, durationMs: nowMs - startedAtMs });
    return settled.next;
  }

  async function settle(lane: ClaimedLane, step: NextStep, { reason }: AttemptOutcome): Promise<LaneSettled> {
    const nowMs = now();
    switch (step.kind) {
      case 'delivered':
        return store.settleDelivered(lane, { nowMs, leaseMs });
      case 'retry':
        return ended(await store.settleFailed(lane, { retryAtMs: step.atMs, reason, triesLeft: step.triesLeft }));
      case 'uncharged':
        return ended(await store.release(lane, step.atMs));
      case 'hold':
        return ended(await store.setAside(lane, { state: 'held', reason, atMs: nowMs, dueAtMs: null }));
      case 'dead':
        return ended(await store.settleDead(lane, { nowMs, reason, isTried: true }));
      default:
        return step satisfies never;
    }
  }

  async function shelve(lane: ClaimedLane, shut: Shut): Promise<void> {
    const { schedule } = await deps.rulesOf(lane.tenantId);
    const rampFromMs = endpoints.rampFromMs(lane.endpoint);
    const nowMs = now();
    const facts = { nowMs, sinceMs: lane.sinceMs, rampFromMs, schedule, random: deps.random() };
    const step = planShut(shut, facts);
    if (step.kind === 'aside') {
      await store.setAside(lane, { state: 'held', reason: shut.reason, atMs: nowMs, dueAtMs: step.dueAtMs });
      return;
    }
    const reason = endpoints.reasonOf(lane.endpoint) ?? shut.reason;
    const settled = await store.settleDead(lane, { nowMs, reason, isTried: false });
    reportShelved(deps, lane, { reason, settled });
  }

  return {
    async deliver(claimed, probe = null) {
      reportClaimed(deps, claimed);
      let lane: ClaimedLane | null = claimed;
      let token = probe;
      while (lane !== null && !closing.aborted) {
        const admission = token === null ? endpoints.admission(lane.endpoint) : null;
        if (admission?.kind === 'shut') return shelve(lane, admission);
        lane = await attempt(lane, token);
        token = null;
      }
      if (token !== null) endpoints.note(claimed.endpoint, { kind: 'nothing' }, token);
      // Not a try: we are stopping, another worker may have it at once.
      if (lane !== null) await store.release(lane, now());
    },
    shelve(lane, shut) {
      reportClaimed(deps, lane);
      return shelve(lane, shut);
    },
  };
}

function ended(settled: Omit<LaneSettled, 'next'>): LaneSettled {
  return { ...settled, next: null };
}

/** A refusal of one request is an answer too: the endpoint is there. */
function notedOf(outcome: AttemptOutcome): Noted {
  const { kind, reason } = outcome;
  switch (kind) {
    case 'delivered':
    case 'rejected':
      return { kind: 'answered' };
    case 'failed':
      return { kind: 'failed', reason, waitMs: outcome.retryAfterMs };
    case 'gone':
      return { kind: 'gone', reason };
    case 'forbidden':
    case 'ours':
    case 'stopped':
      return { kind: 'nothing' };
    default:
      return kind satisfies never;
  }
}
