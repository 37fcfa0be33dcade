import { isEndState, type TaskId } from '@juice/contracts';
import { dropping } from './claim-lane.ts';
import { asClaimedLane, laneProjection, overtaken, type ClaimedLane } from './claimed-lane.ts';
import type { TaskCollection } from './collections.ts';
import { attempt } from './mongo-failure.ts';
import type { CallbackLane, TaskRecord } from './task-record.ts';

/** What became of a settling. */
export interface Settled {
  /** false: the lease was no longer the worker's, and nothing was written. */
  readonly applied: boolean;
  /** Seqs dropped because a newer state had overtaken them. */
  readonly superseded: readonly number[];
}

export interface Delivered extends Settled {
  /** The next state to send, under the same token; null when none is pending. */
  readonly next: ClaimedLane | null;
}

const stale: Settled = { applied: false, superseded: [] };

const withoutLease = { 'callback.lease': '', 'callback.notBefore': '' } as const;

/** How a worker ends its lease; see DeliveryStore. */
export interface Settling {
  /** The oldest state was taken with a 2xx. `next`: the following one, its lease renewed for leaseMs. */
  settleDelivered(lane: ClaimedLane, when: { readonly nowMs: number; readonly leaseMs: number }): Promise<Delivered>;
  /** The try failed and counts; the next is not before retryAtMs. Drops what was overtaken. */
  settleFailed(lane: ClaimedLane, failure: { readonly retryAtMs: number; readonly cause: string }): Promise<Settled>;
  /** Gives the oldest state up. When a newer one has overtaken it, it is dropped instead and the lane is due at once. */
  settleDead(lane: ClaimedLane, death: { readonly nowMs: number; readonly cause: string }): Promise<Settled>;
  /** The endpoint takes nothing until somebody revives the lane or a new state arrives. Not counted as a try. */
  hold(lane: ClaimedLane, cause: string): Promise<Settled>;
  /** Gives the lease back without a try (stopping, the endpoint is busy); the lane is due again at dueAtMs. */
  release(lane: ClaimedLane, dueAtMs: number): Promise<Settled>;
  /** Makes a held or dead lane due at once; false when it is neither. */
  revive(taskId: TaskId, nowMs: number): Promise<boolean>;
}

export function createSettling(tasks: TaskCollection, retentionMs: number): Settling {
  return {
    settleDelivered: (lane, when) =>
      attempt('settle delivered', () => settleDelivered(tasks, lane, { ...when, retentionMs })),
    settleFailed: (lane, failure) => attempt('settle failed', () => settleFailed(tasks, lane, failure)),
    settleDead: (lane, death) => attempt('settle dead', () => settleDead(tasks, lane, { ...death, retentionMs })),
    hold: (lane, cause) =>
      attempt('hold lane', () =>
        settle(tasks, lane, {
          $set: { 'callback.state': 'held', 'callback.cause': cause },
          $unset: { ...withoutLease, 'callback.dueAt': '' },
        }),
      ),
    release: (lane, dueAtMs) =>
      attempt('release lane', () =>
        settle(tasks, lane, {
          $set: {
            'callback.state': 'pending',
            'callback.dueAt': new Date(dueAtMs),
            'callback.notBefore': new Date(dueAtMs),
          },
          $unset: { 'callback.lease': '' },
        }),
      ),
    revive: (taskId, nowMs) => attempt('revive lane', () => revive(tasks, taskId, nowMs)),
  };
}

interface DeliveredWhen {
  readonly nowMs: number;
  readonly leaseMs: number;
  readonly retentionMs: number;
}

async function settleDelivered(tasks: TaskCollection, lane: ClaimedLane, when: DeliveredWhen): Promise<Delivered> {
  const { seq, status } = lane.state;
  const callbackAt = new Date(when.nowMs);
  if (lane.pending.length === 1) {
    // The size in the filter: a state that the scheduler appended meanwhile must not be left behind in an idle lane.
    const { matchedCount } = await tasks.updateOne(
      { ...leasedTo(lane), 'callback.pending': { $size: 1 }, 'callback.pending.0.seq': seq },
      {
        $set: {
          'callback.pending': [],
          'callback.state': 'idle',
          'callback.attempt': 0,
          callbackAt,
          ...(isEndState(status) ? { purgeAt: new Date(when.nowMs + when.retentionMs) } : {}),
        },
        $unset: { ...withoutLease, 'callback.dueAt': '', 'callback.cause': '' },
      },
    );
    if (matchedCount === 1) return { applied: true, superseded: [], next: null };
  }
  const until = new Date(when.nowMs + when.leaseMs);
  const left = await tasks.findOneAndUpdate(
    leasedTo(lane),
    {
      $pull: { 'callback.pending': { seq } },
      $set: { 'callback.attempt': 0, 'callback.lease.until': until, 'callback.dueAt': until, callbackAt },
      $unset: { 'callback.cause': '' },
    },
    { projection: laneProjection, returnDocument: 'after' },
  );
  return left === null ? { ...stale, next: null } : { applied: true, superseded: [], next: asClaimedLane(left) };
}

async function settleFailed(
  tasks: TaskCollection,
  lane: ClaimedLane,
  failure: { readonly retryAtMs: number; readonly cause: string },
): Promise<Settled> {
  const present = await readLeased(tasks, lane);
  if (present === null) return stale;
  const superseded = overtaken(present.pending);
  const retryAt = new Date(failure.retryAtMs);
  return settle(
    tasks,
    lane,
    {
      $set: {
        'callback.state': 'pending',
        // Tries are those of the oldest pending state; when that one goes, its successor has had none.
        'callback.attempt': superseded.includes(lane.state.seq) ? 0 : lane.tries + 1,
        'callback.cause': failure.cause,
        'callback.dueAt': retryAt,
        'callback.notBefore': retryAt,
      },
      $unset: { 'callback.lease': '' },
    },
    superseded,
  );
}

interface Death {
  readonly nowMs: number;
  readonly cause: string;
  readonly retentionMs: number;
}

async function settleDead(tasks: TaskCollection, lane: ClaimedLane, death: Death): Promise<Settled> {
  // A miss of `die` means that the scheduler appended a state, which it does a bounded number of times in a task's life.
  for (;;) {
    const present = await readLeased(tasks, lane);
    if (present === null) return stale;
    const superseded = overtaken(present.pending);
    if (superseded.includes(lane.state.seq)) return passOver(tasks, lane, superseded, death.nowMs);
    if (await die(tasks, lane, present, death)) return { applied: true, superseded: [] };
  }
}

/** The newer state has a budget of its own, and is due at once. */
function passOver(
  tasks: TaskCollection,
  lane: ClaimedLane,
  superseded: readonly number[],
  nowMs: number,
): Promise<Settled> {
  return settle(
    tasks,
    lane,
    {
      $set: { 'callback.state': 'pending', 'callback.attempt': 0, 'callback.dueAt': new Date(nowMs) },
      $unset: { ...withoutLease, 'callback.cause': '' },
    },
    superseded,
  );
}

async function die(tasks: TaskCollection, lane: ClaimedLane, present: CallbackLane, death: Death): Promise<boolean> {
  const ended = present.pending.some(({ status }) => isEndState(status));
  const { matchedCount } = await tasks.updateOne(
    { ...leasedTo(lane), 'callback.pending': { $size: present.pending.length } },
    {
      $set: {
        'callback.state': 'dead',
        'callback.attempt': lane.tries + 1,
        'callback.cause': death.cause,
        ...(ended ? { purgeAt: new Date(death.nowMs + death.retentionMs) } : {}),
      },
      $unset: { ...withoutLease, 'callback.dueAt': '' },
    },
  );
  return matchedCount === 1;
}

async function revive(tasks: TaskCollection, taskId: TaskId, nowMs: number): Promise<boolean> {
  const { matchedCount } = await tasks.updateOne(
    { _id: taskId, 'callback.state': { $in: ['held', 'dead'] } },
    // The state stays as it is: it tells the claim to start afresh.
    { $set: { 'callback.dueAt': new Date(nowMs) }, $unset: { purgeAt: '' } },
  );
  return matchedCount === 1;
}

interface LaneUpdate {
  readonly $set: Record<string, unknown>;
  readonly $unset: Record<string, ''>;
}

async function settle(
  tasks: TaskCollection,
  lane: ClaimedLane,
  update: LaneUpdate,
  superseded: readonly number[] = [],
): Promise<Settled> {
  const { matchedCount } = await tasks.updateOne(leasedTo(lane), { ...update, ...dropping(superseded) });
  return matchedCount === 1 ? { applied: true, superseded } : stale;
}

async function readLeased(tasks: TaskCollection, lane: ClaimedLane): Promise<CallbackLane | null> {
  const found = await tasks.findOne<Pick<TaskRecord, 'callback'>>(leasedTo(lane), {
    projection: { 'callback.pending': 1 },
  });
  return found?.callback ?? null;
}

function leasedTo(lane: ClaimedLane) {
  return { _id: lane.taskId, 'callback.lease.token': lane.token };
}
