import { CommandFailure } from '../command-failure.ts';
import { bsonType, findField, type Raw } from '../bson/raw.ts';
import { readString, readTruth } from '../bson/read.ts';
import type { Collection } from '../collection/collection.ts';
import type { Command } from './command.ts';
import type { ServerState } from './server-state.ts';

/** Most statements of one command, as `hello` announces. */
export const maxWriteBatchSize = 100_000;

/**
 * Waits as the write concern asks: on disk for `j` and for a majority (which is also what is meant by none, as in mongod),
 * not at all for `w: 1` and `w: 0`.
 */
export async function settleWrites(command: Command, { durability }: ServerState): Promise<void> {
  const concern = command.document('writeConcern');
  const part = (name: string) =>
    concern === undefined ? undefined : findField(concern.bytes, concern.start, Buffer.from(name));
  const journalled = part('j');
  const w = part('w');
  const byMajority = w === undefined || (w.type === bsonType.string && readString(w) === 'majority');
  const waits = journalled === undefined ? byMajority : readTruth(journalled);
  await (waits ? durability.flushed() : durability.relieved());
}

export interface WriteError {
  readonly index: number;
  readonly code: number;
  readonly errmsg: string;
}

/** Runs statements one after the other; an ordered batch ends at the first error, an unordered one goes on. */
export async function runStatements(
  command: Command,
  statements: readonly Raw[],
  run: (statement: Raw, index: number) => Promise<void> | undefined,
): Promise<{ writeErrors?: WriteError[] }> {
  if (statements.length === 0 || statements.length > maxWriteBatchSize) {
    throw new CommandFailure(
      16,
      `Write batch sizes must be between 1 and ${maxWriteBatchSize}. Got ${statements.length} operations.`,
    );
  }
  const isOrdered = !command.has('ordered') || command.truth('ordered');
  const writeErrors: WriteError[] = [];
  for (let index = 0; index < statements.length; index += 1) {
    try {
      const pending = run(statements[index] as Raw, index);
      if (pending !== undefined) await pending;
    } catch (error) {
      if (!(error instanceof CommandFailure) || error.code === 14031) throw error;
      writeErrors.push({ index, code: error.code, errmsg: error.message, ...error.facts });
      if (isOrdered) break;
    }
  }
  return writeErrors.length > 0 ? { writeErrors } : {};
}

/** The collection that a statement changes, if it is there. Throws CommandFailure(14031) while nothing can be kept. */
export function target({ catalog, durability }: ServerState, namespace: string): Collection | undefined {
  durability.refuseIfBroken();
  return catalog.find(namespace);
}
