import { setTimeout as wait } from 'node:timers/promises';
import {
  compareIndexes,
  connectMongo,
  createLeaseStore,
  examineMongo,
  readSchema,
  type MongoConnection,
} from '@juice/persistence';
import { ok, type Finding } from './finding.ts';
import { judgeClock, judgeIndexes, judgeLease, judgeMongoKind, judgeSchema, type LeaseFacts } from './judge-parts.ts';
import { runCheck, skipAll } from './run-check.ts';

export interface MongoTarget {
  readonly url: string;
  /** The URL as it may be shown. */
  readonly shown: string;
  readonly leaseMs: number;
  readonly limitMs: number;
}

const further = ['mongodb.server', 'mongodb.clock', 'mongodb.schema', 'mongodb.indexes', 'scheduler.lease'] as const;

/** Changes nothing in the database. */
export async function checkMongo(target: MongoTarget): Promise<readonly Finding[]> {
  const { url, shown, limitMs } = target;
  // The driver's own limit is the shorter one: it knows why there is no server.
  const connecting = connectMongo(url, {
    appName: 'juice-doctor',
    poolSize: further.length,
    serverSelectionTimeoutMs: limitMs * 0.8,
  });
  const reached = await runCheck(
    'mongodb.connection',
    { limitMs, advice: `look whether MongoDB runs at ${shown}, and at JUICE_MONGO_URL: host, user, password, TLS` },
    async () => {
      await (await connecting).ping();
      return ok(`${shown} answers`);
    },
  );
  if (reached.verdict !== 'ok') {
    // It may be open after all, too late.
    connecting.then(close, () => undefined);
    return [reached, ...skipAll(further, 'MongoDB is not reached')];
  }
  const conn = await connecting;
  const [server, clock, schema, indexes, lease] = further;
  const limits = { limitMs, advice: 'look whether the user of JUICE_MONGO_URL has readWrite on the database' };
  const [facts, schemaFacts] = [examineMongo(conn), readSchema(conn)];
  try {
    const found = await Promise.all([
      runCheck(server, limits, async () => judgeMongoKind(await facts)),
      runCheck(clock, limits, async () => judgeClock('MongoDB’s', await facts)),
      runCheck(schema, limits, async () => judgeSchema(await schemaFacts)),
      runCheck(indexes, limits, async () => judgeIndexes(await compareIndexes(conn), await schemaFacts)),
      runCheck(lease, limits, async (signal) => judgeLease(await watchLease(conn, target, signal))),
    ]);
    return [reached, ...found];
  } finally {
    await close(conn);
  }
}

/** How often the lease is read while it is watched. */
const lookEveryMs = 200;

/** Until it is renewed, or most of the limit is over. */
async function watchLease(
  conn: MongoConnection,
  { leaseMs, limitMs }: MongoTarget,
  signal: AbortSignal,
): Promise<LeaseFacts> {
  const leases = createLeaseStore(conn);
  const longestMs = limitMs * 0.8;
  const startedMs = performance.now();
  const first = await leases.read('scheduler');
  for (let now = first; ; now = await leases.read('scheduler')) {
    const isRenewed = now?.epoch !== first?.epoch || now?.renewals !== first?.renewals;
    const watchedMs = performance.now() - startedMs;
    if (isRenewed || (now?.holder ?? null) === null || watchedMs >= longestMs)
      return { lease: now, isRenewed, watchedMs, renewedEveryMs: leaseMs / 3 };
    await wait(lookEveryMs, undefined, { signal });
  }
}

/** What it says on closing is no finding. */
async function close(conn: MongoConnection): Promise<void> {
  await conn.close().catch(() => undefined);
}
