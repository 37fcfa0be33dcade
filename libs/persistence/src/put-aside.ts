import type { TaskId } from '@juice/contracts';
import { dropping } from './claim-lane.ts';
import { overtaken } from './claimed-lane.ts';
import type { TaskCollection } from './collections.ts';
import { causeOf, waitsKey } from './lane-keys.ts';
import type { ListedLane } from './list-lanes.ts';
import { attempt } from './mongo-failure.ts';
import type { CallbackLane, TaskRecord } from './task-record.ts';

/** How a lane is put aside until its endpoint can take it. */
export interface Aside {
  /** `held`: the endpoint takes nothing for now. `pending`: it has as many in hand as it may. */
  readonly state: 'held' | 'pending';
  /** A word of a small set. */
  readonly reason: string;
  readonly atMs: number;
  /** When the lane is looked at again whatever becomes of its endpoint; null: never by itself. */
  readonly dueAtMs: number | null;
}

export interface Revived {
  readonly taskId: TaskId;
  /** Seqs dropped because a newer state had overtaken them. */
  readonly superseded: readonly number[];
}

export interface PuttingAside {
  /**
   * Takes lanes that are due, and that nobody has claimed, out of the way; one that was claimed or changed in between stays as it
   * is. One round trip. A new state makes its lane due again.
   */
  putAside(lanes: readonly { readonly lane: ListedLane; readonly aside: Aside }[]): Promise<void>;
  /**
   * Makes held and dead lanes due at once, with all their tries before them and without what was overtaken; those that are
   * neither are left out of the answer. Held lanes whose endpoint still takes nothing are put aside again.
   */
  revive(taskIds: readonly TaskId[], nowMs: number): Promise<readonly Revived[]>;
}

export function createPuttingAside(tasks: TaskCollection): PuttingAside {
  return {
    putAside: (lanes) =>
      attempt('put lanes aside', async () => {
        const free = lanes.filter(({ lane }) => lane.state !== 'leased');
        const operations = free.map(({ lane, aside }) => ({ updateOne: puttingAside(lane, aside) }));
        if (operations.length > 0) await tasks.bulkWrite(operations, { ordered: false });
      }),
    revive: (taskIds, nowMs) => attempt('revive lanes', () => revive(tasks, taskIds, nowMs)),
  };
}

function puttingAside(lane: ListedLane, aside: Aside) {
  const update = asideUpdate(lane, aside);
  return {
    filter: {
      _id: lane.taskId,
      'callback.state': lane.state,
      'callback.dueAt': { $lte: new Date(aside.atMs) },
    },
    // A dead lane that has a new state begins again when its time comes.
    update: lane.state === 'dead' ? { ...update, $set: { ...update.$set, 'callback.attempt': 0 } } : update,
  };
}

/** What is written of a lane that is put aside. */
export function asideUpdate(lane: { readonly taskId: TaskId; readonly endpoint: string }, aside: Aside) {
  const { state, reason, atMs, dueAtMs } = aside;
  return {
    $set: {
      'callback.state': state,
      'callback.aside': waitsKey(lane.endpoint, lane.taskId),
      'callback.asideAt': new Date(atMs),
      // One that only waits for its turn keeps the cause of its last failure.
      ...(state === 'held' && { 'callback.cause': causeOf(lane.endpoint, reason) }),
      ...(dueAtMs !== null && { 'callback.dueAt': new Date(dueAtMs) }),
    },
    ...(dueAtMs === null && { $unset: { 'callback.dueAt': '' as const } }),
  };
}

const revivable: readonly CallbackLane['state'][] = ['held', 'dead'];

async function revive(tasks: TaskCollection, taskIds: readonly TaskId[], nowMs: number): Promise<readonly Revived[]> {
  const found = await readRevivable(tasks, taskIds);
  if (found.length === 0) return [];
  const revived = found.map((lane) => ({ ...lane, superseded: overtaken(lane.pending) }));
  const { matchedCount } = await tasks.bulkWrite(
    revived.map(({ taskId, state, superseded }) => ({
      updateOne: {
        filter: { _id: taskId, 'callback.state': state },
        update: {
          $set: {
            'callback.state': 'pending' as const,
            'callback.attempt': 0,
            'callback.dueAt': new Date(nowMs),
            'callback.revivedAt': new Date(nowMs),
          },
          $unset: {
            'callback.aside': '' as const,
            'callback.asideAt': '' as const,
            'callback.cause': '' as const,
            'callback.notBefore': '' as const,
            purgeAt: '' as const,
          },
          ...dropping(superseded),
        },
      },
    })),
    { ordered: false },
  );
  // A count says how many: the others were taken up by a worker at this moment, or by whoever revives them too.
  const left = matchedCount === found.length ? [] : await readRevivable(tasks, taskIds);
  const missed = new Set(left.map(({ taskId }) => taskId));
  return revived.filter(({ taskId }) => !missed.has(taskId)).map(({ taskId, superseded }) => ({ taskId, superseded }));
}

async function readRevivable(tasks: TaskCollection, taskIds: readonly TaskId[]) {
  const found = await tasks
    .find<Pick<TaskRecord, '_id' | 'callback'>>(
      { _id: { $in: [...taskIds] }, 'callback.state': { $in: [...revivable] } },
      { projection: { 'callback.state': 1, 'callback.pending': 1 } },
    )
    .toArray();
  return found.flatMap(({ _id, callback }) =>
    callback === undefined ? [] : [{ taskId: _id, state: callback.state, pending: callback.pending }],
  );
}
