import { nativeDb, type MongoConnection } from './connection.ts';
import { attempt } from './mongo-failure.ts';

/** What the server that is written to says of itself. */
export interface MongoFacts {
  readonly kind: 'replica-set' | 'standalone' | 'sharded';
  /** The replica set's name, where it is one. */
  readonly setName: string | null;
  readonly version: string;
  /** The newest that the server speaks. The driver itself refuses one that is too old for it, when it connects. */
  readonly wireVersion: number;
  /** By how much its clock is ahead of ours; negative: behind. */
  readonly aheadMs: number;
  /** How far off that may be: half of what the answer took. */
  readonly doubtMs: number;
}

/** One round trip for the clock, and one for the version. Changes nothing. Throws DependencyFailure. */
export async function examineMongo(conn: MongoConnection, nowMs: () => number = Date.now): Promise<MongoFacts> {
  const db = nativeDb(conn.connection);
  return attempt('examine', async () => {
    const { version } = await db.command({ buildInfo: 1 });
    const askedMs = nowMs();
    const { setName, msg, maxWireVersion, localTime } = await db.command({ hello: 1 });
    const doubtMs = (nowMs() - askedMs) / 2;
    return {
      kind: msg === 'isdbgrid' ? 'sharded' : setName === undefined ? 'standalone' : 'replica-set',
      setName: setName === undefined ? null : String(setName),
      version: String(version),
      wireVersion: Number(maxWireVersion),
      aheadMs: (localTime as Date).getTime() - askedMs - doubtMs,
      doubtMs,
    };
  });
}
