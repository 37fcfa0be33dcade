import { IndexedHeap, type Rank } from '../indexed-heap.ts';
import type { State } from '../state.ts';
import type { Task } from '../task.ts';
import { contenderSlot, countLaunch, limitBrokenBy, mayLaunch, type Tenant } from '../tenant.ts';
import { enterAgent } from '../usage.ts';
import { couldHold } from './agent-book.ts';
import { shareOf } from './fair-share.ts';
import { hasRoom, placeIn, type Room } from './room.ts';
import { placesFor } from './places.ts';
import { roomsOf, type Rooms } from './rooms.ts';
import { Sight } from './sight.ts';
import type { Bucket } from './tenant-queue.ts';

/** What came of a cycle. */
export interface Match {
  /** The rooms that tasks were placed in. */
  readonly rooms: readonly Room[];
  /** Whether something is left undone that needs no new offer: pace, or the cycle's length. */
  readonly isCut: boolean;
}

/**
 * One cycle: what waits is placed in what is offered, task by task, each time for the tenant that has the least: the
 * smallest dominant share of the cluster by its weight, what it got in this cycle counted. Of that tenant it is the next
 * task by priority, then age; of a shape that fits nowhere, or breaks a limit, the tenant's next shape is tried, so that one
 * task that fits nowhere holds nobody up. Nothing that fits is left out but for the pace, for reservations and for agents
 * that are shut.
 *
 * Placed tasks have left their queues and are counted as used.
 */
export function matchCycle(state: State, atMs: number, most: number): Match {
  const rooms = roomsOf(state, atMs);
  if (rooms.open.length + rooms.reserved.size === 0) {
    noteFullCluster(state, atMs);
    return { rooms: [], isCut: false };
  }
  const cycle: Cycle = {
    state,
    atMs,
    rooms,
    sight: new Sight(rooms.open, state.policy.strategy),
    contenders: new IndexedHeap<Tenant>(leastFirst, contenderSlot),
    putOff: [],
    used: new Set(),
  };
  const tenants = [...state.tenants.all()].filter(({ queue }) => queue.size > 0);
  for (const tenant of tenants) {
    rank(state, tenant);
    cycle.contenders.push(tenant);
  }
  const isCut = run(cycle, most);
  for (const tenant of tenants) {
    if (tenant.contenderAt >= 0) cycle.contenders.remove(tenant);
    tenant.queue.reopen();
  }
  for (const task of cycle.putOff) task.tenant.queue.add(task);
  return { rooms: [...cycle.used], isCut: isCut || cycle.putOff.length > 0 };
}

/** Nothing is offered at all: each tenant's next task finds no room, from now on if not since before. */
function noteFullCluster(state: State, atMs: number): void {
  for (const tenant of state.tenants.all()) {
    const bucket = tenant.queue.peek();
    if (bucket?.blockedBy !== null || limitBrokenBy(tenant, bucket.shape.needs) !== null) continue;
    bucket.blockedBy = 'room';
    bucket.blockedSinceMs = atMs;
  }
}

interface Cycle {
  readonly state: State;
  readonly atMs: number;
  readonly rooms: Rooms;
  readonly sight: Sight;
  readonly contenders: IndexedHeap<Tenant>;
  /** Tasks that would rather wait for another host. */
  readonly putOff: Task[];
  readonly used: Set<Room>;
}

/** Whether it was cut short. */
function run(cycle: Cycle, most: number): boolean {
  const { contenders, atMs } = cycle;
  const { missesPerCycle } = cycle.state.policy;
  let placed = 0;
  let misses = 0;
  let isCut = false;
  for (;;) {
    const tenant = contenders.peek();
    if (tenant === undefined) return isCut;
    if (placed >= most || misses >= missesPerCycle) return true;
    const bucket = tenant.queue.peek();
    if (bucket === undefined) {
      contenders.pop();
    } else if (!mayLaunch(tenant, atMs)) {
      closeAll(tenant, atMs);
      isCut = true;
    } else {
      if (tryFirst(cycle, bucket)) placed += 1;
      else misses += 1;
      rank(cycle.state, tenant);
      contenders.update(tenant);
    }
  }
}

/** What it got counts at once, and so does which task is its next. */
function rank(state: State, tenant: Tenant): void {
  tenant.share = shareOf(state, tenant);
  tenant.nextSubmittedMs = tenant.queue.peek()?.tasks.peek()?.submittedAtMs ?? Infinity;
}

/** Places the first task of a bucket, or closes the bucket, or puts the task off. */
function tryFirst(cycle: Cycle, bucket: Bucket): boolean {
  const { state, atMs } = cycle;
  const task = bucket.tasks.peek() as Task;
  const { tenant } = task;
  bucket.triedMs = atMs;
  if (limitBrokenBy(tenant, bucket.shape.needs) !== null) return close(tenant, bucket, 'limit', atMs);
  const room = chooseRoom(cycle, task);
  if (room === null) return close(tenant, bucket, bucket.shape.group === null ? 'room' : 'group', atMs);
  tenant.queue.remove(task);
  if (room === 'wait') {
    cycle.putOff.push(task);
    return false;
  }
  bucket.blockedSinceMs = 0;
  bucket.blockedBy = null;
  task.waits = 'nowhere';
  placeIn(room, task);
  enterAgent(state, task, room.agent);
  countLaunch(tenant);
  cycle.used.add(room);
  return true;
}

function close(tenant: Tenant, bucket: Bucket, why: NonNullable<Bucket['blockedBy']>, atMs: number): false {
  if (bucket.blockedBy !== why) bucket.blockedSinceMs = atMs;
  bucket.blockedBy = why;
  tenant.queue.close(bucket);
  return false;
}

/** The tenant's pace is used up. */
function closeAll(tenant: Tenant, atMs: number): void {
  for (let bucket = tenant.queue.peek(); bucket !== undefined; bucket = tenant.queue.peek())
    close(tenant, bucket, 'pace', atMs);
}

function chooseRoom(cycle: Cycle, task: Task): Room | 'wait' | null {
  const { state, atMs, sight, rooms } = cycle;
  const { shape } = task;
  const reserved = rooms.reserved.get(task.taskId)?.find((room) => hasRoom(room, shape));
  if (reserved !== undefined) return reserved;
  const { group } = shape;
  const isGroupPlace = (room: Room): boolean =>
    group === null || state.groups.allows(group, room.agent, () => placesFor(state, shape));
  if (task.avoidHost !== null) {
    const { avoidHost } = task;
    const other = sight.find(shape, (room) => room.agent.hostname !== avoidHost && isGroupPlace(room));
    if (other !== null) return other;
    const waitsUntilMs = task.notBeforeMs + state.policy.avoidHostMs;
    if (atMs < waitsUntilMs && couldRunElsewhere(state, task, avoidHost)) return 'wait';
  }
  return group === null ? sight.next(shape) : sight.find(shape, isGroupPlace);
}

/** Whether another host is known that could hold the task, by what it had at its best. */
function couldRunElsewhere(state: State, { shape }: Task, avoidHost: string): boolean {
  for (const agent of state.agents.all()) {
    if (agent.hostname === avoidHost || !couldHold(agent, shape.needs)) continue;
    if (shape.constraints.every((constraint) => constraint.allows(agent))) return true;
  }
  return false;
}

/** Of equals the one whose next task is older. */
const leastFirst: Rank<Tenant> = {
  key: ({ share }) => share,
  isFirst(a, b) {
    if (a.nextSubmittedMs !== b.nextSubmittedMs) return a.nextSubmittedMs < b.nextSubmittedMs;
    const [first, second] = [a.queue.peek()?.tasks.peek(), b.queue.peek()?.tasks.peek()];
    return first !== undefined && second !== undefined && first.taskId < second.taskId;
  },
};
