import { isEndState, type TaskId } from '@juice/contracts';
import {
  causeOf,
  fingerprintOf,
  type CallbackAttempt,
  type CallbackStores,
  type ClaimedLane,
  type DeadLetters,
  type DeliveryStore,
  type InsertOutcome,
  type LaneOverview,
  type Settled,
  type TaskStore,
} from '../src/index.ts';
import { createMemoryDeadLetters } from './memory-dead-letters.ts';
import {
  asClaimed,
  asRecord,
  dropOvertaken,
  freeAtMs,
  listed,
  newTask,
  push,
  setAside,
  settleReplay,
  wake,
  type MemoryLane,
  type MemoryTask,
} from './memory-lane.ts';

/**
 * Delivery lanes in memory, with what a test needs of a task store beside them, held to the same contract suites as the real ones
 * (memory-stores.spec.ts). Every operation is one step of the event loop; `onOperation` can make it fail.
 */
export interface MemoryLanes {
  readonly tasks: Pick<
    TaskStore,
    'insertTasks' | 'applyTransitions' | 'findTasks' | 'requestKill' | 'callbackAttempts'
  >;
  readonly deliveries: DeliveryStore;
  readonly deadLetters: DeadLetters;
  readonly findLane: CallbackStores['findLane'];
  readonly attempts: readonly CallbackAttempt[];
  /** Called before every operation of the delivery store: may throw in its place. */
  onOperation: (operation: keyof DeliveryStore) => void;
}

const retentionMs = 86_400_000;

const stale: Settled = { applied: false, superseded: [] };
const applied: Settled = { applied: true, superseded: [] };

export function createMemoryLanes(): MemoryLanes {
  const all = new Map<TaskId, MemoryTask>();
  const attempts = new Map<string, CallbackAttempt>();
  const laneOf = (taskId: TaskId): MemoryLane | null => all.get(taskId)?.lane ?? null;

  /** The lane, when the lease is still this worker's. */
  function leasedTo({ taskId, token }: ClaimedLane): MemoryLane | null {
    const lane = laneOf(taskId);
    return lane?.lease?.token === token ? lane : null;
  }

  function endLease(claimed: ClaimedLane, change: (lane: MemoryLane) => Settled | void): Settled {
    const lane = leasedTo(claimed);
    if (lane === null) return stale;
    lane.lease = null;
    return change(lane) ?? applied;
  }

  const deliveries: DeliveryStore = {
    async dueLanes(nowMs, limit) {
      made.onOperation('dueLanes');
      return dueOnes(all)
        .filter(({ dueAtMs }) => dueAtMs <= nowMs)
        .slice(0, limit)
        .map(({ task }) => listed(task));
    },
    async lookUpLanes(taskIds) {
      made.onOperation('lookUpLanes');
      const found = taskIds.flatMap((taskId) => all.get(taskId) ?? []);
      return found.filter(({ lane }) => lane !== null && lane.pending.length > 0).map(listed);
    },
    async nextDueAt() {
      made.onOperation('nextDueAt');
      return dueOnes(all)[0]?.dueAtMs ?? null;
    },
    async lanesAside(endpoint, after, limit) {
      made.onOperation('lanesAside');
      const found = asideOnes(all, `waits ${endpoint} `).filter(({ key }) => key > (after ?? ''));
      const page = found.slice(0, limit);
      const next = page.length < limit ? null : (page.at(-1)?.key ?? null);
      return { taskIds: page.map(({ taskId }) => taskId), next };
    },
    async nextEndpointAside(after) {
      made.onOperation('nextEndpointAside');
      const key = asideOnes(all, 'waits ').find((lane) => after === null || lane.key > `waits ${after}!`)?.key;
      return key === undefined ? null : key.split(' ').slice(1, 3).join(' ');
    },
    async overviewLanes(tenants) {
      made.onOperation('overviewLanes');
      return overviewOf(all, tenants);
    },
    async claim(taskId, { nowMs, token, leaseMs, by, evenAside = false }) {
      made.onOperation('claim');
      const task = all.get(taskId);
      const lane = task?.lane;
      if (task === undefined || lane === undefined || lane === null || lane.pending.length === 0) return null;
      const freeMs = freeAtMs(lane);
      const isDue = lane.dueAtMs !== null && lane.dueAtMs <= nowMs;
      if (freeMs > nowMs) {
        if (isDue) lane.dueAtMs = freeMs;
        return null;
      }
      const isTakenAside = evenAside && lane.aside !== null && lane.state !== 'dead';
      if (!isDue && !isTakenAside) return null;
      const abandoned = lane.lease === null ? null : { by: lane.lease.by, sinceMs: lane.lease.sinceMs };
      const superseded = lane.state === 'held' || lane.state === 'dead' ? wake(lane) : [];
      lane.lease = { token, untilMs: nowMs + leaseMs, sinceMs: nowMs, by };
      Object.assign(lane, { state: 'leased', dueAtMs: nowMs + leaseMs, aside: null, group: null });
      return asClaimed(task, lane, { superseded, abandoned });
    },
    async putAside(lanes) {
      made.onOperation('putAside');
      for (const { lane: seen, aside } of lanes) {
        const lane = laneOf(seen.taskId);
        if (lane === null || lane.state !== seen.state || lane.state === 'leased') continue;
        if (lane.dueAtMs === null || lane.dueAtMs > aside.atMs) continue;
        if (lane.state === 'dead') lane.tries = 0;
        setAside(lane, seen, aside);
      }
    },
    async settleDelivered(claimed, { nowMs, leaseMs }) {
      made.onOperation('settleDelivered');
      const task = all.get(claimed.taskId);
      const lane = leasedTo(claimed);
      // A repeat of the settling that left the lane idle is recognised.
      if (lane === null) return { ...(task?.lane?.settledBy === claimed.token ? applied : stale), next: null };
      if (task === undefined) return { ...stale, next: null };
      lane.pending = lane.pending.filter(({ seq }) => seq !== claimed.state.seq);
      Object.assign(lane, { tries: 0, cause: null });
      task.callbackAtMs = nowMs;
      if (lane.pending.length > 0 && lane.lease !== null) {
        lane.lease.untilMs = nowMs + leaseMs;
        lane.dueAtMs = nowMs + leaseMs;
        return { ...applied, next: asClaimed(task, lane, { superseded: [], abandoned: null }) };
      }
      Object.assign(lane, { state: 'idle', lease: null, dueAtMs: null, notBeforeMs: 0, revivedAtMs: null });
      lane.settledBy = claimed.token;
      settleReplay(lane, claimed, 'delivered');
      if (isEndState(claimed.state.status)) task.purgeAtMs = nowMs + retentionMs;
      return { ...applied, next: null };
    },
    async settleFailed(claimed, { retryAtMs, reason, triesLeft }) {
      made.onOperation('settleFailed');
      return endLease(claimed, (lane) => {
        const superseded = dropOvertaken(lane);
        const tries = superseded.includes(claimed.state.seq) ? 0 : claimed.tries + 1;
        const cause = causeOf(claimed.endpoint, reason);
        Object.assign(lane, { state: 'pending', tries, cause, dueAtMs: retryAtMs, notBeforeMs: retryAtMs, triesLeft });
        return { applied: true, superseded };
      });
    },
    async settleDead(claimed, { nowMs, reason, isTried }) {
      made.onOperation('settleDead');
      return endLease(claimed, (lane) => {
        lane.notBeforeMs = 0;
        if (lane.pending.at(-1)?.seq !== claimed.state.seq && !isEndState(claimed.state.status)) {
          const superseded = dropOvertaken(lane);
          Object.assign(lane, { state: 'pending', tries: 0, cause: null, dueAtMs: nowMs });
          return { applied: true, superseded };
        }
        const key = `dead ${claimed.endpoint} ${reason} ${claimed.taskId}`;
        const cause = causeOf(claimed.endpoint, reason);
        const tries = claimed.tries + (isTried ? 1 : 0);
        Object.assign(lane, { state: 'dead', tries, cause, dueAtMs: null, aside: { key, atMs: nowMs } });
        lane.group = fingerprintOf(claimed.endpoint, reason);
        settleReplay(lane, claimed, 'dead');
        const task = all.get(claimed.taskId);
        const hasEnded = lane.pending.some(({ status }) => isEndState(status));
        if (task !== undefined && hasEnded) task.purgeAtMs = nowMs + retentionMs;
        return applied;
      });
    },
    async setAside(claimed, aside) {
      made.onOperation('setAside');
      return endLease(claimed, (lane) => {
        lane.notBeforeMs = 0;
        setAside(lane, claimed, aside);
      });
    },
    async release(claimed, dueAtMs) {
      made.onOperation('release');
      return endLease(claimed, (lane) => {
        Object.assign(lane, { state: 'pending', dueAtMs, notBeforeMs: dueAtMs });
      });
    },
    async rearm(taskIds, { replayId, tenantId, diedByMs, nowMs }) {
      made.onOperation('rearm');
      return taskIds.flatMap((taskId) => {
        const task = all.get(taskId);
        const lane = laneOf(taskId);
        if (task === undefined || lane === null) return [];
        if (lane.replay?.replayId === replayId) return [{ taskId, superseded: [] }];
        const isMeant = tenantId === null || task.record.tenantId === tenantId;
        if (!isMeant || lane.state !== 'dead' || (lane.aside?.atMs ?? Infinity) > diedByMs) return [];
        const superseded = wake(lane);
        Object.assign(lane, { state: 'pending', tries: 0, dueAtMs: nowMs, aside: null, group: null });
        Object.assign(lane, { revivedAtMs: nowMs, replay: { replayId, outcome: 'waiting' } });
        task.purgeAtMs = null;
        return [{ taskId, superseded }];
      });
    },
    async countReplayed(replayId) {
      made.onOperation('countReplayed');
      const marks = [...all.values()].flatMap(({ lane }) => (lane?.replay?.replayId === replayId ? lane.replay : []));
      const count = (outcome: string) => marks.filter((mark) => mark.outcome === outcome).length;
      return { waiting: count('waiting'), delivered: count('delivered') };
    },
    async logAttempt(attempt) {
      made.onOperation('logAttempt');
      attempts.set(tryIdOf(attempt), attempt);
    },
  };

  const found = (tenantId: string | null, ids: readonly TaskId[]): readonly MemoryTask[] =>
    ids.flatMap((id) => all.get(id) ?? []).filter(({ record }) => tenantId === null || record.tenantId === tenantId);

  const tasks: MemoryLanes['tasks'] = {
    async insertTasks(added) {
      return added.map((record): InsertOutcome => {
        if (all.has(record.taskId)) return 'duplicate';
        all.set(record.taskId, newTask(record));
        return 'stored';
      });
    },
    async applyTransitions(_frame, transitions) {
      const missed = transitions.filter((transition) => !push(all.get(transition.taskId), transition));
      return { missed: missed.map(({ taskId }) => taskId), refused: [], fenced: false };
    },
    async requestKill(_tenantId, taskId, atMs) {
      const task = all.get(taskId);
      const killed = {
        taskId,
        expectSeq: task?.seq ?? 0,
        status: 6,
        attempt: 0,
        atMs,
        message: 'task is killed',
      } as const;
      const change = { kind: 'none' } as const;
      push(task, {
        ...killed,
        change,
        callback: true,
        tenantId: '',
        unlessKillRequested: false,
        reason: null,
        requeue: null,
      });
      return { kind: 'killed', status: 6 };
    },
    async findTasks(tenantId, ids) {
      return found(tenantId, ids).map(asRecord);
    },
    async callbackAttempts(tenantId, taskId, { before, limit }) {
      const place = before === null ? null : { ...before, taskId };
      return [...attempts.values()]
        .filter((attempt) => attempt.taskId === taskId && attempt.tenantId === tenantId)
        .filter((attempt) => place === null || byPlace(attempt, place) < 0)
        .sort((one, other) => byPlace(other, one))
        .slice(0, limit);
    },
  };

  const made: MemoryLanes = {
    tasks,
    deliveries,
    deadLetters: createMemoryDeadLetters(all),
    async findLane(tenantId, taskId) {
      const [task] = found(tenantId, [taskId]);
      return task === undefined ? null : asRecord(task);
    },
    get attempts() {
      return [...attempts.values()];
    },
    onOperation: () => undefined,
  };
  return made;
}

type Place = Pick<CallbackAttempt, 'taskId' | 'seq' | 'try' | 'startedAtMs'>;

function tryIdOf({ taskId, seq, try: nth, startedAtMs }: Place): string {
  return `${taskId}_${seq}:${nth}:${startedAtMs}`;
}

/** The later one is the greater. */
function byPlace(one: Place, other: Place): number {
  return one.startedAtMs - other.startedAtMs || (tryIdOf(one) < tryIdOf(other) ? -1 : 1);
}

function dueOnes(all: ReadonlyMap<TaskId, MemoryTask>): { task: MemoryTask; dueAtMs: number }[] {
  return [...all.values()]
    .flatMap((task) => (task.lane === null || task.lane.dueAtMs === null ? [] : { task, dueAtMs: task.lane.dueAtMs }))
    .toSorted((a, b) => a.dueAtMs - b.dueAtMs);
}

function asideOnes(all: ReadonlyMap<TaskId, MemoryTask>, prefix: string): { taskId: TaskId; key: string }[] {
  return [...all]
    .flatMap(([taskId, { lane }]) => (lane === null || lane.aside === null ? [] : { taskId, key: lane.aside.key }))
    .filter(({ key }) => key.startsWith(prefix))
    .toSorted((a, b) => (a.key < b.key ? -1 : 1));
}

function overviewOf(all: ReadonlyMap<TaskId, MemoryTask>, tenants: number): LaneOverview {
  const lanes = { pending: 0, held: 0, dead: 0 };
  const oldest = new Map<string, number>();
  for (const { record, lane } of all.values()) {
    const [first] = lane?.pending ?? [];
    if (lane === null || first === undefined) continue;
    lanes[lane.state === 'held' || lane.state === 'dead' ? lane.state : 'pending'] += 1;
    if (lane.state === 'dead') continue;
    oldest.set(record.tenantId, Math.min(oldest.get(record.tenantId) ?? Infinity, first.atMs));
  }
  const sorted = [...oldest].toSorted(([, a], [, b]) => a - b).slice(0, tenants);
  return { lanes, oldest: sorted.map(([tenantId, atMs]) => ({ tenantId, atMs })) };
}
