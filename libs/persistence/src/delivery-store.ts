import type { TaskId } from '@juice/contracts';
import { createAttemptLog, type CallbackAttempt } from './callback-attempts.ts';
import { correctDueAt, createClaiming, type Claim } from './claim-lane.ts';
import type { ClaimedLane } from './claimed-lane.ts';
import type { MongoConnection } from './connection.ts';
import { tasksOf } from './collections.ts';
import { attempt } from './mongo-failure.ts';
import { retentionOf, type RetentionOptions } from './retention.ts';
import { createSettling, type Settling } from './settle-lane.ts';
import type { TaskRecord } from './task-record.ts';

/**
 * The delivery lanes inside the task documents, for the callback workers.
 *
 * A lane is *idle* (nothing pending), *pending*, *leased* to one worker, *held* (its endpoint takes nothing) or *dead*
 * (given up, until replayed). The scheduler appends states and lowers dueAt, whatever the lane's state; everything else is
 * written by workers, by compare-and-set on their lease's token, so that a worker whose lease was taken over writes nothing.
 *
 * Guarantees: states are sent in the order of seq, one at a time; a state is repeated only when its lease ended before it
 * was settled; a state other than an end state is dropped only when a newer one is pending and an attempt failed or the lane
 * was held or dead; an end state stays until it is delivered. Every method throws DependencyFailure when MongoDB cannot
 * be reached; a settling may then be repeated: a final delivery that had applied is recognised, anything else that had says
 * `applied: false`. Concurrent claims, final deliveries and log entries share round trips.
 */
export interface DeliveryStore extends Settling {
  /** Lanes to look at, the longest due first: leases that have ended are among them. */
  dueLanes(nowMs: number, limit: number): Promise<readonly TaskId[]>;
  /** When the next lane is due (it may be past); null when none is. */
  nextDueAt(): Promise<number | null>;
  /** Leases the lane, if it is due, not leased to another and not backing off; null otherwise. */
  claim(taskId: TaskId, claim: Claim): Promise<ClaimedLane | null>;
  /** After a claim that gave null: a lane that is listed as due but cannot be claimed yet is listed again when it can be. */
  postpone(taskId: TaskId, nowMs: number): Promise<void>;
  logAttempt(record: CallbackAttempt): Promise<void>;
}

export function createDeliveryStore(conn: MongoConnection, options: RetentionOptions = {}): DeliveryStore {
  const tasks = tasksOf(conn);
  const retentionMs = retentionOf(options);
  const claimLane = createClaiming(tasks);
  return {
    dueLanes: (nowMs, limit) =>
      attempt('find due lanes', async () => {
        const due = tasks.find(
          { 'callback.dueAt': { $lte: new Date(nowMs) } },
          { projection: { _id: 1 }, sort: { 'callback.dueAt': 1 }, limit },
        );
        return (await due.toArray()).map(({ _id }) => _id);
      }),
    nextDueAt: () =>
      attempt('find next due lane', async () => {
        const next = await tasks.findOne<Pick<TaskRecord, 'callback'>>(
          { 'callback.dueAt': { $gt: new Date(0) } },
          { projection: { 'callback.dueAt': 1 }, sort: { 'callback.dueAt': 1 } },
        );
        return next?.callback?.dueAt?.getTime() ?? null;
      }),
    claim: (taskId, claim) => attempt('claim lane', () => claimLane({ taskId, ...claim })),
    postpone: (taskId, nowMs) => attempt('postpone lane', () => correctDueAt(tasks, taskId, nowMs)),
    ...createSettling(tasks, retentionMs),
    logAttempt: createAttemptLog(conn, retentionMs),
  };
}
