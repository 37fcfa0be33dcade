import { plainEndpointState, type Endpoint, type EndpointState } from '@juice/persistence';
import { longestRetryAfterMs } from './plan-next.ts';
import type { Seen } from './evidence.ts';

/**
 * How the state of an endpoint changes, and what may be sent to it. Pure.
 *
 * The breaker is *closed* until a worker has seen enough failures. It is *open* for half a minute then, in which nothing is
 * sent; after that one worker, the one whose change of the document applies, sends one state (*probes*). When it is taken, the
 * breaker closes and traffic grows slowly (*ramp*); when not, it is open for twice as long as before, up to a quarter of an hour.
 *
 * Beside the breaker an endpoint can have asked to wait (Retry-After), have said that it is gone (410), or be paused by an
 * operator. The last two end only when somebody resumes it.
 *
 * | event        | applies                                        | what becomes of it                                            |
 * |--------------|------------------------------------------------|---------------------------------------------------------------|
 * | tripped      | the breaker is closed                          | open; for longer when it was open lately                      |
 * | probing      | open, its time is over, nobody probes          | the probe is this worker's, until its lease ends              |
 * | probed well  | the probe is still this worker's               | closed; the ramp begins                                       |
 * | probed badly | the probe is still this worker's               | open for twice as long                                        |
 * | unprobed     | the probe is still this worker's               | anybody may probe                                             |
 * | told to wait | it is longer than what is known, by a second   | nothing is sent until then, 24 hours at most; then the ramp   |
 * | gone         | it is not known yet                            | nothing is sent until it is resumed                           |
 */
export type EndpointEvent =
  | { readonly kind: 'tripped'; readonly reason: string; readonly seen: Seen }
  | { readonly kind: 'probing'; readonly token: string; readonly leaseMs: number }
  | { readonly kind: 'probed'; readonly token: string; readonly isWell: boolean; readonly reason: string }
  | { readonly kind: 'unprobed'; readonly token: string }
  | { readonly kind: 'told-to-wait'; readonly waitMs: number }
  | { readonly kind: 'gone'; readonly reason: string };

export interface ChangeFacts {
  readonly nowMs: number;
  /** Chance for the jitter: 0 ≤ random < 1. */
  readonly random: number;
}

/** The state after an event; null when the event does not apply. */
export function changeEndpoint(state: EndpointState, event: EndpointEvent, facts: ChangeFacts): EndpointState | null {
  const { nowMs } = facts;
  const { breaker, probe } = state;
  switch (event.kind) {
    case 'tripped': {
      if (breaker !== null) return null;
      const openings = wasOpenLately(state, nowMs) ? state.openings + 1 : 1;
      const untilMs = nowMs + openForMs(openings, facts.random);
      return { ...state, openings, breaker: { openedAtMs: nowMs, untilMs, reason: event.reason, seen: event.seen } };
    }
    case 'probing':
      if (breaker === null || breaker.untilMs > nowMs || (probe !== null && probe.untilMs > nowMs)) return null;
      return { ...state, probe: { token: event.token, untilMs: nowMs + event.leaseMs } };
    case 'probed': {
      if (breaker === null || probe?.token !== event.token) return null;
      if (event.isWell) return { ...state, breaker: null, probe: null, rampFromMs: nowMs };
      const openings = state.openings + 1;
      const untilMs = nowMs + openForMs(openings, facts.random);
      return { ...state, openings, probe: null, breaker: { ...breaker, untilMs, reason: event.reason } };
    }
    case 'unprobed':
      return probe?.token === event.token ? { ...state, probe: null } : null;
    case 'told-to-wait': {
      const untilMs = nowMs + Math.min(event.waitMs, longestRetryAfterMs);
      return untilMs > (state.waitUntilMs ?? nowMs) + leastChangeMs ? { ...state, waitUntilMs: untilMs } : null;
    }
    case 'gone':
      if (state.gone !== null) return null;
      return { ...plainEndpointState, openings: state.openings, gone: { atMs: nowMs, reason: event.reason } };
    default:
      return event satisfies never;
  }
}

/** What may be sent to an endpoint. */
export type Admission =
  /** As much as its cap allows. */
  | { readonly kind: 'free' }
  /** So many by this worker, all in all, since the ramp began. */
  | { readonly kind: 'ramp'; readonly fromMs: number; readonly allowance: number }
  /** One, by the worker that gets the probe. */
  | { readonly kind: 'probe' }
  /** Nothing until then; null: until somebody resumes it. */
  | { readonly kind: 'shut'; readonly reason: ShutReason; readonly untilMs: number | null };

/** Why nothing is sent: the first word of a held lane's cause. */
export type ShutReason = 'endpoint-paused' | 'endpoint-gone' | 'endpoint-waits' | 'endpoint-open';

export function admit(endpoint: EndpointState & Pick<Endpoint, 'paused'>, nowMs: number): Admission {
  const { breaker, probe, waitUntilMs } = endpoint;
  if (endpoint.paused !== null) return { kind: 'shut', reason: 'endpoint-paused', untilMs: null };
  if (endpoint.gone !== null) return { kind: 'shut', reason: 'endpoint-gone', untilMs: null };
  if (waitUntilMs !== null && waitUntilMs > nowMs)
    return { kind: 'shut', reason: 'endpoint-waits', untilMs: waitUntilMs };
  if (breaker !== null) {
    const untilMs = Math.max(breaker.untilMs, probe?.untilMs ?? 0);
    return untilMs > nowMs ? { kind: 'shut', reason: 'endpoint-open', untilMs } : { kind: 'probe' };
  }
  const fromMs = Math.max(endpoint.rampFromMs ?? -Infinity, waitUntilMs ?? -Infinity);
  const allowance = rampAllowance(nowMs - fromMs);
  return allowance === Infinity ? { kind: 'free' } : { kind: 'ramp', fromMs, allowance };
}

/** One at once, and twice as many with each second: past this, more than any endpoint takes in that time. */
const rampMs = 12_000;

/** How many a worker may have begun, so long after an endpoint came back: it has a backlog, and caches to warm up. */
export function rampAllowance(elapsedMs: number): number {
  if (elapsedMs >= rampMs) return Infinity;
  return Math.floor(2 ** (Math.max(0, elapsedMs) / 1000));
}

/** A restart takes no longer. */
const shortestOpenMs = 30_000;
/** A receiver that is down for hours is asked four times an hour, and waits no longer than that once it is up. */
const longestOpenMs = 900_000;
/** Open once more so soon after it was closed, it was not well. */
const latelyMs = 300_000;
/** What an endpoint asks for by a little more with each answer is not written each time. */
const leastChangeMs = 1_000;

function openForMs(openings: number, random: number): number {
  const ms = Math.min(longestOpenMs, shortestOpenMs * 2 ** Math.min(openings - 1, 10));
  return Math.round(ms * (0.8 + 0.4 * random));
}

function wasOpenLately({ rampFromMs }: EndpointState, nowMs: number): boolean {
  return rampFromMs !== null && nowMs - rampFromMs < latelyMs;
}
