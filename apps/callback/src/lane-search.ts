import type { TaskId } from '@juice/contracts';
import type { DeliveryStore, ListedLane } from '@juice/persistence';
import type { Endpoints } from './endpoints.ts';
import type { LaneWork } from './lane-work.ts';
import { crowdedUntilMs, planShut } from './plan-shut.ts';
import type { RulesOf } from './tenant-rules.ts';

/**
 * Finds lanes to work on: those that are due, and those that wait for an endpoint that can be called again. What is due and cannot
 * be worked on soon, because its endpoint takes nothing or has enough waiting, is put aside, with one write for a whole page: so
 * the lanes of one endpoint never hide those of the others for longer than it takes to read past them once, and no lane is written
 * more than once for each time its endpoint was shut.
 */
export interface LaneSearch {
  /** Looks at the longest due. Throws DependencyFailure. */
  sweep(): Promise<Swept>;
  /** Decides about lanes that an event told of, whose tenant has an endpoint with trouble. Throws DependencyFailure. */
  lookUp(taskIds: readonly TaskId[]): Promise<void>;
  /** Takes up lanes that wait for this endpoint, if it can be called and has few waiting. Throws DependencyFailure. */
  tend(endpoint: string): Promise<void>;
  /** The same for all endpoints that lanes are known to wait for. */
  tendAll(): Promise<void>;
  /** Lanes wait for this endpoint. */
  noteAside(endpoint: string): void;
  /** Finds endpoints that lanes wait for: which others put aside, or this process before it was started again. */
  discover(): Promise<void>;
}

export interface Swept {
  /** There is more that is due than was read. */
  readonly hasMore: boolean;
  /** When the next lane is due (it may be past); null when none is. */
  readonly nextDueAtMs: number | null;
}

export interface LaneSearchDeps {
  readonly store: Pick<
    DeliveryStore,
    'dueLanes' | 'nextDueAt' | 'lookUpLanes' | 'putAside' | 'lanesAside' | 'nextEndpointAside'
  >;
  readonly work: Pick<LaneWork, 'waiting' | 'addOfTenant' | 'addOfEndpoint' | 'waitingFor' | 'isUnderWay' | 'fill'>;
  readonly endpoints: Pick<Endpoints, 'admission' | 'rampFromMs'>;
  readonly rulesOf: RulesOf;
  /** How many lanes a sweep reads beyond those that wait in memory already. */
  readonly batch: number;
  readonly now: () => number;
  readonly random: () => number;
  /** So many lanes were held, because of their endpoint. */
  readonly onHeld: (lanes: number) => void;
}

/** Lanes taken up at a time for one endpoint, and with how few waiting more are. */
const pageSize = 32;
const fewWaiting = 8;
/** For a probe: one will do, unless somebody else has just claimed it. */
const probePageSize = 4;
/** Endpoints looked for in one round; the next one goes on from there. */
const mostDiscovered = 200;

type PutAside = Parameters<DeliveryStore['putAside']>[0][number];

export function createLaneSearch(deps: LaneSearchDeps): LaneSearch {
  const { store, work, endpoints, now } = deps;
  /** Endpoints that lanes are known to wait for; where the next page begins, and whether it is being read. */
  const aside = new Map<string, { after: string | null; isReading: boolean }>();
  let discoveredUpTo: string | null = null;

  function noteAside(endpoint: string): void {
    if (!aside.has(endpoint)) aside.set(endpoint, { after: null, isReading: false });
  }

  /** Where a lane goes: into memory, to be claimed in its turn, or aside. */
  async function place(lane: ListedLane): Promise<PutAside | null> {
    const { taskId, tenantId, endpoint } = lane;
    if (work.isUnderWay(taskId)) return null;
    const admission = endpoints.admission(endpoint);
    // Claiming it shows whose it is, or corrects when it is due.
    const mustBeClaimed = lane.state === 'leased' || lane.freeAtMs > now();
    if (admission.kind !== 'shut') {
      if (work.addOfEndpoint(taskId, endpoint)) return null;
      if (!mustBeClaimed) return putAside(lane, 'pending', 'endpoint-busy', crowdedUntilMs(now(), deps.random()));
    } else if (!mustBeClaimed) {
      const { schedule } = await deps.rulesOf(tenantId);
      const rampFromMs = endpoints.rampFromMs(endpoint);
      const step = planShut(admission, {
        nowMs: now(),
        sinceMs: lane.sinceMs,
        rampFromMs,
        schedule,
        random: deps.random(),
      });
      if (step.kind === 'aside') return putAside(lane, 'held', admission.reason, step.dueAtMs);
    }
    work.addOfTenant(taskId, tenantId);
    return null;
  }

  function putAside(lane: ListedLane, state: 'held' | 'pending', reason: string, dueAtMs: number | null): PutAside {
    return { lane, aside: { state, reason, atMs: now(), dueAtMs } };
  }

  async function placeAll(lanes: readonly ListedLane[]): Promise<void> {
    const put: PutAside[] = [];
    for (const lane of lanes) {
      const placed = await place(lane);
      if (placed !== null) put.push(placed);
    }
    if (put.length > 0) await store.putAside(put);
    for (const { lane } of put) noteAside(lane.endpoint);
    const held = put.filter((each) => each.aside.state === 'held').length;
    if (held > 0) deps.onHeld(held);
    work.fill();
  }

  async function tend(endpoint: string): Promise<void> {
    const known = aside.get(endpoint);
    if (known === undefined || known.isReading || work.waitingFor(endpoint) >= fewWaiting) return;
    const { kind } = endpoints.admission(endpoint);
    if (kind === 'shut') return;
    known.isReading = true;
    try {
      const { after } = known;
      const limit = kind === 'probe' ? probePageSize : pageSize;
      const { taskIds, next } = await store.lanesAside(endpoint, after, limit);
      for (const taskId of taskIds) if (!work.isUnderWay(taskId)) work.addOfEndpoint(taskId, endpoint);
      known.after = next;
      // Past the last one: from the first again, until there is none.
      if (taskIds.length === 0 && after === null) aside.delete(endpoint);
    } finally {
      known.isReading = false;
    }
    work.fill();
  }

  return {
    async sweep() {
      const limit = work.waiting + deps.batch;
      const due = await store.dueLanes(now(), limit);
      await placeAll(rotated(due, deps.random()));
      return { hasMore: due.length === limit, nextDueAtMs: await store.nextDueAt() };
    },
    lookUp: async (taskIds) => placeAll(await store.lookUpLanes(taskIds)),
    tend,
    async tendAll() {
      for (const endpoint of [...aside.keys()]) await tend(endpoint);
    },
    noteAside,
    async discover() {
      for (let found = 0; found < mostDiscovered; found += 1) {
        discoveredUpTo = await store.nextEndpointAside(discoveredUpTo);
        if (discoveredUpTo === null) return;
        noteAside(discoveredUpTo);
      }
    },
  };
}

/** Several workers that find the same lanes begin at different ones, and seldom try to claim the same. */
function rotated<T>(all: readonly T[], random: number): readonly T[] {
  const start = Math.floor(random * all.length);
  return [...all.slice(start), ...all.slice(0, start)];
}
