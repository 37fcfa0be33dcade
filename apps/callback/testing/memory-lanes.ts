import { isEndState, type TaskId, type TaskTransition } from '@juice/contracts';
import type {
  CallbackAttempt,
  ClaimedLane,
  DeliveryStore,
  InsertOutcome,
  NewTask,
  PendingState,
  Settled,
  TaskRecord,
  TaskStore,
} from '@juice/persistence';

/**
 * Delivery lanes in memory, with what a test needs of a task store beside them. Held to persistence's own contract suite
 * (memory-lanes.spec.ts). Every operation is one step of the event loop; `failNext` makes the next ones fail.
 */
export interface MemoryLanes {
  readonly tasks: Pick<TaskStore, 'insertTasks' | 'applyTransitions' | 'findTasks' | 'requestKill'>;
  readonly deliveries: DeliveryStore;
  readonly attempts: readonly CallbackAttempt[];
  /** Called before every operation of the delivery store: may throw in its place. */
  onOperation: (operation: keyof DeliveryStore) => void;
}

const retentionMs = 86_400_000;

interface Lane {
  url: string;
  events: 'all' | 'terminal';
  state: 'idle' | 'pending' | 'leased' | 'held' | 'dead';
  pending: PendingState[];
  dueAtMs: number | null;
  notBeforeMs: number;
  lease: { token: string; untilMs: number } | null;
  tries: number;
  cause: string | null;
  superseded: number;
  settledBy: string | null;
}

interface Task {
  readonly record: NewTask;
  readonly runs: ClaimedLane['run'][];
  readonly lane: Lane | null;
  status: TaskRecord['status'];
  seq: number;
  callbackAtMs: number | null;
  purgeAtMs: number | null;
}

const stale: Settled = { applied: false, superseded: [] };
const applied: Settled = { applied: true, superseded: [] };

export function createMemoryLanes(): MemoryLanes {
  const all = new Map<TaskId, Task>();
  const attempts = new Map<string, CallbackAttempt>();
  const laneOf = (taskId: TaskId): Lane | null => all.get(taskId)?.lane ?? null;

  /** The lane, when the lease is still this worker's. */
  function leasedTo({ taskId, token }: ClaimedLane): Lane | null {
    const lane = laneOf(taskId);
    return lane?.lease?.token === token ? lane : null;
  }

  function endLease(claimed: ClaimedLane, change: (lane: Lane) => Settled | void): Settled {
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
        .map(({ taskId }) => taskId);
    },
    async nextDueAt() {
      made.onOperation('nextDueAt');
      return dueOnes(all)[0]?.dueAtMs ?? null;
    },
    async claim(taskId, { nowMs, token, leaseMs }) {
      made.onOperation('claim');
      const task = all.get(taskId);
      const lane = task?.lane;
      if (task === undefined || lane === undefined || lane === null || !isClaimable(lane, nowMs)) return null;
      let superseded: readonly number[] = [];
      if (lane.state === 'held' || lane.state === 'dead') {
        superseded = dropOvertaken(lane);
        Object.assign(lane, { tries: 0, cause: null, notBeforeMs: 0 });
      }
      lane.lease = { token, untilMs: nowMs + leaseMs };
      Object.assign(lane, { state: 'leased', dueAtMs: nowMs + leaseMs });
      return asClaimed(task, lane, superseded);
    },
    async postpone(taskId, nowMs) {
      made.onOperation('postpone');
      const lane = laneOf(taskId);
      if (lane === null || lane.dueAtMs === null || lane.dueAtMs > nowMs) return;
      const freeMs = Math.max(lane.notBeforeMs, lane.lease?.untilMs ?? 0);
      if (freeMs > nowMs) lane.dueAtMs = freeMs;
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
      if (lane.pending.length > 0) {
        lane.lease = { token: claimed.token, untilMs: nowMs + leaseMs };
        lane.dueAtMs = nowMs + leaseMs;
        return { ...applied, next: asClaimed(task, lane, []) };
      }
      Object.assign(lane, { state: 'idle', lease: null, dueAtMs: null, notBeforeMs: 0, settledBy: claimed.token });
      if (isEndState(claimed.state.status)) task.purgeAtMs = nowMs + retentionMs;
      return { ...applied, next: null };
    },
    async settleFailed(claimed, { retryAtMs, cause }) {
      made.onOperation('settleFailed');
      return endLease(claimed, (lane) => {
        const superseded = dropOvertaken(lane);
        const tries = superseded.includes(claimed.state.seq) ? 0 : claimed.tries + 1;
        Object.assign(lane, { state: 'pending', tries, cause, dueAtMs: retryAtMs, notBeforeMs: retryAtMs });
        return { applied: true, superseded };
      });
    },
    async settleDead(claimed, { nowMs, cause }) {
      made.onOperation('settleDead');
      return endLease(claimed, (lane) => {
        lane.notBeforeMs = 0;
        if (lane.pending.at(-1)?.seq !== claimed.state.seq && !isEndState(claimed.state.status)) {
          const superseded = dropOvertaken(lane);
          Object.assign(lane, { state: 'pending', tries: 0, cause: null, dueAtMs: nowMs });
          return { applied: true, superseded };
        }
        Object.assign(lane, { state: 'dead', tries: claimed.tries + 1, cause, dueAtMs: null });
        const task = all.get(claimed.taskId);
        const hasEnded = lane.pending.some(({ status }) => isEndState(status));
        if (task !== undefined && hasEnded) task.purgeAtMs = nowMs + retentionMs;
        return applied;
      });
    },
    async hold(claimed, cause) {
      made.onOperation('hold');
      return endLease(claimed, (lane) => {
        Object.assign(lane, { state: 'held', cause, dueAtMs: null, notBeforeMs: 0 });
      });
    },
    async release(claimed, dueAtMs) {
      made.onOperation('release');
      return endLease(claimed, (lane) => {
        Object.assign(lane, { state: 'pending', dueAtMs, notBeforeMs: dueAtMs });
      });
    },
    async revive(taskId, nowMs) {
      made.onOperation('revive');
      const task = all.get(taskId);
      const lane = laneOf(taskId);
      if (task === undefined || lane === null || (lane.state !== 'held' && lane.state !== 'dead')) return false;
      lane.dueAtMs = nowMs;
      task.purgeAtMs = null;
      return true;
    },
    async logAttempt(attempt) {
      made.onOperation('logAttempt');
      attempts.set(`${attempt.taskId}_${attempt.seq}:${attempt.try}`, attempt);
    },
  };

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
    async findTasks(_tenantId, ids) {
      return ids.flatMap((id) => all.get(id) ?? []).map(asRecord);
    },
  };

  const made: MemoryLanes = {
    tasks,
    deliveries,
    get attempts() {
      return [...attempts.values()];
    },
    onOperation: () => undefined,
  };
  return made;
}

function newTask(record: NewTask): Task {
  const { callbackUrl: url, callbackEvents: events } = record.spec;
  const times = { dueAtMs: null, notBeforeMs: 0, lease: null };
  const empty = { ...times, pending: [], tries: 0, cause: null, superseded: 0, settledBy: null };
  const lane: Lane | null = url === null ? null : { url, events, state: 'idle', ...empty };
  return { record, lane, runs: [], status: -1, seq: 0, callbackAtMs: null, purgeAtMs: null };
}

function push(task: Task | undefined, transition: TaskTransition): boolean {
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

function dueOnes(all: ReadonlyMap<TaskId, Task>): { taskId: TaskId; dueAtMs: number }[] {
  return [...all]
    .flatMap(([taskId, { lane }]) => (lane === null || lane.dueAtMs === null ? [] : { taskId, dueAtMs: lane.dueAtMs }))
    .toSorted((a, b) => a.dueAtMs - b.dueAtMs);
}

function isClaimable({ dueAtMs, notBeforeMs, lease }: Lane, nowMs: number): boolean {
  return dueAtMs !== null && dueAtMs <= nowMs && notBeforeMs <= nowMs && (lease?.untilMs ?? 0) <= nowMs;
}

function dropOvertaken(lane: Lane): readonly number[] {
  const dropped = lane.pending.slice(0, -1).filter(({ status }) => !isEndState(status));
  lane.pending = lane.pending.filter((state) => !dropped.includes(state));
  lane.superseded += dropped.length;
  return dropped.map(({ seq }) => seq);
}

function asClaimed({ record, runs }: Task, lane: Lane, superseded: readonly number[]): ClaimedLane | null {
  const state = lane.pending[0];
  if (state === undefined || lane.lease === null) return null;
  return {
    taskId: record.taskId,
    tenantId: record.tenantId,
    taskName: record.spec.taskName,
    traceparent: record.traceparent,
    submittedAtMs: record.submitAtMs,
    url: lane.url,
    events: lane.events,
    token: lane.lease.token,
    leaseUntilMs: lane.lease.untilMs,
    state,
    tries: lane.tries,
    pending: [...lane.pending],
    run: runs[state.attempt - 1] ?? null,
    superseded,
  };
}

/** What tests look at of a task, as persistence would show it. */
function asRecord(task: Task): TaskRecord {
  const { lane } = task;
  const instant = (name: string, atMs: number | null) => (atMs === null ? {} : { [name]: new Date(atMs) });
  const callback = lane === null ? {} : { callback: shown(lane) };
  return {
    _id: task.record.taskId,
    status: task.status,
    seq: task.seq,
    ...instant('callbackAt', task.callbackAtMs),
    ...instant('purgeAt', task.purgeAtMs),
    ...callback,
  } as unknown as TaskRecord;
}

function shown({ dueAtMs, notBeforeMs, lease, tries, cause, superseded, settledBy, ...lane }: Lane) {
  return {
    ...lane,
    pending: lane.pending.map(({ atMs, ...state }) => ({ ...state, at: new Date(atMs) })),
    attempt: tries,
    ...(dueAtMs === null ? {} : { dueAt: new Date(dueAtMs) }),
    ...(notBeforeMs === 0 ? {} : { notBefore: new Date(notBeforeMs) }),
    ...(lease === null ? {} : { lease: { token: lease.token, until: new Date(lease.untilMs) } }),
    ...(cause === null ? {} : { cause }),
    ...(superseded === 0 ? {} : { superseded }),
    ...(settledBy === null ? {} : { settledBy }),
  };
}
