import type { TaskId } from '@juice/contracts';
import type { TaskCollection } from './collections.ts';
import { causeOf, waitsKey } from './lane-keys.ts';
import type { ListedLane } from './list-lanes.ts';
import { attempt } from './mongo-failure.ts';

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

export interface PuttingAside {
  /**
   * Takes lanes that are due, and that nobody has claimed, out of the way; one that was claimed or changed in between stays as it
   * is. One round trip. A new state makes its lane due again.
   */
  putAside(lanes: readonly { readonly lane: ListedLane; readonly aside: Aside }[]): Promise<void>;
}

export function createPuttingAside(tasks: TaskCollection): PuttingAside {
  return {
    putAside: (lanes) =>
      attempt('put lanes aside', async () => {
        const free = lanes.filter(({ lane }) => lane.state !== 'leased');
        const operations = free.map(({ lane, aside }) => ({ updateOne: puttingAside(lane, aside) }));
        if (operations.length > 0) await tasks.bulkWrite(operations, { ordered: false });
      }),
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
    $unset: { 'callback.group': '' as const, ...(dueAtMs === null && { 'callback.dueAt': '' as const }) },
  };
}
