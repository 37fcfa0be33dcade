import { DependencyFailure } from '@juice/contracts';
import type mongoose from 'mongoose';
import { ensureIndexes } from '../collections.ts';
import { byMajority, nativeDb, type MongoConnection } from '../connection.ts';
import { attempt, isDuplicateKey } from '../mongo-failure.ts';
import { migrations, type Migration } from './migrations.ts';

/** What the database says of itself, in the collection `meta`. */
interface SchemaDocument {
  readonly _id: 'schema';
  /** How the documents in it are written. */
  readonly schema: number;
  /** Services that know no newer schema than one before this must not use it. */
  readonly oldestReader: number;
}

/** How a database is written, and what this version of Juice knows. */
export interface SchemaFacts {
  /** 0: nothing has been prepared yet. */
  readonly schema: number;
  readonly oldestReader: number;
  /** The newest that this version migrates to; one whose `oldestReader` is beyond it is not served. */
  readonly known: number;
}

/** What prepareStore goes by; changes nothing. Throws DependencyFailure. */
export async function readSchema(
  conn: MongoConnection,
  steps: readonly Migration[] = migrations,
): Promise<SchemaFacts> {
  const found = await attempt('read schema', () => metaOf(conn).findOne({ _id: 'schema' }, byMajority));
  const { schema = 0, oldestReader = 0 } = found ?? {};
  return { schema, oldestReader, known: steps.at(-1)?.schema ?? 0 };
}

/**
 * Makes the database what this version works on: migrations first, then missing indexes. Every service does so at its start,
 * before it serves, and any number at once may.
 *
 * A step may be repeated, as a whole or in part, by several processes and after a crash anywhere in it: it changes only what
 * is not as it should be yet. So no lock is needed that a dead process could hold. A step is noted, by compare-and-set on
 * the one before, after it is done: who crashes before that has it done again.
 *
 * Throws DependencyFailure, not retryable when the database is of a newer version that this one cannot read.
 */
export async function prepareStore(conn: MongoConnection, steps: readonly Migration[] = migrations): Promise<void> {
  const meta = metaOf(conn);

  async function note(before: number, { schema, oldestReader }: Migration): Promise<void> {
    try {
      await meta.updateOne(
        { _id: 'schema', schema: before },
        { $set: { schema, oldestReader } },
        { upsert: before === 0 },
      );
    } catch (error: unknown) {
      // Another process has noted it, or a later one.
      if (!isDuplicateKey(error)) throw error;
    }
  }

  for (;;) {
    const { schema, oldestReader, known } = await readSchema(conn, steps);
    if (oldestReader > known) throw tooNew(schema, oldestReader, known);
    const next = steps.find((step) => step.schema > schema);
    if (next === undefined) break;
    await attempt(`migrate to schema ${next.schema}`, () => next.run(conn));
    await attempt('note schema', () => note(schema, next));
  }
  await ensureIndexes(conn);
}

function metaOf(conn: MongoConnection): mongoose.mongo.Collection<SchemaDocument> {
  return nativeDb(conn.connection).collection<SchemaDocument>('meta');
}

function tooNew(schema: number, oldestReader: number, known: number): DependencyFailure {
  const detail = `the database has schema ${schema}, which needs a version of Juice that knows schema ${oldestReader} or later; this one knows ${known}: start a newer version, or restore the backup made before the upgrade`;
  return new DependencyFailure({ dependency: 'mongodb', operation: 'read schema', retryable: false, detail });
}
