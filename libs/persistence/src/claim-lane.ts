import type { TaskId } from '@juice/contracts';
import {
  asClaimedLane,
  laneProjection,
  overtaken,
  type Abandoned,
  type ClaimedLane,
  type StoredLane,
} from './claimed-lane.ts';
import type { TaskCollection } from './collections.ts';
import { gather } from './gather.ts';
import { evenIfUnanswered } from './mongo-failure.ts';
import type { CallbackLane, TaskRecord } from './task-record.ts';

export interface Claim {
  readonly nowMs: number;
  /** Never used before, by any worker. */
  readonly token: string;
  readonly leaseMs: number;
  /** The worker, for people who ask who is at it. */
  readonly by: string;
  /** Also takes a lane that waits for its endpoint: who asks knows that the endpoint can be tried. */
  readonly evenAside?: boolean;
}

interface Asked extends Claim {
  readonly taskId: TaskId;
}

/** How many lanes are claimed or settled in one round trip: bounds a worker's concurrency, not its throughput. */
export const lanesAtOnce = 200;

/** Seqs of superseded states that are kept in the document: more than a task has, unless it flaps for days. */
const keptSuperseded = 50;

/**
 * Leases lanes: those asked for at once share an update and a read of what it leased. What could not be leased is looked at
 * together as well, in a second round: a lane that was held or dead is taken without what was overtaken, one whose worker
 * has let its lease end is taken over, and one that stands among the due lanes too early is moved to where it belongs.
 */
export function createClaiming(tasks: TaskCollection): (asked: Asked) => Promise<ClaimedLane | null> {
  return gather<Asked, ClaimedLane | null>(lanesAtOnce, async (asked) => {
    const leased = await leaseWaiting(tasks, asked);
    const missed = asked.filter((each) => !leased.has(each));
    const others = missed.length === 0 ? leased : await leaseOthers(tasks, missed);
    return (each) => leased.get(each) ?? others.get(each) ?? null;
  });
}

/** To each that asked for one and was given it. */
type Given = ReadonlyMap<Asked, ClaimedLane>;

async function leaseWaiting(tasks: TaskCollection, asked: readonly Asked[]): Promise<Given> {
  const groups = alike(asked, wayOf).map((group) => ({ group, claim: inCommon(group) }));
  const operations = groups.map(({ group, claim }) => ({
    updateMany: {
      filter: {
        _id: { $in: group.map(({ taskId }) => taskId) },
        'callback.state': { $in: ['idle', 'pending'] as CallbackLane['state'][] },
        'callback.notBefore': { $not: { $gt: new Date(claim.nowMs) } },
        ...dueOrAside(claim),
      },
      update: leasing(claim),
    },
  }));
  // Repeated, it passes over what it has leased; the token is read back.
  await evenIfUnanswered(() => tasks.bulkWrite(operations, { ordered: false }));
  const tokens = groups.map(({ claim }) => claim.token);
  const lanes = await readLeased(tasks, asked, tokens);
  const given = new Map<Asked, ClaimedLane>();
  for (const { group, claim } of groups)
    for (const each of group) {
      const lane = lanes.get(each.taskId);
      if (lane?.token !== claim.token) continue;
      given.set(each, lane);
      // Asked for twice, it is the first one's.
      lanes.delete(each.taskId);
    }
  return given;
}

/** What one update can do for all of a group: those of which `keyOf` says the same. */
export function alike<Item>(items: readonly Item[], keyOf: (item: Item) => string): readonly Group<Item>[] {
  const groups = new Map<string, [Item, ...Item[]]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return [...groups.values()];
}

export type Group<Item> = readonly [Item, ...Item[]];

/** Of one worker, for as long, in the same way. */
function wayOf({ evenAside = false, leaseMs, by }: Asked): string {
  return `${evenAside} ${leaseMs} ${by}`;
}

/** No two leases of one lane bear the same token, and that is all it is compared for: alike ones may share it. */
function inCommon(group: Group<Asked>): Claim {
  return { ...group[0], nowMs: Math.max(...group.map(({ nowMs }) => nowMs)) };
}

function dueOrAside({ nowMs, evenAside = false }: Claim) {
  const isDue = { 'callback.dueAt': { $lte: new Date(nowMs) } };
  return evenAside ? { $or: [isDue, { 'callback.aside': { $exists: true } }] } : isDue;
}

function leasing({ nowMs, token, leaseMs, by }: Claim) {
  const until = new Date(nowMs + leaseMs);
  return {
    $set: {
      'callback.state': 'leased' as const,
      'callback.lease': { token, until, since: new Date(nowMs), by },
      'callback.dueAt': until,
    },
    $unset: { 'callback.aside': '' as const, 'callback.asideAt': '' as const, 'callback.group': '' as const },
  };
}

/** Those of the lanes that are leased under these tokens. */
async function readLeased(
  tasks: TaskCollection,
  asked: readonly Asked[],
  tokens: readonly string[],
  howTaken: ReadonlyMap<string, HowTaken> = new Map(),
): Promise<Map<TaskId, ClaimedLane>> {
  const leased = await tasks
    .find<StoredLane>(
      { _id: { $in: asked.map(({ taskId }) => taskId) }, 'callback.lease.token': { $in: [...tokens] } },
      { projection: laneProjection },
    )
    .toArray();
  const lanes = new Map<TaskId, ClaimedLane>();
  for (const stored of leased) {
    const lane = asClaimedLane(stored, howTaken.get(stored.callback?.lease?.token ?? ''));
    if (lane !== null) lanes.set(lane.taskId, lane);
  }
  return lanes;
}

interface HowTaken {
  readonly superseded: readonly number[];
  readonly abandoned: Abandoned | null;
}

type Operation = Parameters<TaskCollection['bulkWrite']>[0][number];

async function leaseOthers(tasks: TaskCollection, asked: readonly Asked[]): Promise<Given> {
  const found = await tasks
    .find<Pick<TaskRecord, '_id' | 'callback'>>(
      { _id: { $in: asked.map(({ taskId }) => taskId) } },
      { projection: { callback: 1 } },
    )
    .toArray();
  const lanes = new Map(found.map(({ _id, callback }) => [_id, callback]));
  const operations: Operation[] = [];
  const howTaken = new Map<string, HowTaken>();
  for (const claim of asked) {
    const lane = lanes.get(claim.taskId);
    if (lane === undefined) continue;
    if (freeAtMs(lane) > claim.nowMs) operations.push(...correction(claim, lane));
    else if (isToBeTaken(claim, lane)) {
      const how = howToTake(lane);
      operations.push({ updateOne: taking(claim, lane, how) });
      howTaken.set(claim.token, how);
    }
  }
  if (operations.length > 0) await tasks.bulkWrite(operations, { ordered: false });
  const given = new Map<Asked, ClaimedLane>();
  if (howTaken.size === 0) return given;
  const taken = await readLeased(tasks, asked, [...howTaken.keys()], howTaken);
  for (const each of asked) {
    const lane = taken.get(each.taskId);
    if (lane?.token === each.token) given.set(each, lane);
  }
  return given;
}

/** When the lane's backoff, or the lease on it, ends. */
export function freeAtMs({ notBefore, lease }: Pick<CallbackLane, 'notBefore' | 'lease'>): number {
  return Math.max(notBefore?.getTime() ?? 0, lease?.until.getTime() ?? 0);
}

function isToBeTaken({ nowMs, evenAside = false }: Claim, lane: CallbackLane): boolean {
  const isDue = (lane.dueAt?.getTime() ?? Infinity) <= nowMs;
  if (lane.state === 'held') return isDue || (evenAside && lane.aside !== undefined);
  return isDue && (lane.state === 'dead' || lane.state === 'leased');
}

function howToTake({ state, pending, lease }: CallbackLane): HowTaken {
  return {
    superseded: state === 'leased' ? [] : overtaken(pending),
    abandoned: lease === undefined ? null : { by: lease.by ?? '', sinceMs: lease.since?.getTime() ?? 0 },
  };
}

/** Guarded by what was seen of the lane: whoever takes it changes its state or its token. */
function taking(claim: Asked, { state, pending, attempt, lease }: CallbackLane, { superseded }: HowTaken) {
  const { $set, $unset } = leasing(claim);
  const seen = lease === undefined ? { 'callback.state': state } : { 'callback.lease.token': lease.token };
  // Tries are those of the oldest state. Of a dead lane they are used up: it begins again.
  const isAfresh = state === 'dead' || superseded.includes(pending[0]?.seq ?? 0);
  return {
    filter: { _id: claim.taskId, ...seen, ...dueOrAside(claim) },
    update: {
      $set: { ...$set, 'callback.attempt': isAfresh ? 0 : attempt },
      $unset:
        state === 'leased' ? $unset : { ...$unset, 'callback.cause': '' as const, 'callback.notBefore': '' as const },
      ...dropping(superseded),
    },
  };
}

/**
 * A lane that stands among the due ones, but backs off or is leased (the scheduler lowered dueAt), moves to where it can be
 * claimed. Guarded by all that was seen: a lane that anybody touched in between is left as it is.
 */
function correction({ taskId, nowMs }: Asked, lane: CallbackLane): Operation[] {
  const { dueAt } = lane;
  if (dueAt === undefined || dueAt.getTime() > nowMs) return [];
  const filter = {
    _id: taskId,
    'callback.dueAt': dueAt,
    'callback.notBefore': lane.notBefore ?? { $exists: false },
    'callback.lease.until': lane.lease?.until ?? { $exists: false },
  };
  return [{ updateOne: { filter, update: { $set: { 'callback.dueAt': new Date(freeAtMs(lane)) } } } }];
}

/** The operators that take overtaken states out of a lane. More may have been appended since they were determined. */
export function dropping(seqs: readonly number[]) {
  if (seqs.length === 0) return {};
  return {
    $pull: { 'callback.pending': { seq: { $in: [...seqs] } } },
    $inc: { 'callback.superseded': seqs.length },
    $push: { 'callback.supersededSeqs': { $each: [...seqs], $slice: -keptSuperseded } },
  };
}
