import { DependencyFailure, type TaskId } from '@juice/contracts';
import type { Log } from '@juice/observability';
import { createAlarm } from './alarm.ts';
import type { Attempts } from './attempt.ts';
import type { Endpoints } from './endpoints.ts';
import { createLaneSearch, type LaneSearch, type LaneSearchDeps } from './lane-search.ts';
import { createLaneWork, type LaneWork, type LaneWorkDeps } from './lane-work.ts';
import type { RulesOf } from './tenant-rules.ts';

/**
 * Decides which lanes this process works on, and when. Lanes are found in two ways: a status event names one (`wake`),
 * and a sweep over due times and expired leases finds all that are due, so that a lost event costs latency and nothing
 * else. Lanes that wait for their endpoint are taken up when it can be called again.
 *
 * While MongoDB fails nothing is claimed; the sweep tries again, waiting longer each time.
 */
export interface Intake {
  /** A hint that this lane may be due. */
  wake(taskId: TaskId, tenantId: string): void;
  /** A lane is to be tried again then: the sweep is not later than that. */
  postponed(atMs: number): void;
  /** What may be sent to the endpoint may be different now. */
  endpointChanged(endpoint: string): void;
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
export type LaneStore = LaneSearchDeps['store'] & LaneWorkDeps['store'];

export interface IntakeDeps {
  readonly store: LaneStore;
  readonly endpoints: LaneWorkDeps['endpoints'] &
    Pick<Endpoints, 'hasTrouble' | 'refresh' | 'known' | 'rampFromMs' | 'idle'>;
  readonly attempts: Attempts;
  readonly rulesOf: RulesOf;
  readonly limits: IntakeLimits;
  readonly now: () => number;
  readonly newToken: () => string;
  /** This worker's name. */
  readonly by: string;
  readonly random: () => number;
  readonly log: Log;
  /** So many lanes were held, because of their endpoint. */
  readonly onHeld: (lanes: number) => void;
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

/** Between two sweeps at least: due times a few milliseconds apart are found together. */
const shortestSleepMs = 10;
/**
 * While lanes wait for room the next due time says nothing (it is theirs): this is how late another may be found then.
 * A millisecond more for each that waits, since a sweep reads them all again.
 */
const crowdedSleepMs = 250;
/** After a failure of MongoDB: the first pause, doubled up to `longestSleepMs`. */
const failedSleepMs = 250;
/** How often endpoints that are not free are looked at: a ramp grows with time, and a breaker's time ends. */
const tendMs = 250;
/** How late a change that another process made to an endpoint is heeded. */
const refreshMs = 2_000;

export function startIntake(deps: IntakeDeps): Intake {
  const { endpoints, limits, now, log } = deps;
  const batch = limits.concurrency * 4;
  const sweepAlarm = createAlarm();
  const tendAlarm = createAlarm();
  const hinted = new Set<TaskId>();
  let lookingUp: Promise<void> | null = null;
  let isClosed = false;
  let isStoreUp = false;
  let failures = 0;
  let hasMore = false;
  let overdueMs = 0;
  /** When the next sweep is; and the soonest that a lane was put off to since the last one began. */
  let nextSweepMs = -Infinity;
  let postponedToMs = Infinity;
  let refreshedAtMs = -Infinity;
  let discoveredAtMs = -Infinity;

  const work: LaneWork = createLaneWork({
    ...deps,
    isOpen: () => isStoreUp && !isClosed,
    onDone(endpoint) {
      if (endpoint !== null) guard(search.tend(endpoint));
      if (!hasMore || work.waiting >= batch / 2) return;
      hasMore = false;
      sweepAlarm.ring();
    },
    onAside: (endpoint) => search.noteAside(endpoint),
    onFailed: failed,
  });
  const search: LaneSearch = createLaneSearch({ ...deps, work, batch });

  function guard(done: Promise<void>): void {
    done.catch(failed);
  }

  /** Of what is under way, the first to fail; the others say nothing new. */
  function failed(error: unknown): void {
    if (!(error instanceof DependencyFailure)) deps.onBroken(error);
    else if (isStoreUp) {
      loseStore(error);
      sweepAlarm.ring();
    }
  }

  function loseStore(error: DependencyFailure): void {
    if (failures === 0)
      log.warn('dependency.lost', { dependency: error.dependency, operation: error.operation, error });
    failures += 1;
    isStoreUp = false;
    deps.onStoreDown();
  }

  async function refresh(): Promise<void> {
    await endpoints.refresh();
    refreshedAtMs = now();
  }

  /** Looks for what is due, and says how long to sleep. */
  async function sweep(): Promise<number> {
    // Nothing is sent before it is known which endpoints are not to be called.
    if (refreshedAtMs === -Infinity) await refresh();
    const swept = await search.sweep();
    isStoreUp = true;
    work.fill();
    if (now() - discoveredAtMs >= limits.longestSleepMs) {
      await search.discover();
      discoveredAtMs = now();
    }
    if (work.underWay === 0) failures = 0;
    const { nextDueAtMs } = swept;
    overdueMs = nextDueAtMs === null ? 0 : Math.max(0, now() - nextDueAtMs);
    if (!isClosed) deps.onSwept();
    hasMore = swept.hasMore;
    if (hasMore && work.waiting < batch / 2) return shortestSleepMs;
    const floorMs = work.waiting > 0 ? crowdedSleepMs + work.waiting : shortestSleepMs;
    return Math.min(limits.longestSleepMs, Math.max(floorMs, (nextDueAtMs ?? Infinity) - now()));
  }

  async function sweepForever(): Promise<void> {
    while (!isClosed) {
      let sleepMs = limits.longestSleepMs;
      postponedToMs = Infinity;
      try {
        sleepMs = await sweep();
      } catch (error: unknown) {
        if (error instanceof DependencyFailure) loseStore(error);
        else deps.onBroken(error);
      }
      // A write can fail where a read works (a primary steps down): that is slept over as well.
      if (isStoreUp && !isClosed) {
        // Some of what it has looked at has been put off since.
        nextSweepMs = Math.min(now() + sleepMs, Math.max(postponedToMs, now() + shortestSleepMs));
        await sweepAlarm.sleep(nextSweepMs - now());
        nextSweepMs = -Infinity;
      }
      if (!isStoreUp && !isClosed) {
        sweepAlarm.clear();
        await sweepAlarm.sleep(Math.min(limits.longestSleepMs, failedSleepMs * 2 ** Math.min(failures - 1, 10)));
      }
    }
  }

  async function tendForever(): Promise<void> {
    while (!isClosed) {
      await tendAlarm.sleep(tendMs);
      if (isClosed || !isStoreUp) continue;
      try {
        if (now() - refreshedAtMs >= refreshMs) await refresh();
        for (const { endpoint } of endpoints.known()) work.endpointChanged(endpoint);
        work.fill();
        await search.tendAll();
      } catch (error: unknown) {
        failed(error);
      }
    }
  }

  async function lookUpHinted(): Promise<void> {
    while (hinted.size > 0 && isStoreUp && !isClosed) {
      const taskIds = [...hinted];
      hinted.clear();
      await search.lookUp(taskIds);
    }
  }

  const loops = [sweepForever(), tendForever()];

  return {
    wake(taskId, tenantId) {
      if (work.isUnderWay(taskId)) work.lookAgain(taskId);
      else if (!isStoreUp || work.waiting >= mostHinted) return;
      else if (!endpoints.hasTrouble(tenantId) && !work.isBusy(tenantId)) {
        work.addOfTenant(taskId, tenantId);
        work.fill();
      } else {
        hinted.add(taskId);
        lookingUp ??= lookUpHinted()
          .catch(failed)
          .finally(() => (lookingUp = null));
      }
    },
    postponed(atMs) {
      postponedToMs = Math.min(postponedToMs, atMs);
      if (atMs < nextSweepMs) sweepAlarm.ring();
    },
    endpointChanged(endpoint) {
      work.endpointChanged(endpoint);
      // What is due for an endpoint that was shut is put aside, and what is aside for one that was opened is taken up.
      sweepAlarm.ring();
      tendAlarm.ring();
    },
    get underWay() {
      return work.underWay;
    },
    get waiting() {
      return work.waiting;
    },
    get overdueMs() {
      return overdueMs;
    },
    get isStoreUp() {
      return isStoreUp;
    },
    async close() {
      isClosed = true;
      sweepAlarm.ring();
      tendAlarm.ring();
      await Promise.all(loops);
      await lookingUp;
      await work.idle();
      await endpoints.idle();
    },
  };
}

/** With more waiting than this a hint is left to the sweep. */
const mostHinted = 20_000;
