import { DependencyFailure, type TaskId } from '@juice/contracts';
import type { Log } from '@juice/observability';
import type { ClaimedLane, DeliveryStore } from '@juice/persistence';
import { createAlarm } from './alarm.ts';
import { createFairQueue } from './fair-queue.ts';

/**
 * Decides which lanes this process works on, and when. Lanes are found in two ways: a status event names one (`wake`),
 * and a sweep over due times and expired leases finds all that are due, so that a lost event costs latency and nothing
 * else. Both only put task ids into a queue; a lane is claimed when there is room to work on it at once, never earlier,
 * because its lease is running from then on. What finds no room is not lost: it is due, in MongoDB, for anybody.
 *
 * Room is bounded for the process and for each endpoint (a tenant's origin), and endpoints take turns, so that one that
 * lets every request hang holds its few places and no more. A lane found for the first time names its endpoint only
 * when it is claimed: if that one is full, the lane is given back uncharged and waits among its own.
 *
 * While MongoDB fails nothing is claimed; the sweep tries again, waiting longer each time.
 */
export interface Intake {
  /** A hint that this lane may be due. */
  wake(taskId: TaskId, tenantId: string): void;
  readonly underWay: number;
  readonly waiting: number;
  /** By how much the longest due lane was late when last looked. */
  readonly overdueMs: number;
  /** Whether the last thing asked of MongoDB worked. */
  readonly isStoreUp: boolean;
  /** Claims nothing more; resolves when what is under way has ended. */
  close(): Promise<void>;
}

/** The part of the delivery store that finds and leases. */
export type LaneStore = Pick<DeliveryStore, 'dueLanes' | 'nextDueAt' | 'claim' | 'postpone' | 'release'>;

export interface IntakeDeps {
  readonly store: LaneStore;
  readonly deliver: (lane: ClaimedLane) => Promise<void>;
  readonly limits: IntakeLimits;
  readonly now: () => number;
  readonly newToken: () => string;
  readonly random: () => number;
  readonly log: Log;
  /** MongoDB answers; called after every sweep. */
  readonly onSwept: () => void;
  /** MongoDB has failed. */
  readonly onStoreDown: () => void;
  /** A bug: the process must end. */
  readonly onBroken: (error: unknown) => void;
}

export interface IntakeLimits {
  /** Lanes worked on at a time, in all and per endpoint. */
  readonly concurrency: number;
  readonly perEndpoint: number;
  readonly leaseMs: number;
  /** The sweep looks at least this often, whatever the next due time is. */
  readonly longestSleepMs: number;
}

/** Ids known to wait. Beyond this the sweep finds them later; 20,000 are a few megabytes. */
const mostWaiting = 20_000;
/** As many of one endpoint; what is more is put off, out of the way of the sweep, which finds the longest due first. */
const mostWaitingInGroup = 1_000;
const crowdedOutMs = 60_000;
/** Between two sweeps at least: due times a few milliseconds apart are found together. */
const shortestSleepMs = 10;
/**
 * While lanes wait for room the next due time says nothing (it is theirs): this is how late another may be found then.
 * A millisecond more for each that waits, since a sweep reads them all again.
 */
const crowdedSleepMs = 250;
/** After a failure of MongoDB: the first pause, doubled up to `longestSleepMs`. */
const failedSleepMs = 250;

const swept = 'swept';

export function startIntake(deps: IntakeDeps): Intake {
  const { store, limits, now, log } = deps;
  const queue = createFairQueue<TaskId>((group) => (group.startsWith(endpointPrefix) ? limits.perEndpoint : Infinity));
  const alarm = createAlarm();
  const batch = limits.concurrency * 4;
  /** Lanes under way; true when they were woken meanwhile, which may have been just after their last look. */
  const underWay = new Map<TaskId, boolean>();
  const works = new Set<Promise<void>>();
  let isClosed = false;
  let isStoreUp = false;
  let failures = 0;
  let hasMore = false;
  let overdueMs = 0;

  function fill(): void {
    while (isStoreUp && !isClosed && underWay.size < limits.concurrency) {
      const taken = queue.take();
      if (taken === null) break;
      underWay.set(taken.id, false);
      const work = workOn(taken.id, taken.group).catch(failed);
      works.add(work);
      void work.finally(() => {
        works.delete(work);
        fill();
      });
    }
    if (hasMore && queue.size < batch / 2) {
      hasMore = false;
      alarm.ring();
    }
  }

  async function workOn(taskId: TaskId, found: string): Promise<void> {
    let group = found;
    let waitsIn: string | null = null;
    try {
      const lane = await store.claim(taskId, { nowMs: now(), token: deps.newToken(), leaseMs: limits.leaseMs });
      if (lane === null) {
        await store.postpone(taskId, now());
      } else {
        const endpoint = endpointOf(lane);
        if (group === endpoint || queue.move(group, endpoint)) {
          group = endpoint;
          await deps.deliver(lane);
          failures = 0;
        } else if (queue.waitingIn(endpoint) < mostWaitingInGroup) {
          await store.release(lane, now());
          waitsIn = endpoint;
        } else {
          await store.release(lane, now() + Math.round(crowdedOutMs * (0.8 + 0.4 * deps.random())));
        }
      }
    } finally {
      queue.done(group);
      if (underWay.get(taskId) === true) waitsIn ??= group;
      underWay.delete(taskId);
      if (waitsIn !== null) queue.add(taskId, waitsIn);
    }
  }

  /** Of what is under way, the first to fail; the others say nothing new. */
  function failed(error: unknown): void {
    if (!(error instanceof DependencyFailure)) deps.onBroken(error);
    else if (isStoreUp) {
      loseStore(error);
      alarm.ring();
    }
  }

  function loseStore(error: DependencyFailure): void {
    if (failures === 0)
      log.warn('dependency.lost', { dependency: error.dependency, operation: error.operation, error });
    failures += 1;
    isStoreUp = false;
    deps.onStoreDown();
  }

  /** Looks for what is due, and says how long to sleep. */
  async function sweep(): Promise<number> {
    if (queue.size < mostWaiting) {
      const limit = queue.size + batch;
      const due = await store.dueLanes(now(), limit);
      hasMore = due.length === limit;
      for (const taskId of rotated(due, deps.random())) {
        if (!underWay.has(taskId)) queue.add(taskId, swept);
      }
    }
    isStoreUp = true;
    fill();
    const nextMs = await store.nextDueAt();
    if (underWay.size === 0) failures = 0;
    overdueMs = nextMs === null ? 0 : Math.max(0, now() - nextMs);
    if (!isClosed) deps.onSwept();
    const floorMs = queue.size > 0 ? crowdedSleepMs + queue.size : shortestSleepMs;
    return Math.min(limits.longestSleepMs, Math.max(floorMs, (nextMs ?? Infinity) - now()));
  }

  async function sweepForever(): Promise<void> {
    while (!isClosed) {
      let sleepMs = limits.longestSleepMs;
      try {
        sleepMs = await sweep();
      } catch (error: unknown) {
        if (error instanceof DependencyFailure) loseStore(error);
        else deps.onBroken(error);
      }
      // A write can fail where a read works (a primary steps down): that is slept over as well.
      if (isStoreUp && !isClosed) await alarm.sleep(sleepMs);
      if (!isStoreUp && !isClosed) {
        alarm.clear();
        await alarm.sleep(Math.min(limits.longestSleepMs, failedSleepMs * 2 ** Math.min(failures - 1, 10)));
      }
    }
  }

  const sweeping = sweepForever();

  return {
    wake(taskId, tenantId) {
      if (underWay.has(taskId)) underWay.set(taskId, true);
      else if (queue.size < mostWaiting) {
        queue.add(taskId, `tenant ${tenantId}`);
        fill();
      }
    },
    get underWay() {
      return underWay.size;
    },
    get waiting() {
      return queue.size;
    },
    get overdueMs() {
      return overdueMs;
    },
    get isStoreUp() {
      return isStoreUp;
    },
    async close() {
      isClosed = true;
      alarm.ring();
      await sweeping;
      await Promise.all(works);
    },
  };
}

const endpointPrefix = 'endpoint ';

/** A tenant's origin: two tenants with the same receiver do not wait for each other. */
function endpointOf({ tenantId, url }: ClaimedLane): string {
  return `${endpointPrefix}${tenantId} ${URL.canParse(url) ? new URL(url).origin : 'no-url'}`;
}

/** Several workers that find the same lanes begin at different ones, and seldom try to claim the same. */
function rotated<T>(all: readonly T[], random: number): readonly T[] {
  const start = Math.floor(random * all.length);
  return [...all.slice(start), ...all.slice(0, start)];
}
