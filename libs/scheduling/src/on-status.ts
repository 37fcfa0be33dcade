import { TaskState } from '@juice/contracts';
import { acknowledge, acknowledgeUnknown } from './acknowledge.ts';
import type { Commands } from './command.ts';
import { endAttempt } from './end-attempt.ts';
import type { Event, MesosState, ObservedStatus } from './event.ts';
import { hear, isHearsay } from './hearsay.ts';
import { acknowledgeUnread } from './quarantined-update.ts';
import { sendKill } from './on-task.ts';
import { canCall, heardOf, type State } from './state.ts';
import { isToStop, type Attempt, type Task } from './task.ts';
import { record } from './transitions.ts';

type StatusReceived = Extract<Event, { kind: 'status.received' }>;
type AttemptIdentified = Extract<Event, { kind: 'attempt.identified' }>;

/**
 * The cluster's word on an attempt. Updates may be repeated, late, out of order, and without a uuid (the master's own):
 * all are facts. What changes nothing is not written; what has a uuid is acknowledged either way, after the write.
 */
export function onStatus(state: State, event: StatusReceived, out: Commands): void {
  const { status } = event;
  heardOf(state, status.mesosTaskId);
  const task = state.attempts.get(status.mesosTaskId);
  if (task === undefined) {
    onUnknownAttempt(state, status, out);
    return;
  }
  // Whatever the cluster says, it has taken the launch in: nothing can overtake it any more.
  const { live } = task;
  if (live !== null) live.settled = true;
  observe(state, task, event, out);
  acknowledge(status, task.taskId, out);
  if (live !== null) acknowledgeUnread(live, task.taskId, out);
}

function observe(state: State, task: Task, event: StatusReceived, out: Commands): void {
  const { live } = task;
  if (live === null) return;
  const wasLost = live.lostSinceMs > 0;
  note(state, task, event, out);
  const isBack = wasLost && live.lostSinceMs === 0 && live.hearsay === null && task.live === live;
  // A kill that was asked for meanwhile has reached nobody.
  if (isBack && isToStop(task)) {
    live.killPauseMs = state.policy.askAgainMs;
    sendKill(state, task, event.atMs, out);
  }
}

function note(state: State, task: Task, { status, atMs }: StatusReceived, out: Commands): void {
  const { live } = task;
  if (live === null) return;
  switch (status.state) {
    case 'TASK_STAGING':
      found(live, atMs + state.policy.launchNewsMs);
      return;
    case 'TASK_STARTING':
    case 'TASK_KILLING':
      found(live, 0);
      return;
    case 'TASK_RUNNING':
      found(live, 0);
      live.startedAtMs ||= atMs;
      if (live.state === 'running') return;
      live.state = 'running';
      record(task, out, { ...said(status, atMs), status: TaskState.RUNNING, change: { kind: 'run' } });
      return;
    case 'TASK_UNREACHABLE':
      live.lostSinceMs ||= atMs;
      if (live.state === 'unreachable') return;
      live.state = 'unreachable';
      record(task, out, { ...said(status, atMs), status: TaskState.UNREACHABLE, change: { kind: 'unreachable' } });
      return;
    case 'TASK_UNKNOWN':
      // By itself no end: the agent may not be back yet. But a kill that was asked for has nothing left to kill.
      live.lostSinceMs ||= atMs;
      if (task.killWanted) endAttempt(state, task, status, atMs, out);
      return;
    case 'TASK_FINISHED':
    case 'TASK_FAILED':
    case 'TASK_KILLED':
      if (isHearsay(live, status)) {
        found(live, 0);
        hear(state, live, status, atMs);
        return;
      }
      endAttempt(state, task, status, atMs, out);
      return;
    case 'TASK_ERROR':
    case 'TASK_LOST':
    case 'TASK_DROPPED':
    case 'TASK_GONE':
    case 'TASK_GONE_BY_OPERATOR':
      endAttempt(state, task, status, atMs, out);
      return;
    default:
      status.state satisfies never;
  }
}

function found(live: Attempt, askNewsAtMs: number): void {
  live.lostSinceMs = 0;
  live.askNewsAtMs = askNewsAtMs;
}

function said(status: ObservedStatus, atMs: number): { atMs: number; message: string; reason: string | null } {
  return { atMs, message: status.message, reason: status.reason };
}

const alive: ReadonlySet<MesosState> = new Set(['TASK_STAGING', 'TASK_STARTING', 'TASK_RUNNING']);

/**
 * An attempt that is not live any more, or never was ours: acknowledged. Where it runs, the store is asked whose it is:
 * one that was given up while its agent was away, by whichever leader, is killed; a wholly unknown one is left alone.
 */
function onUnknownAttempt(state: State, status: ObservedStatus, out: Commands): void {
  const { mesosTaskId, agentId } = status;
  out.explain.push({ kind: 'status.unknown', mesosTaskId, state: status.state });
  if (alive.has(status.state)) out.identify.push({ mesosTaskId, agentId });
  acknowledgeUnknown(state, status, out);
}

export function onAttemptIdentified(state: State, event: AttemptIdentified, out: Commands): void {
  const { mesosTaskId, agentId } = event;
  // Loaded meanwhile: then it is not over at all.
  if (state.attempts.has(mesosTaskId) || !canCall(state)) return;
  out.explain.push({ kind: 'attempt.superseded', mesosTaskId });
  out.call.push({ kind: 'kill', taskId: null, mesosTaskId, agentId });
}
