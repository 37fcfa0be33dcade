import type { StatusEvent, TaskId } from '@juice/contracts';
import type { TaskCollection } from './collections.ts';
import type { TaskRecord } from './task-record.ts';

/** An event that the bus now has: it and the task's earlier ones leave the outbox. */
export interface PublishedEvent {
  readonly taskId: TaskId;
  readonly seq: number;
}

/** Removes published events. Mostly a task's outbox is then empty, which one write does; the rest takes a second round. */
export async function clearOutbox(tasks: TaskCollection, published: readonly PublishedEvent[]): Promise<void> {
  const last = new Map<TaskId, number>();
  for (const { taskId, seq } of published) last.set(taskId, Math.max(seq, last.get(taskId) ?? 0));
  if (last.size === 0) return;
  const emptied = await tasks.bulkWrite(
    [...last].map(([taskId, seq]) => ({
      updateOne: {
        filter: { _id: taskId, outbox: { $not: { $elemMatch: { seq: { $gt: seq } } } } },
        update: { $set: { outbox: [] }, $unset: { outboxAt: '' as const } },
      },
    })),
    { ordered: false },
  );
  if (emptied.matchedCount === last.size) return;
  await tasks.bulkWrite(
    [...last].map(([taskId, seq]) => ({
      updateOne: { filter: { _id: taskId }, update: { $pull: { outbox: { seq: { $lte: seq } } } } },
    })),
    { ordered: false },
  );
}

/** Events of tasks whose outbox was last added to before an instant, a task's own in order; `limit` counts tasks. */
export async function outboxLeftovers(
  tasks: TaskCollection,
  beforeMs: number,
  limit: number,
): Promise<readonly StatusEvent[]> {
  const found = await tasks
    .find<Pick<TaskRecord, '_id' | 'tenantId' | 'outbox'>>(
      { outboxAt: { $lt: new Date(beforeMs) } },
      { projection: { tenantId: 1, outbox: 1 }, sort: { outboxAt: 1 }, limit },
    )
    .toArray();
  return found.flatMap(({ _id, tenantId, outbox }) =>
    outbox.map(({ seq, status, attempt, message, reason, at, callback }) => ({
      v: 1 as const,
      taskId: _id,
      tenantId,
      seq,
      status,
      attempt,
      message,
      reason,
      atMs: at.getTime(),
      callback,
    })),
  );
}
