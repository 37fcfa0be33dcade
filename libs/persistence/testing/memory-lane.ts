import { isEndState, type TaskId, type TaskTransition } from '@juice/contracts';
import {
  causeOf,
  endpointOf,
  type Aside,
  type ClaimedLane,
  type ListedLane,
  type NewTask,
  type PendingState,
  type TaskRecord,
} from '../src/index.ts';

/** A task's lane as the memory keeps it. */
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

/** A task, as far as its lane and those who ask about it need one. */
export interface MemoryTask {
  readonly record: NewTask;
  readonly runs: ClaimedLane['run'][];
  readonly lane: MemoryLane | null;
  status: TaskRecord['status'];
  seq: number;
  callbackAtMs: number | null;
  purgeAtMs: number | null;
}

export function newTask(record: NewTask): MemoryTask {
  const { callbackUrl: url, callbackEvents: events } = record.spec;
  const times = { dueAtMs: null, notBeforeMs: 0, lease: null, aside: null };
  const empty = { ...times, pending: [], tries: 0, cause: null, superseded: [], settledBy: null, revivedAtMs: null };
  const notDead = { group: null, replay: null, triesLeft: null };
  const lane: MemoryLane | null = url === null ? null : { url, events, state: 'idle', ...empty, ...notDead };
  return { record, lane, runs: [], status: -1, seq: 0, callbackAtMs: null, purgeAtMs: null };
}

export function push(task: MemoryTask | undefined, transition: TaskTransition): boolean {
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

export function listed({ record, lane }: MemoryTask): ListedLane {
  if (lane === null) throw new Error('a task without a lane is not listed');
  const { taskId, tenantId } = record;
  const endpoint = endpointOf(tenantId, lane.url);
  return { taskId, tenantId, endpoint, state: lane.state, freeAtMs: freeAtMs(lane), sinceMs: waitingSinceMs(lane) };
}

function waitingSinceMs({ pending, revivedAtMs }: MemoryLane): number {
  return Math.max(pending[0]?.atMs ?? 0, revivedAtMs ?? 0);
}

export function freeAtMs({ notBeforeMs, lease }: MemoryLane): number {
  return Math.max(notBeforeMs, lease?.untilMs ?? 0);
}

export function setAside(
  lane: MemoryLane,
  { taskId, endpoint }: { taskId: TaskId; endpoint: string },
  aside: Aside,
): void {
  const { state, reason, atMs, dueAtMs } = aside;
  Object.assign(lane, { state, dueAtMs, aside: { key: `waits ${endpoint} ${taskId}`, atMs }, group: null });
  if (state === 'held') lane.cause = causeOf(endpoint, reason);
}

/** A lane that was held or dead goes on, with the newest state. Tries are those of the oldest one. */
export function wake(lane: MemoryLane): readonly number[] {
  const oldest = lane.pending[0]?.seq ?? 0;
  const superseded = dropOvertaken(lane);
  if (lane.state === 'dead' || superseded.includes(oldest)) lane.tries = 0;
  Object.assign(lane, { cause: null, notBeforeMs: 0 });
  return superseded;
}

export function settleReplay(lane: MemoryLane, { replay }: ClaimedLane, outcome: 'delivered' | 'dead'): void {
  if (replay !== null) lane.replay = { replayId: replay, outcome };
}

export function dropOvertaken(lane: MemoryLane): readonly number[] {
  const dropped = lane.pending.slice(0, -1).filter(({ status }) => !isEndState(status));
  lane.pending = lane.pending.filter((state) => !dropped.includes(state));
  lane.superseded.push(...dropped.map(({ seq }) => seq));
  return dropped.map(({ seq }) => seq);
}

export function asClaimed(
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
export function asRecord(task: MemoryTask): TaskRecord {
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
