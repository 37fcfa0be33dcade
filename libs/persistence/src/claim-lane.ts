import type { TaskId } from '@juice/contracts';
import { asClaimedLane, laneProjection, overtaken, type ClaimedLane, type StoredLane } from './claimed-lane.ts';
import type { TaskCollection } from './collections.ts';
import { gather } from './gather.ts';
import type { CallbackLane, TaskRecord } from './task-record.ts';

export interface Claim {
  readonly nowMs: number;
  /** Never used before, by any worker. */
  readonly token: string;
  readonly leaseMs: number;
}

interface Asked extends Claim {
  readonly taskId: TaskId;
}

/** How many lanes are claimed or settled in one round trip: bounds a worker's concurrency, not its throughput. */
export const lanesAtOnce = 200;

/**
 * Leases lanes: those asked for at once share a bulk write and a read of what it leased. A lane that was held or dead starts
 * afresh (its tries forgotten, what was overtaken dropped), which has to be worked out from what is pending and is done alone.
 */
export function createClaiming(tasks: TaskCollection): (asked: Asked) => Promise<ClaimedLane | null> {
  return gather<Asked, ClaimedLane | null>(lanesAtOnce, async (asked) => {
    const leased = await leaseAll(tasks, asked);
    return (claim) => {
      const lane = leased.get(claim.token);
      return lane === undefined ? claimAfresh(tasks, claim) : asClaimedLane(lane);
    };
  });
}

/** The lanes that could be leased, by token. */
async function leaseAll(tasks: TaskCollection, asked: readonly Asked[]): Promise<ReadonlyMap<string, StoredLane>> {
  const operations = asked.map((claim) => ({
    updateOne: {
      filter: { ...claimable(claim), 'callback.state': { $in: ['idle', 'pending', 'leased'] } },
      update: { $set: leaseFields(claim) },
    },
  }));
  const { matchedCount } = await tasks.bulkWrite(operations, { ordered: false });
  if (matchedCount === 0) return new Map();
  const leased = await tasks
    .find<StoredLane>(
      {
        _id: { $in: asked.map(({ taskId }) => taskId) },
        'callback.lease.token': { $in: asked.map(({ token }) => token) },
      },
      { projection: laneProjection },
    )
    .toArray();
  return new Map(leased.map((lane) => [lane.callback?.lease?.token ?? '', lane]));
}

/**
 * A lane that stands in the list of due lanes, but backs off or is leased (the scheduler lowered dueAt), moves to where it
 * can be claimed. Guarded by all that was seen: a lane that anybody touched in between is left as it is.
 */
export async function correctDueAt(tasks: TaskCollection, taskId: TaskId, nowMs: number): Promise<void> {
  const lane = await readLane(tasks, taskId);
  if (lane?.dueAt === undefined) return;
  const { dueAt } = lane;
  const free = Math.max(lane.notBefore?.getTime() ?? 0, lane.lease?.until.getTime() ?? 0);
  if (dueAt.getTime() > nowMs || free <= nowMs) return;
  await tasks.updateOne(
    {
      _id: taskId,
      'callback.dueAt': dueAt,
      'callback.notBefore': lane.notBefore ?? { $exists: false },
      'callback.lease.until': lane.lease?.until ?? { $exists: false },
    },
    { $set: { 'callback.dueAt': new Date(free) } },
  );
}

async function claimAfresh(tasks: TaskCollection, claim: Asked): Promise<ClaimedLane | null> {
  const lane = await readLane(tasks, claim.taskId);
  if (lane === null || (lane.state !== 'held' && lane.state !== 'dead')) return null;
  const dropped = overtaken(lane.pending);
  const leased = await tasks.findOneAndUpdate(
    { ...claimable(claim), 'callback.state': lane.state },
    {
      $set: { ...leaseFields(claim), 'callback.attempt': 0 },
      $unset: { 'callback.cause': '', 'callback.notBefore': '' },
      ...dropping(dropped),
    },
    { projection: laneProjection, returnDocument: 'after' },
  );
  return leased === null ? null : asClaimedLane(leased, dropped);
}

/** The operators that take overtaken states out of a lane. More may have been appended since they were determined. */
export function dropping(seqs: readonly number[]) {
  if (seqs.length === 0) return {};
  return {
    $pull: { 'callback.pending': { seq: { $in: [...seqs] } } },
    $inc: { 'callback.superseded': seqs.length },
  };
}

function claimable({ taskId, nowMs }: Asked) {
  const now = new Date(nowMs);
  return {
    _id: taskId,
    'callback.dueAt': { $lte: now },
    'callback.lease.until': { $not: { $gt: now } },
    'callback.notBefore': { $not: { $gt: now } },
  };
}

function leaseFields({ nowMs, token, leaseMs }: Claim) {
  const until = new Date(nowMs + leaseMs);
  return { 'callback.state': 'leased', 'callback.lease': { token, until }, 'callback.dueAt': until };
}

async function readLane(tasks: TaskCollection, taskId: TaskId): Promise<CallbackLane | null> {
  const found = await tasks.findOne<Pick<TaskRecord, 'callback'>>({ _id: taskId }, { projection: { callback: 1 } });
  return found?.callback ?? null;
}
