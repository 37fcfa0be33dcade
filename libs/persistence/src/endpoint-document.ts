import type { Endpoint, EndpointPause, EndpointState } from './endpoint.ts';

interface PausedMember {
  readonly at: Date;
  readonly by: string;
  readonly reason: string | null;
  readonly isOperators?: boolean;
}

/** A document of `endpoints`. What is absent is null in an Endpoint. */
export interface EndpointDocument {
  /** `<tenant> <origin>` */
  readonly _id: string;
  readonly stamp: string;
  readonly changedAt: Date;
  readonly openings: number;
  readonly breaker?: {
    readonly openedAt: Date;
    readonly until: Date;
    readonly reason: string;
    readonly seen: { readonly consecutive: number; readonly failed: number; readonly attempts: number };
  };
  readonly probe?: { readonly token: string; readonly until: Date };
  readonly rampFrom?: Date;
  readonly waitUntil?: Date;
  readonly gone?: { readonly at: Date; readonly reason: string };
  readonly paused?: PausedMember;
  /** The document is removed at this instant. */
  readonly purgeAt?: Date;
}

/** So long after its last change one that can be called is forgotten; or after its wait, when that ends later. */
const keptMs = 24 * 3600 * 1000;

/** The update that leaves a document with this state, and nothing else but its name. */
export function asDocument(
  state: EndpointState,
  { paused, atMs, stamp }: { readonly paused: Endpoint['paused']; readonly atMs: number; readonly stamp: string },
) {
  const { breaker, probe, rampFromMs, waitUntilMs, gone } = state;
  const isCallable = breaker === null && gone === null && paused === null;
  const members = {
    breaker: breaker && {
      openedAt: new Date(breaker.openedAtMs),
      until: new Date(breaker.untilMs),
      reason: breaker.reason,
      seen: breaker.seen,
    },
    probe: probe && { token: probe.token, until: new Date(probe.untilMs) },
    rampFrom: instant(rampFromMs),
    waitUntil: instant(waitUntilMs),
    gone: gone && { at: new Date(gone.atMs), reason: gone.reason },
    paused: paused && asPausedMember(paused),
    purgeAt: isCallable ? new Date(Math.max(atMs, waitUntilMs ?? 0) + keptMs) : null,
  };
  const entries = Object.entries(members);
  return {
    $set: {
      stamp,
      changedAt: new Date(atMs),
      openings: state.openings,
      ...Object.fromEntries(entries.filter(([, value]) => value !== null)),
    },
    $unset: Object.fromEntries(entries.filter(([, value]) => value === null).map(([name]) => [name, '' as const])),
  };
}

export function asEndpoint(stored: EndpointDocument): Endpoint {
  const { breaker, probe, gone, paused } = stored;
  return {
    endpoint: stored._id,
    stamp: stored.stamp,
    changedAtMs: stored.changedAt.getTime(),
    openings: stored.openings,
    breaker:
      breaker === undefined
        ? null
        : {
            openedAtMs: breaker.openedAt.getTime(),
            untilMs: breaker.until.getTime(),
            reason: breaker.reason,
            seen: breaker.seen,
          },
    probe: probe === undefined ? null : { token: probe.token, untilMs: probe.until.getTime() },
    rampFromMs: stored.rampFrom?.getTime() ?? null,
    waitUntilMs: stored.waitUntil?.getTime() ?? null,
    gone: gone === undefined ? null : { atMs: gone.at.getTime(), reason: gone.reason },
    paused: paused === undefined ? null : asPause(paused),
  };
}

export function asPausedMember({ atMs, ...pause }: EndpointPause): PausedMember {
  return { at: new Date(atMs), ...pause };
}

function asPause({ at, by, reason, isOperators = false }: PausedMember): EndpointPause {
  return { atMs: at.getTime(), by, reason, isOperators };
}

function instant(atMs: number | null): Date | null {
  return atMs === null ? null : new Date(atMs);
}
