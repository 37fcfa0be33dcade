import type { TaskId, RetentionOptions } from '@juice/contracts';
import { nativeDb, type MongoConnection } from './connection.ts';
import { attempt } from './mongo-failure.ts';
import { retentionOf } from './retention.ts';

/** Something that could not be processed and was set aside, so that it holds up nothing else. For people to look at. */
export interface QuarantinedCase {
  /** The same for every appearance of the same thing. */
  readonly key: string;
  /** `update`: of the cluster's, unreadable or fatal to the scheduler; `transition`: a record the database refuses. */
  readonly kind: 'update' | 'transition';
  readonly atMs: number;
  readonly epoch: number;
  /** What was wrong with it. */
  readonly detail: string;
  readonly taskId: TaskId | null;
  readonly mesosTaskId: string | null;
  readonly agentId: string | null;
  /** The thing itself: JSON, or base64 of what is none. */
  readonly record: string;
}

export interface QuarantineStore {
  /** Keeps a case; of a repeated one the first appearance is kept, and how often and when it came again. */
  put(one: QuarantinedCase): Promise<void>;
  /** The keys of the cases that came last. */
  keys(limit: number): Promise<readonly string[]>;
}

interface QuarantineDocument extends Omit<QuarantinedCase, 'key' | 'atMs'> {
  readonly _id: string;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly count: number;
  readonly purgeAt: Date;
}

/** Every method throws DependencyFailure when MongoDB cannot be reached; `put` may then be repeated. */
export function createQuarantineStore(conn: MongoConnection, options: RetentionOptions = {}): QuarantineStore {
  const retentionMs = retentionOf('quarantineRetentionMs', options);
  const cases = nativeDb(conn.connection).collection<QuarantineDocument>('quarantine');
  return {
    async put({ key, atMs, ...facts }) {
      const lastAt = new Date(atMs);
      await attempt('quarantine', () =>
        cases.updateOne(
          { _id: key },
          {
            $setOnInsert: { ...facts, firstAt: lastAt },
            $set: { lastAt, purgeAt: new Date(atMs + retentionMs) },
            $inc: { count: 1 },
          },
          { upsert: true },
        ),
      );
    },
    keys: (limit) =>
      attempt('load quarantine', async () => {
        const found = await cases
          .find<{ _id: string }>({}, { projection: { _id: 1 }, sort: { lastAt: -1 }, limit })
          .toArray();
        return found.map(({ _id }) => _id);
      }),
  };
}
