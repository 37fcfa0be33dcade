import { randomUUID } from 'node:crypto';
import type mongoose from 'mongoose';
import { nativeDb, type MongoConnection } from './connection.ts';
import { plainEndpointState, type Endpoint, type EndpointPause, type EndpointState } from './endpoint.ts';
import { asDocument, asEndpoint, asPausedMember, type EndpointDocument } from './endpoint-document.ts';
import { keysBelow } from './lane-keys.ts';
import { attempt, isDuplicateKey } from './mongo-failure.ts';

/** `kept`: an operator has paused it, and whoever asks is none: it stays as it is. */
export interface EndpointChange {
  readonly kind: 'changed' | 'kept';
  readonly endpoint: Endpoint;
}

/**
 * Endpoints that are, or have lately been, out of the ordinary: one document each. One of which nothing has been heard for
 * a day that would matter is removed; a document that is missing says that the endpoint can be called.
 *
 * Every method throws DependencyFailure when MongoDB cannot be reached. A change may then have applied: look again.
 */
export interface EndpointStore {
  /** Those of these endpoints that have a document. */
  loadEndpoints(endpoints: readonly string[]): Promise<readonly Endpoint[]>;
  /** What was changed at that instant or later, by the clocks of those who changed it, the oldest change first. */
  endpointsChangedSince(sinceMs: number, limit: number): Promise<readonly Endpoint[]>;
  /** In the order of their names, after one of them (null: from the first); of one tenant, or of all (null). */
  endpointsAfter(tenantId: string | null, after: string | null, limit: number): Promise<readonly Endpoint[]>;
  /** The endpoint as it is then; null when it had been changed, made or removed since it was seen. */
  saveEndpoint(seen: Endpoint, state: EndpointState, atMs: number): Promise<Endpoint | null>;
  /** Nothing is sent until it is resumed. Paused once more, it has the later reason. */
  pauseEndpoint(endpoint: string, pause: EndpointPause): Promise<EndpointChange>;
  /** Whatever kept it from being called ends: the pause, a 410, an open breaker, a wait. null: there was nothing. */
  resumeEndpoint(
    endpoint: string,
    resuming: { readonly atMs: number; readonly isOperators: boolean },
  ): Promise<EndpointChange | null>;
}

type EndpointCollection = mongoose.mongo.Collection<EndpointDocument>;

export function createEndpointStore(conn: MongoConnection): EndpointStore {
  const endpoints = nativeDb(conn.connection).collection<EndpointDocument>('endpoints');
  return {
    loadEndpoints: (ids) =>
      attempt('load endpoints', async () => {
        if (ids.length === 0) return [];
        return (await endpoints.find({ _id: { $in: [...ids] } }).toArray()).map(asEndpoint);
      }),
    endpointsChangedSince: (sinceMs, limit) =>
      attempt('find changed endpoints', async () => {
        const changed = endpoints.find({ changedAt: { $gte: new Date(sinceMs) } }, { sort: { changedAt: 1 }, limit });
        return (await changed.toArray()).map(asEndpoint);
      }),
    endpointsAfter: (tenantId, after, limit) =>
      attempt('list endpoints', async () => {
        const range = {
          ...(tenantId !== null && keysBelow(tenantId)),
          ...(after !== null && { $gt: after }),
        };
        const filter = Object.keys(range).length > 0 ? { _id: range } : {};
        return (await endpoints.find(filter, { sort: { _id: 1 }, limit }).toArray()).map(asEndpoint);
      }),
    saveEndpoint: (seen, state, atMs) => attempt('save endpoint', () => save(endpoints, seen, { state, atMs })),
    pauseEndpoint: (endpoint, paused) => attempt('pause endpoint', () => pause(endpoints, endpoint, paused)),
    resumeEndpoint: (endpoint, { atMs, isOperators }) =>
      attempt('resume endpoint', async () => {
        const resumed = { ...plainEndpointState, rampFromMs: atMs };
        const changed = await endpoints.findOneAndUpdate(
          { _id: endpoint, ...unlessKept(isOperators) },
          asDocument(resumed, { paused: null, atMs, stamp: randomUUID() }),
          { returnDocument: 'after' },
        );
        if (changed !== null) return { kind: 'changed', endpoint: asEndpoint(changed) };
        const kept = await endpoints.findOne({ _id: endpoint });
        return kept === null ? null : { kind: 'kept', endpoint: asEndpoint(kept) };
      }),
  };
}

async function save(
  endpoints: EndpointCollection,
  { endpoint, stamp, paused }: Endpoint,
  { state, atMs }: { state: EndpointState; atMs: number },
): Promise<Endpoint | null> {
  const update = asDocument(state, { paused, atMs, stamp: randomUUID() });
  try {
    const saved = await endpoints.findOneAndUpdate(
      { _id: endpoint, stamp: stamp ?? { $exists: false } },
      update,
      // Made by the first change of all, unless somebody else's has: then the name is taken.
      { upsert: stamp === null, returnDocument: 'after' },
    );
    return saved === null ? null : asEndpoint(saved);
  } catch (error: unknown) {
    if (isDuplicateKey(error)) return null;
    throw error;
  }
}

/** An operator's pause is ended, or given another reason, by operators alone. */
function unlessKept(isOperators: boolean) {
  return isOperators ? {} : { 'paused.isOperators': { $ne: true } };
}

/** Guarded by nothing but an operator's word: that stands, whatever the workers write beside it. */
async function pause(endpoints: EndpointCollection, endpoint: string, paused: EndpointPause): Promise<EndpointChange> {
  const { atMs, isOperators } = paused;
  const update = {
    $set: { paused: asPausedMember(paused), stamp: randomUUID(), changedAt: new Date(atMs) },
    $setOnInsert: { openings: 0 },
    $unset: { purgeAt: '' as const },
  };
  for (;;) {
    try {
      const changed = await endpoints.findOneAndUpdate({ _id: endpoint, ...unlessKept(isOperators) }, update, {
        upsert: true,
        returnDocument: 'after',
      });
      if (changed !== null) return { kind: 'changed', endpoint: asEndpoint(changed) };
    } catch (error: unknown) {
      if (!isDuplicateKey(error)) throw error;
      // An operator has paused it; or somebody made it at the same moment, and it is there now.
      const kept = isOperators ? null : await endpoints.findOne({ _id: endpoint, 'paused.isOperators': true });
      if (kept !== null) return { kind: 'kept', endpoint: asEndpoint(kept) };
    }
  }
}
