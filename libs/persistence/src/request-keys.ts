import type { RefusedItem, TaskId } from '@juice/contracts';
import type { TaskCollection } from './collections.ts';
import type { TaskRecord } from './task-record.ts';

/**
 * Idempotency keys of requests. A key is a field of the task that its request has stored, under a unique index: using the key
 * and storing the task are one write, and nothing has to be put right after a crash.
 */
export interface RequestKey {
  /** No two tasks have the same. */
  readonly key: string;
  /** Of the request; the same key with another one is another request. */
  readonly hash: string;
  readonly atMs: number;
  /** Of a batch: the items that were refused, a part of its answer. */
  readonly refused?: readonly RefusedItem[];
}

/** A key in use, and the task that has it. */
export interface KnownRequest extends Required<RequestKey> {
  readonly taskId: TaskId;
}

type KeyFields = Pick<TaskRecord, 'idem' | 'idemHash' | 'idemAt' | 'idemRefused'>;

export function requestKeyFields({ key, hash, atMs, refused = [] }: RequestKey): KeyFields {
  return {
    idem: key,
    idemHash: hash,
    idemAt: new Date(atMs),
    ...(refused.length === 0 ? {} : { idemRefused: refused }),
  };
}

const unsetKey = { $unset: { idem: '', idemHash: '', idemAt: '', idemRefused: '' } } as const;

/** Those of the keys that are in use. */
export async function findRequests(tasks: TaskCollection, keys: readonly string[]): Promise<readonly KnownRequest[]> {
  if (keys.length === 0) return [];
  const found = await tasks
    .find<Pick<TaskRecord, '_id'> & KeyFields>(
      { idem: { $in: [...keys] } },
      { projection: { idem: 1, idemHash: 1, idemAt: 1, idemRefused: 1 } },
    )
    .toArray();
  return found.map(({ _id, idem = '', idemHash = '', idemAt, idemRefused = [] }) => ({
    taskId: _id,
    key: idem,
    hash: idemHash,
    atMs: idemAt?.getTime() ?? 0,
    refused: idemRefused,
  }));
}

/** Frees the key for another request, unless another one has it by now. */
export async function releaseKey(tasks: TaskCollection, { taskId, key }: KnownRequest): Promise<void> {
  await tasks.updateOne({ _id: taskId, idem: key }, unsetKey);
}

/** Frees keys used before an instant, the oldest first; how many. */
export async function releaseKeys(tasks: TaskCollection, beforeMs: number, limit: number): Promise<number> {
  const old = await tasks
    .find<Pick<TaskRecord, '_id'>>(
      { idemAt: { $lt: new Date(beforeMs) } },
      { projection: { _id: 1 }, sort: { idemAt: 1 }, limit },
    )
    .toArray();
  if (old.length === 0) return 0;
  await tasks.bulkWrite(
    old.map(({ _id }) => ({ updateOne: { filter: { _id }, update: unsetKey } })),
    { ordered: false },
  );
  return old.length;
}
