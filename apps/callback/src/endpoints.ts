import { DependencyFailure } from '@juice/contracts';
import type { Log } from '@juice/observability';
import { unknownEndpoint, type Endpoint, type EndpointState, type EndpointStore } from '@juice/persistence';
import { admit, changeEndpoint, type Admission, type EndpointEvent } from './endpoint-state.ts';
import { addToEvidence, judgeEvidence, noEvidence, type Evidence } from './evidence.ts';
import { createEndpointReader } from './endpoint-reader.ts';

/**
 * What this worker knows of endpoints: their state as it was last read, what it has itself changed since, and its own evidence.
 * Nothing here waits on MongoDB when a state is sent: what others changed is read every two seconds, what this worker changes holds
 * here at once and is written beside the work, guarded by what was seen, and decided anew when somebody else was faster.
 *
 * So after an endpoint was shut by one worker, or paused by an operator, another may send to it for two seconds more, plus what it
 * has in flight. The probe alone is written before it is made: of all workers one has it.
 */
export interface Endpoints {
  admission(endpoint: string): Admission;
  /** Whether any of the tenant's endpoints known here is not free. */
  hasTrouble(tenantId: string): boolean;
  /** So many were begun. */
  begin(endpoint: string): void;
  /** How many this worker has begun since the endpoint's ramp did. */
  begunInRamp(endpoint: string, fromMs: number): number;
  /** The probe's token; null when somebody else has it, or there is nothing to probe. Throws DependencyFailure. */
  takeProbe(endpoint: string): Promise<string | null>;
  /** What came of an attempt, with the probe's token if it was one. */
  note(endpoint: string, noted: Noted, probe: string | null): void;
  /** Since when its traffic has been growing again; null: it was never without. */
  rampFromMs(endpoint: string): number | null;
  /** Why its breaker is open; null when it is not. */
  reasonOf(endpoint: string): string | null;
  /** As they are known here. */
  known(): Iterable<Endpoint>;
  /** Reads what others have changed, and writes what could not be written. Throws DependencyFailure. */
  refresh(): Promise<void>;
  /** Resolves when nothing is being written any more. */
  idle(): Promise<void>;
}

/** What an attempt says about its endpoint. */
export type Noted =
  | { readonly kind: 'answered' }
  | { readonly kind: 'failed'; readonly reason: string; readonly waitMs: number | null }
  | { readonly kind: 'gone'; readonly reason: string }
  /** Nothing: it was not made, or failed for a reason of ours. */
  | { readonly kind: 'nothing' };

export interface EndpointsDeps {
  readonly store: Pick<EndpointStore, 'loadEndpoints' | 'endpointsChangedSince' | 'endpointsAfter' | 'saveEndpoint'>;
  readonly now: () => number;
  readonly random: () => number;
  readonly newToken: () => string;
  /** How long a probe is this worker's: outlasts an attempt. */
  readonly leaseMs: number;
  readonly log: Log;
  /** What may be sent to the endpoint may be different now. */
  readonly onChange: (endpoint: string) => void;
  /** A bug: the process must end. */
  readonly onBroken: (error: unknown) => void;
}

/** An event with the time and the chance it was met with: applied again, it does the same. */
interface Met {
  readonly event: EndpointEvent;
  readonly nowMs: number;
  readonly random: number;
}

interface Known {
  /** As it was last read or written. */
  saved: Endpoint;
  /** What has happened since that is not written yet. */
  unsaved: readonly Met[];
  /** `saved` with `unsaved` applied. */
  present: Endpoint;
  evidence: Evidence;
  ramp: { readonly fromMs: number; begun: number };
  isWriting: boolean;
  usedAtMs: number;
}

/** One that is free, and was not called for so long, is forgotten. */
const forgottenAfterMs = 600_000;

export function createEndpoints(deps: EndpointsDeps): Endpoints {
  const { store, now, log } = deps;
  const all = new Map<string, Known>();
  /** Of each tenant, the endpoints that are not free. */
  const troubled = new Map<string, Set<string>>();
  const writes = new Set<Promise<void>>();
  const readChanges = createEndpointReader({ store, now });

  function knownOf(name: string): Known {
    const known = all.get(name);
    if (known !== undefined) return known;
    const saved = unknownEndpoint(name);
    const ramp = { fromMs: -Infinity, begun: 0 };
    const made = { saved, unsaved: [], present: saved, evidence: noEvidence, ramp, isWriting: false, usedAtMs: now() };
    all.set(name, made);
    return made;
  }

  function admission(name: string): Admission {
    const known = all.get(name);
    return known === undefined ? { kind: 'free' } : admit(known.present, now());
  }

  /** Works out the present state, and says so when something else may be sent than before. */
  function settle(known: Known): void {
    const before = known.present;
    known.present = known.unsaved.reduce(
      (state, { event, ...facts }) => ({ ...state, ...changeEndpoint(state, event, facts) }),
      known.saved,
    );
    keepTrouble(known.saved.endpoint, admit(known.present, now()).kind !== 'free');
    if (before !== known.present) deps.onChange(known.saved.endpoint);
  }

  function keepTrouble(name: string, isTroubled: boolean): void {
    const tenantId = name.slice(0, name.indexOf(' '));
    const names = troubled.get(tenantId) ?? new Set();
    if (isTroubled) names.add(name);
    else names.delete(name);
    if (names.size > 0) troubled.set(tenantId, names);
    else troubled.delete(tenantId);
  }

  function happen(name: string, event: EndpointEvent): void {
    const known = knownOf(name);
    const facts = { nowMs: now(), random: deps.random() };
    if (changeEndpoint(known.present, event, facts) === null) return;
    const before = known.present;
    known.unsaved = [...known.unsaved, { event, ...facts }];
    settle(known);
    report(log, before, known.present);
    write(known);
  }

  function write(known: Known): void {
    if (known.isWriting) return;
    known.isWriting = true;
    const writing = writeAll(known)
      .catch((error: unknown) => {
        // Written at the next refresh.
        if (!(error instanceof DependencyFailure)) deps.onBroken(error);
      })
      .finally(() => {
        known.isWriting = false;
        writes.delete(writing);
      });
    writes.add(writing);
  }

  async function writeAll(known: Known): Promise<void> {
    while (known.unsaved.length > 0) {
      const { saved: seen, unsaved: written } = known;
      const next = written.reduce<EndpointState>(
        (state, { event, ...facts }) => changeEndpoint(state, event, facts) ?? state,
        seen,
      );
      // Somebody else has met the same, and was faster.
      const saved = next === seen ? seen : await store.saveEndpoint(seen, next, now());
      if (saved === null)
        known.saved = (await store.loadEndpoints([seen.endpoint]))[0] ?? unknownEndpoint(seen.endpoint);
      else {
        known.saved = saved;
        known.unsaved = known.unsaved.slice(written.length);
      }
      settle(known);
    }
  }

  async function takeProbe(name: string): Promise<string | null> {
    const known = knownOf(name);
    if (known.unsaved.length > 0 || known.isWriting) return null;
    const event = { kind: 'probing', token: deps.newToken(), leaseMs: deps.leaseMs } as const;
    const next = changeEndpoint(known.saved, event, { nowMs: now(), random: 0 });
    if (next === null) return null;
    known.isWriting = true;
    try {
      const saved = await store.saveEndpoint(known.saved, next, now());
      known.saved = saved ?? (await store.loadEndpoints([name]))[0] ?? unknownEndpoint(name);
      settle(known);
      return saved === null ? null : event.token;
    } finally {
      known.isWriting = false;
      if (known.unsaved.length > 0) write(known);
    }
  }

  function noteFailure(name: string, reason: string): void {
    const known = knownOf(name);
    const nowMs = now();
    known.evidence = addToEvidence(known.evidence, true, nowMs);
    const seen = judgeEvidence(known.evidence, { nowMs, isRamping: admission(name).kind === 'ramp' });
    if (seen === null) return;
    known.evidence = noEvidence;
    happen(name, { kind: 'tripped', reason, seen });
  }

  return {
    admission,
    hasTrouble: (tenantId) => troubled.has(tenantId),
    begin(name) {
      const known = knownOf(name);
      known.usedAtMs = now();
      const present = admit(known.present, known.usedAtMs);
      if (present.kind !== 'ramp') return;
      if (known.ramp.fromMs !== present.fromMs) known.ramp = { fromMs: present.fromMs, begun: 0 };
      known.ramp.begun += 1;
    },
    begunInRamp(name, fromMs) {
      const ramp = all.get(name)?.ramp;
      return ramp?.fromMs === fromMs ? ramp.begun : 0;
    },
    takeProbe,
    rampFromMs: (name) => all.get(name)?.present.rampFromMs ?? null,
    reasonOf: (name) => all.get(name)?.present.breaker?.reason ?? null,
    note(name, noted, probe) {
      switch (noted.kind) {
        case 'answered': {
          const known = knownOf(name);
          known.evidence = addToEvidence(known.evidence, false, now());
          if (probe !== null) happen(name, { kind: 'probed', token: probe, isWell: true, reason: '' });
          return;
        }
        case 'failed':
          if (probe !== null) happen(name, { kind: 'probed', token: probe, isWell: false, reason: noted.reason });
          else noteFailure(name, noted.reason);
          if (noted.waitMs !== null) happen(name, { kind: 'told-to-wait', waitMs: noted.waitMs });
          return;
        case 'gone':
          happen(name, { kind: 'gone', reason: noted.reason });
          return;
        case 'nothing':
          if (probe !== null) happen(name, { kind: 'unprobed', token: probe });
          return;
        default:
          noted satisfies never;
      }
    },
    *known() {
      for (const { present } of all.values()) yield present;
    },
    async refresh() {
      const shut = [...all.values()].filter(({ present }) => admit(present, now()).kind !== 'free');
      const { changed, gone } = await readChanges(shut.map(({ saved }) => saved.endpoint));
      for (const endpoint of [...changed, ...gone.map(unknownEndpoint)]) {
        const known = knownOf(endpoint.endpoint);
        if (known.isWriting || known.saved.stamp === endpoint.stamp) continue;
        known.saved = endpoint;
        settle(known);
      }
      for (const known of all.values()) {
        if (known.unsaved.length > 0) write(known);
        else forgetIdle(known);
      }
    },
    async idle() {
      while (writes.size > 0) await Promise.all(writes);
    },
  };

  function forgetIdle(known: Known): void {
    const isFree = admit(known.present, now()).kind === 'free';
    if (isFree) settle(known);
    if (isFree && known.usedAtMs < now() - forgottenAfterMs) all.delete(known.saved.endpoint);
  }
}

/** What a change that this worker has met says to people. */
function report(log: Log, before: Endpoint, after: Endpoint): void {
  const { endpoint, breaker, openings, gone, waitUntilMs } = after;
  const facts = { tenantId: endpoint.split(' ')[0], origin: endpoint.split(' ')[1] };
  if (breaker !== null && breaker.untilMs !== before.breaker?.untilMs) {
    const until = new Date(breaker.untilMs).toISOString();
    log.warn('breaker.opened', { ...facts, reason: breaker.reason, openings, until, ...breaker.seen });
  }
  if (breaker === null && before.breaker !== null && gone === null) log.info('breaker.closed', facts);
  if (gone !== null && before.gone === null) log.warn('endpoint.held', { ...facts, reason: gone.reason });
  if (waitUntilMs !== null && waitUntilMs !== before.waitUntilMs)
    log.info('endpoint.postponed', { ...facts, until: new Date(waitUntilMs).toISOString() });
}
