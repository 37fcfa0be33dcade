import { randomUUID } from 'node:crypto';
import type mongoose from 'mongoose';
import { nativeDb, type MongoConnection } from './connection.ts';
import { plainEndpointState, type Endpoint, type EndpointState } from './endpoint.ts';
import { asDocument, asEndpoint, type EndpointDocument } from './endpoint-document.ts';
import { keysBelow } from './lane-keys.ts';
import { attempt, isDuplicateKey } from './mongo-failure.ts';

export interface Pausing {
  readonly by: string;
  readonly reason: string | null;
  readonly atMs: number;
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
  pauseEndpoint(endpoint: string, pausing: Pausing): Promise<Endpoint>;
  /** Whatever kept it from being called ends: the pause, a 410, an open breaker, a wait. null: there was nothing. */
  resumeEndpoint(endpoint: string, atMs: number): Promise<Endpoint | null>;
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
    pauseEndpoint: (endpoint, pausing) => attempt('pause endpoint', () => pause(endpoints, endpoint, pausing)),
    resumeEndpoint: (endpoint, atMs) =>
      attempt('resume endpoint', async () => {
        const resumed = { ...plainEndpointState, rampFromMs: atMs };
        const changed = await endpoints.findOneAndUpdate(
          { _id: endpoint },
          asDocument(resumed, { paused: null, atMs, stamp: randomUUID() }),
          { returnDocument: 'after' },
        );
        return changed === null ? null : asEndpoint(changed);
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

/** Guarded by nothing: an operator's word stands, whatever the workers write beside it. */
async function pause(endpoints: EndpointCollection, endpoint: string, pausing: Pausing): Promise<Endpoint> {
  const { by, reason, atMs } = pausing;
  const at = new Date(atMs);
  const update = {
    $set: { paused: { at, by, reason }, stamp: randomUUID(), changedAt: at },
    $setOnInsert: { openings: 0 },
    $unset: { purgeAt: '' as const },
  };
  for (;;) {
    try {
      const paused = await endpoints.findOneAndUpdate({ _id: endpoint }, update, {
        upsert: true,
        returnDocument: 'after',
      });
      if (paused !== null) return asEndpoint(paused);
    } catch (error: unknown) {
      // Somebody made it at the same moment: it is there now.
      if (!isDuplicateKey(error)) throw error;
    }
  }
}
