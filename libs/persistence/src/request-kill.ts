import { isEndState, TaskState, type TaskId } from '@juice/contracts';
import type { TaskCollection } from './collections.ts';
import type { TaskRecord } from './task-record.ts';
import { killUpdate, operators } from './transition-update.ts';

export type KillOutcome =
  /** No such task of this tenant. */
  | { readonly kind: 'unknown' }
  /** It had ended before. */
  | { readonly kind: 'ended'; readonly status: TaskState; readonly message: string }
  /** It was waiting and has now ended as KILLED. */
  | { readonly kind: 'killed'; readonly status: TaskState }
  /** It is on the cluster; the scheduler is to kill it. */
  | { readonly kind: 'requested'; readonly status: TaskState };

interface KillRequest {
  readonly tenantId: string;
  readonly taskId: TaskId;
  readonly atMs: number;
  readonly retentionMs: number;
}

type Seen = Pick<TaskRecord, '_id' | 'seq' | 'status' | 'message' | 'killRequestedAt'> & {
  readonly callback?: { readonly events: string };
};

/** Kills a waiting task, or asks the scheduler to kill one on the cluster; may be repeated. */
export async function requestKill(tasks: TaskCollection, request: KillRequest): Promise<KillOutcome> {
  // A miss means that the task moved on in between, which it does a bounded number of times in its life.
  for (;;) {
    const seen = await tasks.findOne<Seen>(
      { _id: request.taskId, tenantId: request.tenantId },
      { projection: { seq: 1, status: 1, message: 1, killRequestedAt: 1, 'callback.events': 1 } },
    );
    if (seen === null) return { kind: 'unknown' };
    const { status, message } = seen;
    if (isEndState(status)) return { kind: 'ended', status, message };
    if (status === TaskState.NOT_START) {
      if (await endWaiting(tasks, seen, request)) return { kind: 'killed', status: TaskState.KILLED };
    } else if (seen.killRequestedAt !== undefined || (await markRunning(tasks, seen, request))) {
      return { kind: 'requested', status };
    }
  }
}

async function endWaiting(tasks: TaskCollection, seen: Seen, request: KillRequest): Promise<boolean> {
  const update = killUpdate(
    { seq: seen.seq, callback: seen.callback !== undefined },
    request.atMs,
    request.retentionMs,
  );
  const { matchedCount } = await tasks.updateOne(
    { _id: seen._id, tenantId: request.tenantId, seq: seen.seq, status: TaskState.NOT_START },
    operators(update),
  );
  return matchedCount === 1;
}

async function markRunning(tasks: TaskCollection, seen: Seen, request: KillRequest): Promise<boolean> {
  const at = new Date(request.atMs);
  const { matchedCount } = await tasks.updateOne(
    { _id: seen._id, tenantId: request.tenantId, seq: seen.seq, killRequestedAt: { $exists: false } },
    { $set: { killRequestedAt: at, killPendingAt: at } },
  );
  return matchedCount === 1;
}
