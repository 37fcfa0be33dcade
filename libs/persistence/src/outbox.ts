import type { StatusEvent, TaskId } from '@juice/contracts';
import type { TaskCollection } from './collections.ts';
import { byMajority } from './connection.ts';
import type { TaskRecord } from './task-record.ts';

/** An event that the log and the bus now have: it leaves the outbox. */
export interface PublishedEvent {
  readonly taskId: TaskId;
  readonly seq: number;
}

/** A page of outboxes, each whole, and from where the next one goes on; null after the last. */
export interface OutboxPage {
  readonly events: readonly StatusEvent[];
  readonly next: number | null;
}

/**
 * Removes these events and no others. Mostly a task's outbox is then empty, which one write does; the rest takes a second
 * round.
 */
export async function clearOutbox(tasks: TaskCollection, published: readonly PublishedEvent[]): Promise<void> {
  const bySeq = new Map<TaskId, number[]>();
  for (const { taskId, seq } of published) bySeq.set(taskId, [...(bySeq.get(taskId) ?? []), seq]);
  if (bySeq.size === 0) return;
  const emptied = await tasks.bulkWrite(
    [...bySeq].map(([taskId, seqs]) => ({
      updateOne: {
        filter: { _id: taskId, outbox: { $not: { $elemMatch: { seq: { $nin: seqs } } } } },
        update: { $set: { outbox: [] }, $unset: { outboxAt: '' as const } },
      },
    })),
    { ordered: false },
  );
  if (emptied.matchedCount === bySeq.size) return;
  await tasks.bulkWrite(
    [...bySeq].flatMap(([taskId, seqs]) => [
      { updateOne: { filter: { _id: taskId }, update: { $pull: { outbox: { seq: { $in: seqs } } } } } },
      // Two at a time may have left nothing between them.
      { updateOne: { filter: { _id: taskId, outbox: { $size: 0 } }, update: { $unset: { outboxAt: '' as const } } } },
    ]),
  );
}

type WithOutbox = Pick<TaskRecord, '_id' | 'tenantId' | 'outbox' | 'outboxAt'>;

const projection = { tenantId: 1, outbox: 1, outboxAt: 1 };

/** What is in the outboxes of these tasks, a task's own in order. */
export async function readOutboxes(tasks: TaskCollection, ids: readonly TaskId[]): Promise<readonly StatusEvent[]> {
  const options = { ...byMajority, projection, batchSize: ids.length };
  const found = await tasks.find<WithOutbox>({ _id: { $in: [...ids] } }, options).toArray();
  return found.flatMap(eventsOf);
}

/**
 * The tasks whose outbox was last added to at an instant or later, the earliest first. `limit` counts tasks; a page has more
 * when more than that were added to at the same instant.
 */
export async function outboxPage(tasks: TaskCollection, fromMs: number, limit: number): Promise<OutboxPage> {
  const find = (outboxAt: { $gte: Date } | Date, most: { limit?: number; batchSize?: number }): Promise<WithOutbox[]> =>
    tasks.find<WithOutbox>({ outboxAt }, { ...byMajority, projection, sort: { outboxAt: 1 }, ...most }).toArray();
  const found = await find({ $gte: new Date(fromMs) }, { limit, batchSize: limit });
  const [first, last] = [found[0]?.outboxAt, found.at(-1)?.outboxAt];
  if (first === undefined || last === undefined || found.length < limit) {
    return { events: found.flatMap(eventsOf), next: null };
  }
  // The rest of the last instant may not have found room: it is where the next page begins.
  if (first < last) return { events: found.flatMap(eventsOf), next: last.getTime() };
  return { events: (await find(last, {})).flatMap(eventsOf), next: last.getTime() + 1 };
}

function eventsOf({ _id, tenantId, outbox }: WithOutbox): StatusEvent[] {
  return outbox.map(({ seq, status, attempt, message, reason, at, callback }) => ({
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
  }));
}
