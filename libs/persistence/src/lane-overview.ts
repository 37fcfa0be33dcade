import type { TaskCollection } from './collections.ts';
import { attempt } from './mongo-failure.ts';
import type { CallbackLane } from './task-record.ts';

/** Of all lanes with something to deliver. */
export interface LaneOverview {
  readonly lanes: Readonly<Record<'pending' | 'held' | 'dead', number>>;
  /** When the oldest state not delivered came to be, of the tenants with the oldest ones, the oldest first. */
  readonly oldest: readonly { readonly tenantId: string; readonly atMs: number }[];
}

export interface LaneOverviews {
  /** Reads every lane with something to deliver: for metrics, now and then. Dead lanes are counted, and have no age. */
  overviewLanes(tenants: number): Promise<LaneOverview>;
}

interface Group {
  readonly _id: { readonly tenantId: string; readonly state: CallbackLane['state'] };
  readonly count: number;
  readonly oldest: Date;
}

const tellEach = {
  $group: {
    _id: { tenantId: '$tenantId', state: '$callback.state' },
    count: { $sum: 1 },
    oldest: { $min: { $arrayElemAt: ['$callback.pending.at', 0] } },
  },
} as const;

export function createLaneOverviews(tasks: TaskCollection): LaneOverviews {
  const groupsOf = (match: Record<string, unknown>): Promise<Group[]> =>
    tasks.aggregate<Group>([{ $match: match }, tellEach]).toArray();
  return {
    overviewLanes: (tenants) =>
      attempt('count lanes', async () => {
        // By the two sparse indexes: the lanes that are due some time, and those that are not.
        const due = await groupsOf({ 'callback.dueAt': { $gt: new Date(0) } });
        const aside = await groupsOf({ 'callback.aside': { $gt: '' }, 'callback.dueAt': { $exists: false } });
        return summarise([...due, ...aside], tenants);
      }),
  };
}

function summarise(groups: readonly Group[], tenants: number): LaneOverview {
  const lanes = { pending: 0, held: 0, dead: 0 };
  const oldest = new Map<string, number>();
  for (const { _id, count, oldest: at } of groups) {
    const { tenantId, state } = _id;
    lanes[state === 'held' || state === 'dead' ? state : 'pending'] += count;
    if (state !== 'dead') oldest.set(tenantId, Math.min(oldest.get(tenantId) ?? Infinity, at.getTime()));
  }
  const sorted = [...oldest].toSorted(([, a], [, b]) => a - b).slice(0, tenants);
  return { lanes, oldest: sorted.map(([tenantId, atMs]) => ({ tenantId, atMs })) };
}
