import type { TaskId } from '@juice/contracts';
import { freeAtMs } from './claim-lane.ts';
import { waitingSinceMs } from './claimed-lane.ts';
import type { TaskCollection } from './collections.ts';
import { endpointOf, endpointOfKey, keysBelow, pastKeysBelow } from './lane-keys.ts';
import { attempt } from './mongo-failure.ts';
import type { CallbackLane, TaskRecord } from './task-record.ts';

/** What is seen of a lane that nobody has claimed yet: enough to decide whether and when it should be. */
export interface ListedLane {
  readonly taskId: TaskId;
  readonly tenantId: string;
  /** `<tenant> <origin>` */
  readonly endpoint: string;
  readonly state: CallbackLane['state'];
  /** When its backoff, or the lease on it, ends. */
  readonly freeAtMs: number;
  /** Since when its oldest pending state waits: since it came to be, or since the lane was revived. */
  readonly sinceMs: number;
}

export interface LaneLists {
  /** Lanes to look at, the longest due first: leases that have ended are among them. */
  dueLanes(nowMs: number, limit: number): Promise<readonly ListedLane[]>;
  /** Those of these tasks' lanes that have something pending. */
  lookUpLanes(taskIds: readonly TaskId[]): Promise<readonly ListedLane[]>;
  /** When the next lane is due (it may be past); null when none is. */
  nextDueAt(): Promise<number | null>;
  /** Lanes that wait for an endpoint, in the order of their tasks, and where to go on (null: these are the last). */
  lanesAside(endpoint: string, after: string | null, limit: number): Promise<LanesAside>;
  /** The endpoint that lanes wait for which comes after this one (null: the first); null when there is no further. */
  nextEndpointAside(after: string | null): Promise<string | null>;
}

export interface LanesAside {
  readonly taskIds: readonly TaskId[];
  readonly next: string | null;
}

const listedProjection = {
  tenantId: 1,
  'callback.url': 1,
  'callback.state': 1,
  'callback.notBefore': 1,
  'callback.lease.until': 1,
  'callback.pending.at': 1,
  'callback.revivedAt': 1,
} as const;

type Listed = Pick<TaskRecord, '_id' | 'tenantId' | 'callback'>;

export function createLaneLists(tasks: TaskCollection): LaneLists {
  return {
    dueLanes: (nowMs, limit) =>
      attempt('find due lanes', async () => {
        const due = tasks.find<Listed>(
          { 'callback.dueAt': { $lte: new Date(nowMs) } },
          { projection: listedProjection, sort: { 'callback.dueAt': 1 }, limit, batchSize: limit },
        );
        return (await due.toArray()).flatMap(asListed);
      }),
    lookUpLanes: (taskIds) =>
      attempt('look up lanes', async () => {
        const found = tasks.find<Listed>({ _id: { $in: [...taskIds] } }, { projection: listedProjection });
        return (await found.toArray()).flatMap(asListed);
      }),
    nextDueAt: () =>
      attempt('find next due lane', async () => {
        const next = await tasks.findOne<Pick<TaskRecord, 'callback'>>(
          { 'callback.dueAt': { $gt: new Date(0) } },
          { projection: { 'callback.dueAt': 1 }, sort: { 'callback.dueAt': 1 } },
        );
        return next?.callback?.dueAt?.getTime() ?? null;
      }),
    lanesAside: (endpoint, after, limit) =>
      attempt('find lanes aside', async () => {
        const range = keysBelow(`waits ${endpoint}`);
        const found = await tasks
          .find<Pick<TaskRecord, '_id' | 'callback'>>(
            { 'callback.aside': after === null ? range : { $gt: after, $lt: range.$lt } },
            { projection: { 'callback.aside': 1 }, sort: { 'callback.aside': 1 }, limit },
          )
          .toArray();
        const last = found.length < limit ? null : (found.at(-1)?.callback?.aside ?? null);
        return { taskIds: found.map(({ _id }) => _id), next: last };
      }),
    nextEndpointAside: (after) =>
      attempt('find endpoints with lanes aside', async () => {
        const range = keysBelow('waits');
        const $gte = after === null ? range.$gte : pastKeysBelow(`waits ${after}`);
        const next = await tasks.findOne<Pick<TaskRecord, 'callback'>>(
          { 'callback.aside': { $gte, $lt: range.$lt } },
          { projection: { 'callback.aside': 1 }, sort: { 'callback.aside': 1 } },
        );
        const key = next?.callback?.aside;
        return key === undefined ? null : endpointOfKey(key);
      }),
  };
}

function asListed({ _id, tenantId, callback }: Listed): ListedLane[] {
  const oldest = callback?.pending[0];
  if (callback === undefined || oldest === undefined) return [];
  return [
    {
      taskId: _id,
      tenantId,
      endpoint: endpointOf(tenantId, callback.url),
      state: callback.state,
      freeAtMs: freeAtMs(callback),
      sinceMs: waitingSinceMs(oldest, callback),
    },
  ];
}
