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
  readonly taskIds: readonly TaskId[];
  readonly atMs: number;
  readonly retentionMs: number;
}

type Seen = Pick<TaskRecord, '_id' | 'seq' | 'status' | 'message' | 'killRequestedAt'> & {
  readonly callback?: { readonly events: string };
};

/**
 * Kills waiting tasks, and asks the scheduler to kill those on the cluster; an outcome for each id. May be repeated: after a
 * failure some kills may be stored.
 */
export async function requestKills(
  tasks: TaskCollection,
  request: KillRequest,
): Promise<ReadonlyMap<TaskId, KillOutcome>> {
  const outcomes = new Map<TaskId, KillOutcome>();
  const ended = new Map<TaskId, number>();
  // A miss means that a task moved on in between, which it does a bounded number of times in its life.
  for (let open = [...new Set(request.taskIds)]; open.length > 0;) {
    const seen = await read(tasks, request.tenantId, open);
    const writes: Write[] = [];
    for (const taskId of open) {
      const task = seen.get(taskId);
      const outcome = outcomeOf(task, request.atMs, ended.get(taskId));
      if (outcome !== null) outcomes.set(taskId, outcome);
      else if (task !== undefined) writes.push(writeOf(task, request));
    }
    if (writes.length === 0) break;
    const { matchedCount } = await tasks.bulkWrite(
      writes.map(({ operation }) => operation),
      { ordered: false },
    );
    if (matchedCount === writes.length) for (const { taskId, outcome } of writes) outcomes.set(taskId, outcome);
    for (const { taskId, seq } of writes) ended.set(taskId, seq);
    open = writes.map(({ taskId }) => taskId).filter((taskId) => !outcomes.has(taskId));
  }
  return outcomes;
}

async function read(
  tasks: TaskCollection,
  tenantId: string,
  taskIds: readonly TaskId[],
): Promise<ReadonlyMap<TaskId, Seen>> {
  const found = await tasks
    .find<Seen>(
      { _id: { $in: [...taskIds] }, tenantId },
      { projection: { seq: 1, status: 1, message: 1, killRequestedAt: 1, 'callback.events': 1 } },
    )
    .toArray();
  return new Map(found.map((task) => [task._id, task]));
}

/** null: it has still to be written. `triedAt` is the seq at which its end was written before, if that has applied. */
function outcomeOf(task: Seen | undefined, atMs: number, triedAt: number | undefined): KillOutcome | null {
  if (task === undefined) return { kind: 'unknown' };
  const { status, message, seq, killRequestedAt } = task;
  const isOurs = status === TaskState.KILLED && triedAt === seq - 1 && killRequestedAt?.getTime() === atMs;
  if (isOurs) return { kind: 'killed', status };
  if (isEndState(status)) return { kind: 'ended', status, message };
  return status !== TaskState.NOT_START && killRequestedAt !== undefined ? { kind: 'requested', status } : null;
}

interface Write {
  readonly taskId: TaskId;
  readonly seq: number;
  readonly operation: Parameters<TaskCollection['bulkWrite']>[0][number];
  /** When it applies. */
  readonly outcome: KillOutcome;
}

function writeOf({ _id, seq, status, callback }: Seen, { tenantId, atMs, retentionMs }: KillRequest): Write {
  const guard = { _id, tenantId, seq };
  if (status === TaskState.NOT_START) {
    const update = operators(killUpdate({ seq, callback: callback !== undefined }, atMs, retentionMs));
    const operation = { updateOne: { filter: { ...guard, status }, update } };
    return { taskId: _id, seq, operation, outcome: { kind: 'killed', status: TaskState.KILLED } };
  }
  const at = new Date(atMs);
  const filter = { ...guard, killRequestedAt: { $exists: false } };
  const operation = { updateOne: { filter, update: { $set: { killRequestedAt: at, killPendingAt: at } } } };
  return { taskId: _id, seq, operation, outcome: { kind: 'requested', status } };
}
