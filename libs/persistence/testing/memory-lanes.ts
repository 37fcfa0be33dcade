import { isEndState, type TaskId, type TaskTransition } from '@juice/contracts';
import {
  causeOf,
  endpointOf,
  fingerprintOf,
  type Aside,
  type CallbackAttempt,
  type CallbackStores,
  type ClaimedLane,
  type DeadLetters,
  type DeliveryStore,
  type InsertOutcome,
  type LaneOverview,
  type ListedLane,
  type NewTask,
  type PendingState,
  type Settled,
  type TaskRecord,
  type TaskStore,
} from '../src/index.ts';
import { createMemoryDeadLetters } from './memory-dead-letters.ts';

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

export interface MemoryLane {
  url: string;
  events: 'all' | 'terminal';
  state: 'idle' | 'pending' | 'leased' | 'held' | 'dead';
  pending: PendingState[];
  dueAtMs: number | null;
  notBeforeMs: number;
  lease: { token: string; untilMs: number; sinceMs: number; by: string } | null;
  tries: number;
  cause: string | null;
  aside: { key: string; atMs: number } | null;
  superseded: number[];
  settledBy: string | null;
  revivedAtMs: number | null;
  group: string | null;
  replay: { readonly replayId: string; readonly outcome: 'waiting' | 'delivered' | 'dead' } | null;
  triesLeft: number | null;
}

export interface MemoryTask {
  readonly record: NewTask;
  readonly runs: ClaimedLane['run'][];
  readonly lane: MemoryLane | null;
  status: TaskRecord['status'];
  seq: number;
  callbackAtMs: number | null;
  purgeAtMs: number | null;
}

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

function tryIdOf(attempt: Pick<Place, 'taskId' | 'seq' | 'try'>): string {
  return `${attempt.taskId}_${attempt.seq}:${attempt.try}`;
}

/** The later one is the greater. */
function byPlace(one: Place, other: Place): number {
  return one.startedAtMs - other.startedAtMs || (tryIdOf(one) < tryIdOf(other) ? -1 : 1);
}

function newTask(record: NewTask): MemoryTask {
  const { callbackUrl: url, callbackEvents: events } = record.spec;
  const times = { dueAtMs: null, notBeforeMs: 0, lease: null, aside: null };
  const empty = { ...times, pending: [], tries: 0, cause: null, superseded: [], settledBy: null, revivedAtMs: null };
  const notDead = { group: null, replay: null, triesLeft: null };
  const lane: MemoryLane | null = url === null ? null : { url, events, state: 'idle', ...empty, ...notDead };
  return { record, lane, runs: [], status: -1, seq: 0, callbackAtMs: null, purgeAtMs: null };
}

function push(task: MemoryTask | undefined, transition: TaskTransition): boolean {
  if (task === undefined || task.seq !== transition.expectSeq) return false;
  const { status, attempt, message, reason, atMs, change } = transition;
  task.seq += 1;
  task.status = status;
  if (change.kind === 'launch') {
    const { kind: _, groupPlace: _place, ...run } = change;
    task.runs[attempt - 1] = { ...run, launchedAtMs: atMs };
  }
  if (task.lane === null || !transition.callback) return true;
  const exitCode = change.kind === 'end' ? change.exitCode : null;
  task.lane.pending.push({ seq: task.seq, status, attempt, message, reason, atMs, exitCode });
  task.lane.dueAtMs = Math.min(task.lane.dueAtMs ?? Infinity, atMs);
  return true;
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

function listed({ record, lane }: MemoryTask): ListedLane {
  if (lane === null) throw new Error('a task without a lane is not listed');
  const { taskId, tenantId } = record;
  const endpoint = endpointOf(tenantId, lane.url);
  return { taskId, tenantId, endpoint, state: lane.state, freeAtMs: freeAtMs(lane), sinceMs: waitingSinceMs(lane) };
}

function waitingSinceMs({ pending, revivedAtMs }: MemoryLane): number {
  return Math.max(pending[0]?.atMs ?? 0, revivedAtMs ?? 0);
}

function freeAtMs({ notBeforeMs, lease }: MemoryLane): number {
  return Math.max(notBeforeMs, lease?.untilMs ?? 0);
}

function setAside(lane: MemoryLane, { taskId, endpoint }: { taskId: TaskId; endpoint: string }, aside: Aside): void {
  const { state, reason, atMs, dueAtMs } = aside;
  Object.assign(lane, { state, dueAtMs, aside: { key: `waits ${endpoint} ${taskId}`, atMs }, group: null });
  if (state === 'held') lane.cause = causeOf(endpoint, reason);
}

/** A lane that was held or dead goes on, with the newest state. Tries are those of the oldest one. */
function wake(lane: MemoryLane): readonly number[] {
  const oldest = lane.pending[0]?.seq ?? 0;
  const superseded = dropOvertaken(lane);
  if (lane.state === 'dead' || superseded.includes(oldest)) lane.tries = 0;
  Object.assign(lane, { cause: null, notBeforeMs: 0 });
  return superseded;
}

function settleReplay(lane: MemoryLane, { replay }: ClaimedLane, outcome: 'delivered' | 'dead'): void {
  if (replay !== null) lane.replay = { replayId: replay, outcome };
}

function dropOvertaken(lane: MemoryLane): readonly number[] {
  const dropped = lane.pending.slice(0, -1).filter(({ status }) => !isEndState(status));
  lane.pending = lane.pending.filter((state) => !dropped.includes(state));
  lane.superseded.push(...dropped.map(({ seq }) => seq));
  return dropped.map(({ seq }) => seq);
}

function asClaimed(
  { record, runs }: MemoryTask,
  lane: MemoryLane,
  taken: Pick<ClaimedLane, 'superseded' | 'abandoned'>,
): ClaimedLane | null {
  const state = lane.pending[0];
  if (state === undefined || lane.lease === null) return null;
  return {
    taskId: record.taskId,
    tenantId: record.tenantId,
    taskName: record.spec.taskName,
    traceparent: record.traceparent,
    submittedAtMs: record.submitAtMs,
    url: lane.url,
    endpoint: endpointOf(record.tenantId, lane.url),
    events: lane.events,
    token: lane.lease.token,
    leaseUntilMs: lane.lease.untilMs,
    state,
    sinceMs: waitingSinceMs(lane),
    tries: lane.tries,
    replay: lane.replay?.outcome === 'waiting' ? lane.replay.replayId : null,
    pending: [...lane.pending],
    run: runs[state.attempt - 1] ?? null,
    ...taken,
  };
}

/** What tests look at of a task, as persistence would show it. */
function asRecord(task: MemoryTask): TaskRecord {
  const { lane } = task;
  const instant = (name: string, atMs: number | null) => (atMs === null ? {} : { [name]: new Date(atMs) });
  const callback = lane === null ? {} : { callback: shown(lane) };
  return {
    _id: task.record.taskId,
    tenantId: task.record.tenantId,
    taskName: task.record.spec.taskName,
    status: task.status,
    seq: task.seq,
    ...instant('callbackAt', task.callbackAtMs),
    ...instant('purgeAt', task.purgeAtMs),
    ...callback,
  } as unknown as TaskRecord;
}

function shown({ dueAtMs, notBeforeMs, lease, tries, cause, aside, ...rest }: MemoryLane) {
  const { superseded, settledBy, revivedAtMs, group, replay, triesLeft, ...lane } = rest;
  return {
    ...lane,
    pending: lane.pending.map(({ atMs, ...state }) => ({ ...state, at: new Date(atMs) })),
    attempt: tries,
    ...(dueAtMs === null ? {} : { dueAt: new Date(dueAtMs) }),
    ...(notBeforeMs === 0 ? {} : { notBefore: new Date(notBeforeMs) }),
    ...(lease === null ? {} : { lease: shownLease(lease) }),
    ...(cause === null ? {} : { cause }),
    ...(aside === null ? {} : { aside: aside.key, asideAt: new Date(aside.atMs) }),
    ...(superseded.length === 0 ? {} : { superseded: superseded.length, supersededSeqs: [...superseded] }),
    ...(settledBy === null ? {} : { settledBy }),
    ...(revivedAtMs === null ? {} : { revivedAt: new Date(revivedAtMs) }),
    ...(group === null ? {} : { group }),
    ...(replay === null ? {} : { replay: `${replay.replayId} ${replay.outcome}` }),
    ...(triesLeft === null ? {} : { triesLeft }),
  };
}

function shownLease({ token, untilMs, sinceMs, by }: NonNullable<MemoryLane['lease']>) {
  return { token, until: new Date(untilMs), since: new Date(sinceMs), by };
}
