import { isEndState, type TaskId, type TaskState } from '@juice/contracts';
import { endpointOf, replayUnderWay } from './lane-keys.ts';
import type { AttemptRecord, CallbackLane, PendingRecord, TaskRecord } from './task-record.ts';

/** A state that is to be called back. */
export interface PendingState {
  readonly seq: number;
  readonly status: TaskState;
  /** The attempt it is about; 0 when the task ended without one. */
  readonly attempt: number;
  readonly message: string;
  readonly reason: string | null;
  readonly atMs: number;
  readonly exitCode: number | null;
}

/** Where the attempt that a state is about was launched. */
export interface CalledBackRun {
  readonly mesosTaskId: string;
  readonly frameworkId: string;
  readonly agentId: string;
  readonly agentHost: string;
  readonly agentPort: number | null;
  readonly launchedAtMs: number;
}

/** A lane under a worker's lease, with all it takes to send its oldest pending state. */
export interface ClaimedLane {
  readonly taskId: TaskId;
  readonly tenantId: string;
  readonly taskName: string;
  readonly traceparent: string | null;
  readonly submittedAtMs: number;
  readonly url: string;
  readonly events: 'all' | 'terminal';
  /** The lease: whoever settles must still have it. */
  readonly token: string;
  readonly leaseUntilMs: number;
  /** `<tenant> <origin>`: whose callbacks share a fate. */
  readonly endpoint: string;
  /** The oldest pending state: the one to send. */
  readonly state: PendingState;
  /** Since when it waits: since it came to be, or since the lane was revived. */
  readonly sinceMs: number;
  /** How often `state` was tried before. */
  readonly tries: number;
  /** The replay that it is under; null: none. */
  readonly replay: string | null;
  /** Every pending state as of the claim, `state` first. */
  readonly pending: readonly PendingState[];
  /** null when the state is about no attempt. */
  readonly run: CalledBackRun | null;
  /** Seqs dropped by this claim: the lane was held or dead, and newer states have overtaken them. */
  readonly superseded: readonly number[];
  /** The worker whose lease ended before it had settled: whether the state was sent then is not known. null: none. */
  readonly abandoned: Abandoned | null;
}

export interface Abandoned {
  readonly by: string;
  readonly sinceMs: number;
}

/** What a claim reads. */
export const laneProjection = {
  tenantId: 1,
  taskName: 1,
  traceparent: 1,
  submitAt: 1,
  attempts: 1,
  callback: 1,
} as const;

export type StoredLane = Pick<
  TaskRecord,
  '_id' | 'tenantId' | 'taskName' | 'traceparent' | 'submitAt' | 'attempts' | 'callback'
>;

/** A stored lane, just leased, as its claim; null when nothing is pending. */
export function asClaimedLane(
  stored: StoredLane,
  taken: Pick<ClaimedLane, 'superseded' | 'abandoned'> = { superseded: [], abandoned: null },
): ClaimedLane | null {
  const { callback: lane } = stored;
  const oldest = lane?.pending[0];
  if (lane?.lease === undefined || oldest === undefined) return null;
  const pending = lane.pending.map(asPendingState);
  const state = asPendingState(oldest);
  const run = stored.attempts[state.attempt - 1];
  return {
    taskId: stored._id,
    tenantId: stored.tenantId,
    taskName: stored.taskName,
    traceparent: stored.traceparent ?? null,
    submittedAtMs: stored.submitAt.getTime(),
    url: lane.url,
    endpoint: endpointOf(stored.tenantId, lane.url),
    events: lane.events,
    token: lane.lease.token,
    leaseUntilMs: lane.lease.until.getTime(),
    state,
    sinceMs: waitingSinceMs(oldest, lane),
    tries: lane.attempt,
    replay: replayUnderWay(lane.replay),
    pending,
    run: run === undefined ? null : asRun(run),
    ...taken,
  };
}

export function waitingSinceMs(
  oldest: Pick<PendingRecord, 'at'>,
  { revivedAt }: Pick<CallbackLane, 'revivedAt'>,
): number {
  return Math.max(oldest.at.getTime(), revivedAt?.getTime() ?? 0);
}

/** Seqs of the states that a newer one has overtaken. An end state is never among them. */
export function overtaken(pending: CallbackLane['pending']): readonly number[] {
  return pending
    .slice(0, -1)
    .filter(({ status }) => !isEndState(status))
    .map(({ seq }) => seq);
}

function asPendingState({ at, ...state }: PendingRecord): PendingState {
  return { ...state, atMs: at.getTime() };
}

function asRun(attempt: AttemptRecord): CalledBackRun {
  const { mesosTaskId, frameworkId, agentId, agentHost, agentPort, launchedAt } = attempt;
  return { mesosTaskId, frameworkId, agentId, agentHost, agentPort, launchedAtMs: launchedAt.getTime() };
}
