import type { TaskId } from '@juice/contracts';
import { dropping } from './claim-lane.ts';
import { overtaken } from './claimed-lane.ts';
import type { TaskCollection } from './collections.ts';
import { replayMark, replayMarks } from './lane-keys.ts';
import { attempt } from './mongo-failure.ts';
import type { CallbackLane, TaskRecord } from './task-record.ts';

export interface ReplayedLane {
  readonly taskId: TaskId;
  /** Seqs dropped because a newer state had overtaken them; none when it was armed by an earlier call. */
  readonly superseded: readonly number[];
}

export interface Rearming {
  /** The replay's id: a lane that bears its mark is not armed by it again, dead or not. */
  readonly replayId: string;
  /** Whose tasks; null: anybody's. */
  readonly tenantId: string | null;
  /** Only lanes that died at this instant or before. */
  readonly diedByMs: number;
  readonly nowMs: number;
}

export interface ReplayingLanes {
  /**
   * Makes dead lanes due at once, with all their tries before them and without what was overtaken. The answer: those of them that
   * bear the replay's mark, armed now or by an earlier call. By compare-and-set on what was seen of each lane, so that the
   * same call made twice, or by two at once, arms no lane a second time.
   */
  rearm(taskIds: readonly TaskId[], rearming: Rearming): Promise<readonly ReplayedLane[]>;
  /** How many lanes armed by a replay are still to be delivered, and how many were. */
  countReplayed(replayId: string): Promise<ReplayedCount>;
}

export interface ReplayedCount {
  readonly waiting: number;
  readonly delivered: number;
}

export function createReplayingLanes(tasks: TaskCollection): ReplayingLanes {
  const count = (mark: string): Promise<number> => tasks.countDocuments({ 'callback.replay': mark });
  return {
    rearm: (taskIds, rearming) => attempt('re-arm lanes', () => rearm(tasks, taskIds, rearming)),
    countReplayed: (replayId) =>
      attempt('count replayed lanes', async () => {
        const [waiting, delivered] = await Promise.all([
          count(replayMark(replayId, 'waiting')),
          count(replayMark(replayId, 'delivered')),
        ]);
        return { waiting, delivered };
      }),
  };
}

async function rearm(
  tasks: TaskCollection,
  taskIds: readonly TaskId[],
  rearming: Rearming,
): Promise<readonly ReplayedLane[]> {
  const { replayId, tenantId, diedByMs } = rearming;
  const marks = replayMarks(replayId);
  const found = await tasks
    .find<Pick<TaskRecord, '_id' | 'callback'>>(
      {
        _id: { $in: [...taskIds] },
        ...(tenantId !== null && { tenantId }),
        'callback.state': 'dead',
        'callback.asideAt': { $lte: new Date(diedByMs) },
        'callback.replay': { $nin: marks },
      },
      { projection: { 'callback.asideAt': 1, 'callback.pending': 1 } },
    )
    .toArray();
  const superseded = new Map<TaskId, readonly number[]>();
  const operations = found.flatMap(({ _id, callback }) => {
    if (callback === undefined) return [];
    const seqs = overtaken(callback.pending);
    superseded.set(_id, seqs);
    return [{ updateOne: arming(_id, { seen: callback, superseded: seqs, rearming }) }];
  });
  if (operations.length > 0) await tasks.bulkWrite(operations, { ordered: false });
  const armed = await tasks
    .find<Pick<TaskRecord, '_id'>>(
      { _id: { $in: [...taskIds] }, 'callback.replay': { $in: marks } },
      { projection: { _id: 1 } },
    )
    .toArray();
  return armed.map(({ _id }) => ({ taskId: _id, superseded: superseded.get(_id) ?? [] }));
}

/** Guarded by the death that was seen: a lane that was taken up and has died again since is another matter. */
function arming(
  taskId: TaskId,
  how: { readonly seen: CallbackLane; readonly superseded: readonly number[]; readonly rearming: Rearming },
) {
  const { replayId, nowMs } = how.rearming;
  return {
    filter: { _id: taskId, 'callback.state': 'dead' as const, 'callback.asideAt': how.seen.asideAt as Date },
    update: {
      $set: {
        'callback.state': 'pending' as const,
        'callback.attempt': 0,
        'callback.dueAt': new Date(nowMs),
        'callback.revivedAt': new Date(nowMs),
        'callback.replay': replayMark(replayId, 'waiting'),
      },
      $unset: {
        'callback.aside': '' as const,
        'callback.asideAt': '' as const,
        'callback.group': '' as const,
        'callback.cause': '' as const,
        'callback.notBefore': '' as const,
        purgeAt: '' as const,
      },
      ...dropping(how.superseded),
    },
  };
}
