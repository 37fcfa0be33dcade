import type { TaskId, RetentionOptions } from '@juice/contracts';
import { createAttemptLog, type CallbackAttempt } from './callback-attempts.ts';
import { createClaiming, type Claim } from './claim-lane.ts';
import type { ClaimedLane } from './claimed-lane.ts';
import type { MongoConnection } from './connection.ts';
import { tasksOf } from './collections.ts';
import { createLaneOverviews, type LaneOverviews } from './lane-overview.ts';
import { createLaneLists, type LaneLists } from './list-lanes.ts';
import { attempt } from './mongo-failure.ts';
import { createPuttingAside, type PuttingAside } from './put-aside.ts';
import { createReplayingLanes, type ReplayingLanes } from './replay-lanes.ts';
import { retentionOf } from './retention.ts';
import { createSettling, type Settling } from './settle-lane.ts';

/**
 * The delivery lanes inside the task documents, for the callback workers.
 *
 * A lane is *idle* (nothing pending), *pending*, *leased* to one worker, *held* (its endpoint takes nothing for now) or *dead*
 * (given up, until revived). One that waits for its endpoint, held or just for its turn, is *aside*: no worker takes it until it
 * knows that the endpoint can be tried, or the lane's own time has come. The scheduler appends states and lowers dueAt,
 * whatever the lane's state; everything else is written by workers, by compare-and-set on their lease's token or, of a lane that
 * nobody has leased, on what was seen of it. So a worker whose lease was taken over writes nothing.
 *
 * Guarantees: states are sent in the order of seq, one at a time; a state is repeated only when its lease ended before it
 * was settled; a state other than an end state is dropped only when a newer one is pending and an attempt failed or the lane
 * was held or dead; an end state stays until it is delivered. Every method throws DependencyFailure when MongoDB cannot
 * be reached; a settling may then be repeated: a final delivery that had applied is recognised, anything else that had says
 * `applied: false`. Concurrent claims, final deliveries and log entries share round trips.
 */
export interface DeliveryStore extends LaneLists, LaneOverviews, PuttingAside, ReplayingLanes, Settling {
  /**
   * Leases the lane, if it is due (or waits for its endpoint, and that is asked for), not leased to another and not backing off;
   * null otherwise: then a lane that is listed as due, but cannot be claimed yet, is listed again when it can be.
   */
  claim(taskId: TaskId, claim: Claim): Promise<ClaimedLane | null>;
  logAttempt(record: CallbackAttempt): Promise<void>;
}

export function createDeliveryStore(conn: MongoConnection, options: RetentionOptions = {}): DeliveryStore {
  const tasks = tasksOf(conn);
  const claimLane = createClaiming(tasks);
  return {
    ...createLaneLists(tasks),
    ...createLaneOverviews(tasks),
    claim: (taskId, claim) => attempt('claim lane', () => claimLane({ taskId, ...claim })),
    ...createPuttingAside(tasks),
    ...createReplayingLanes(tasks),
    ...createSettling(tasks, retentionOf('taskRetentionMs', options)),
    logAttempt: createAttemptLog(conn, retentionOf('attemptRetentionMs', options)),
  };
}
