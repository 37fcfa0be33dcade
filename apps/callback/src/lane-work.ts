import type { TaskId } from '@juice/contracts';
import type { ClaimedLane, DeliveryStore } from '@juice/persistence';
import type { Attempts } from './attempt.ts';
import type { Endpoints } from './endpoints.ts';
import { createFairQueue } from './fair-queue.ts';
import { crowdedUntilMs } from './plan-shut.ts';
import { createPace } from './pace.ts';
import type { RulesOf } from './tenant-rules.ts';

/**
 * The lanes that this process works on, and those that wait in its memory for their turn. A lane is claimed when there is room to
 * work on it at once, never earlier, because its lease is running from then on. What waits here is not claimed: it is due, or
 * aside, in MongoDB, for anybody.
 *
 * Room is bounded for the process and for each endpoint, and endpoints take turns, so that one that lets every request hang
 * holds its few places and no more. A lane that an event told of names its endpoint only when it is claimed: if that one has no room
 * it is given back, uncharged, and waits among its own.
 */
export interface LaneWork {
  readonly underWay: number;
  readonly waiting: number;
  /** A lane that is due; its endpoint is not known yet. */
  addOfTenant(taskId: TaskId, tenantId: string): void;
  /** A lane that is due, or waits for this endpoint. false: as many of them wait here as should. */
  addOfEndpoint(taskId: TaskId, endpoint: string): boolean;
  waitingFor(endpoint: string): number;
  isUnderWay(taskId: TaskId): boolean;
  /** The lane is looked at again when what is under way has ended: it may have changed just after its last look. */
  lookAgain(taskId: TaskId): void;
  /** Whether an endpoint of the tenant has no room for more. */
  isBusy(tenantId: string): boolean;
  /** What may be sent to the endpoint may be different now. */
  endpointChanged(endpoint: string): void;
  /** Begins as much as there is room for. */
  fill(): void;
  /** Resolves when what is under way has ended. */
  idle(): Promise<void>;
}

export interface LaneWorkDeps {
  readonly store: Pick<DeliveryStore, 'claim' | 'setAside' | 'release'>;
  readonly endpoints: Pick<Endpoints, 'admission' | 'begin' | 'begunInRamp' | 'takeProbe' | 'note'>;
  readonly attempts: Attempts;
  readonly rulesOf: RulesOf;
  readonly limits: { readonly concurrency: number; readonly perEndpoint: number; readonly leaseMs: number };
  readonly now: () => number;
  readonly random: () => number;
  readonly newToken: () => string;
  /** This worker's name. */
  readonly by: string;
  /** Whether anything may be begun. */
  readonly isOpen: () => boolean;
  /** Work on a lane of this endpoint (null: it was not claimed) is over. */
  readonly onDone: (endpoint: string | null) => void;
  /** Lanes were put aside for this endpoint. */
  readonly onAside: (endpoint: string) => void;
  readonly onFailed: (error: unknown) => void;
}

/** Known to wait, of all endpoints together: what a process gets done in a few seconds. */
const mostWaiting = 5_000;

const endpointPrefix = 'endpoint ';

export function createLaneWork(deps: LaneWorkDeps): LaneWork {
  const { store, endpoints, attempts, limits, now } = deps;
  const queue = createFairQueue<TaskId>(hasRoom);
  const pace = createPace(now);
  /** Of each tenant, the endpoints that something is queued or under way for. */
  const active = new Map<string, Set<string>>();
  /** Lanes under way; true when they are to be looked at again. */
  const underWay = new Map<TaskId, boolean>();
  const works = new Set<Promise<void>>();

  function hasRoom(group: string, inHand: number): boolean {
    const endpoint = endpointOfGroup(group);
    if (endpoint === null) return true;
    const admission = endpoints.admission(endpoint);
    switch (admission.kind) {
      case 'free':
        return inHand < limits.perEndpoint;
      case 'ramp':
        return inHand < limits.perEndpoint && endpoints.begunInRamp(endpoint, admission.fromMs) < admission.allowance;
      case 'probe':
        return inHand === 0;
      case 'shut':
        return false;
      default:
        return admission satisfies never;
    }
  }

  function fill(): void {
    while (deps.isOpen() && underWay.size < limits.concurrency) {
      const taken = queue.take();
      if (taken === null) return;
      underWay.set(taken.id, false);
      const work = workOn(taken.id, taken.group).catch(deps.onFailed);
      works.add(work);
      void work.finally(() => {
        works.delete(work);
        fill();
      });
    }
  }

  async function workOn(taskId: TaskId, found: string): Promise<void> {
    let group = found;
    let waitsIn: string | null = null;
    const moveTo = (endpoint: string): boolean => {
      if (!queue.move(group, groupOf(endpoint))) return false;
      group = groupOf(endpoint);
      activate(endpoint);
      return true;
    };
    try {
      const endpoint = endpointOfGroup(found);
      if (endpoint !== null) await workForEndpoint(taskId, endpoint);
      else waitsIn = await workForTenant(taskId, found.slice(found.indexOf(' ') + 1), moveTo);
    } finally {
      queue.done(group);
      if (underWay.get(taskId) === true) waitsIn ??= group;
      underWay.delete(taskId);
      if (waitsIn !== null) queue.add(taskId, waitsIn);
      const endpoint = endpointOfGroup(group);
      if (endpoint !== null) retire(endpoint);
      deps.onDone(endpoint);
    }
  }

  async function workForEndpoint(taskId: TaskId, endpoint: string): Promise<void> {
    const isProbe = endpoints.admission(endpoint).kind === 'probe';
    const probe = isProbe ? await endpoints.takeProbe(endpoint) : null;
    // Somebody else probes. The lane is due or aside, as it was.
    if (isProbe && probe === null) return;
    endpoints.begin(endpoint);
    const lane = await claim(taskId, { evenAside: true });
    if (lane !== null) await attempts.deliver(lane, probe);
    else if (probe !== null) endpoints.note(endpoint, { kind: 'nothing' }, probe);
    pace.done(endpoint);
  }

  /** Where the lane waits for its turn, if it does. */
  async function workForTenant(
    taskId: TaskId,
    tenantId: string,
    moveTo: (endpoint: string) => boolean,
  ): Promise<string | null> {
    // Asked before the lane is claimed, whose lease would be running: mostly it is known.
    await deps.rulesOf(tenantId);
    const lane = await claim(taskId, { evenAside: false });
    if (lane === null) return null;
    const { endpoint } = lane;
    const admission = endpoints.admission(endpoint);
    if (admission.kind === 'shut') {
      await attempts.shelve(lane, admission);
      deps.onAside(endpoint);
      return null;
    }
    // A probe is taken before its lane is claimed, by who works for the endpoint.
    if (admission.kind !== 'probe' && moveTo(endpoint)) {
      endpoints.begin(endpoint);
      await attempts.deliver(lane);
      pace.done(endpoint);
      return null;
    }
    if (!isFull(endpoint)) {
      await store.release(lane, now());
      activate(endpoint);
      return groupOf(endpoint);
    }
    const dueAtMs = crowdedUntilMs(now(), deps.random());
    await store.setAside(lane, { state: 'pending', reason: 'endpoint-busy', atMs: now(), dueAtMs });
    deps.onAside(endpoint);
    return null;
  }

  function claim(taskId: TaskId, how: { evenAside: boolean }): Promise<ClaimedLane | null> {
    const { leaseMs } = limits;
    return store.claim(taskId, { nowMs: now(), token: deps.newToken(), leaseMs, by: deps.by, ...how });
  }

  function isFull(endpoint: string): boolean {
    return queue.size >= mostWaiting || queue.waitingIn(groupOf(endpoint)) >= pace.worthWaiting(endpoint);
  }

  function activate(endpoint: string): void {
    const tenantId = tenantOf(endpoint);
    const names = active.get(tenantId) ?? new Set();
    active.set(tenantId, names.add(endpoint));
  }

  function retire(endpoint: string): void {
    if (queue.has(groupOf(endpoint))) return;
    const tenantId = tenantOf(endpoint);
    const names = active.get(tenantId);
    names?.delete(endpoint);
    if (names?.size === 0) active.delete(tenantId);
    pace.forget(endpoint);
  }

  return {
    get underWay() {
      return underWay.size;
    },
    get waiting() {
      return queue.size;
    },
    addOfTenant: (taskId, tenantId) => queue.add(taskId, `tenant ${tenantId}`),
    addOfEndpoint(taskId, endpoint) {
      if (isFull(endpoint)) return false;
      queue.add(taskId, groupOf(endpoint));
      activate(endpoint);
      return true;
    },
    waitingFor: (endpoint) => queue.waitingIn(groupOf(endpoint)),
    isUnderWay: (taskId) => underWay.has(taskId),
    lookAgain: (taskId) => void underWay.set(taskId, true),
    isBusy(tenantId) {
      for (const endpoint of active.get(tenantId) ?? [])
        if (!hasRoom(groupOf(endpoint), queue.underWayIn(groupOf(endpoint)))) return true;
      return false;
    },
    endpointChanged(endpoint) {
      // What waits here is in MongoDB too: due, to be put aside by the next sweep, or aside already.
      if (endpoints.admission(endpoint).kind === 'shut') queue.drop(groupOf(endpoint));
      else queue.look(groupOf(endpoint));
      retire(endpoint);
    },
    fill,
    async idle() {
      while (works.size > 0) await Promise.all(works);
    },
  };
}

function groupOf(endpoint: string): string {
  return endpointPrefix + endpoint;
}

function endpointOfGroup(group: string): string | null {
  return group.startsWith(endpointPrefix) ? group.slice(endpointPrefix.length) : null;
}

function tenantOf(endpoint: string): string {
  return endpoint.slice(0, endpoint.indexOf(' '));
}
