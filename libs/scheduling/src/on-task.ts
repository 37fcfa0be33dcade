import { TaskState, type LiveAttempt, type LiveTask } from '@juice/contracts';
import type { Commands } from './command.ts';
import type { Event } from './event.ts';
import { acknowledge } from './acknowledge.ts';
import { endAttempt, loseToRemoval } from './end-attempt.ts';
import { askForNews } from './on-reconciliation.ts';
import { canCall, forgetAttempt, forgetTask, queueTask, unqueue, type State } from './state.ts';
import { createTask, isToStop, refreshTask, type Attempt, type Task } from './task.ts';
import { record } from './transitions.ts';
import { enter } from './usage.ts';

type Loaded = Extract<Event, { kind: 'task.loaded' }>;
type Conflicted = Extract<Event, { kind: 'task.conflicted' }>;

/**
 * A task as MongoDB has it. The reading may be older than what the core knows, so of a known task only a requested kill
 * (which is never taken back) and a higher seq count.
 */
export function onTaskLoaded(state: State, event: Loaded, out: Commands): void {
  const known = state.tasks.get(event.taskId);
  if (event.live === null) {
    // Ended: by the api, which kills tasks that wait. A live attempt is ended by the cluster's word alone.
    if (known !== undefined && known.live === null) forgetTask(state, known);
    return;
  }
  if (known === undefined) {
    adopt(state, event.live, event.atMs, out);
    return;
  }
  if (event.live.task.seq > known.seq) {
    replace(state, known, event.live, event.atMs, out);
  } else if (event.live.task.killRequested) {
    wantKill(state, known, event.atMs, out);
  }
}

/** A guarded write missed: MongoDB's view replaces ours, and what the cluster last said of the attempt is decided anew. */
export function onTaskConflicted(state: State, event: Conflicted, out: Commands): void {
  const known = state.tasks.get(event.taskId);
  if (event.live === null) {
    if (known !== undefined) forgetTask(state, known);
    return;
  }
  const ended = state.lastWords.previous.get(event.taskId);
  if (ended === undefined || event.live.live?.mesosTaskId !== ended.mesosTaskId) {
    if (known === undefined) adopt(state, event.live, event.atMs, out);
    else replace(state, known, event.live, event.atMs, out);
    return;
  }
  const task = known ?? meet(state, event.live);
  if (known !== undefined) refresh(state, known, event.live);
  setLive(state, task, event.live.live, event.atMs);
  endAttempt(state, task, ended, event.atMs, out);
  acknowledge(ended, event.taskId, out);
}

function adopt(state: State, live: LiveTask, atMs: number, out: Commands): void {
  place(state, meet(state, live), live, atMs, out);
}

function meet(state: State, { task: view }: LiveTask): Task {
  const task = createTask(view, state.tenants.get(view.tenantId), state.shapes.hold(view));
  state.tasks.set(task.taskId, task);
  return task;
}

function replace(state: State, task: Task, fresh: LiveTask, atMs: number, out: Commands): void {
  const { live } = task;
  if (live !== null && live.mesosTaskId === fresh.live?.mesosTaskId) {
    // The same attempt: whether its ACCEPT was answered, and what is asked of it, is known to us alone.
    refreshTask(task, fresh.task);
    live.state = fresh.live.state;
    live.quarantined = fresh.live.quarantined;
    // Its mark was not written, and so nobody was told to kill it.
    if (live.preempted && !fresh.live.preempted) live.killAgainAtMs = 0;
    live.preempted = fresh.live.preempted;
    if (isToStop(task) && live.killAgainAtMs === 0) sendKill(state, task, atMs, out);
    return;
  }
  refresh(state, task, fresh);
  place(state, task, fresh, atMs, out);
}

/** Takes the task from where it is, for what it waits by may change. */
function refresh(state: State, task: Task, fresh: LiveTask): void {
  unqueue(state, task);
  forgetAttempt(state, task);
  refreshTask(task, fresh.task);
}

function place(state: State, task: Task, { live }: LiveTask, atMs: number, out: Commands): void {
  if (live !== null) {
    const attempt = setLive(state, task, live, atMs);
    const { frameworkId } = state.cluster;
    if (frameworkId !== null && live.frameworkId !== frameworkId) {
      loseToRemoval(state, task, atMs, out);
      return;
    }
    askForNews(state, [attempt], atMs, out);
    if (isToStop(task)) sendKill(state, task, atMs, out);
  } else if (task.killWanted) {
    endWaiting(state, task, killed, atMs, out);
  } else {
    queueTask(state, task, atMs);
  }
}

function setLive(state: State, task: Task, live: LiveAttempt, atMs: number): Attempt {
  const attempt: Attempt = {
    mesosTaskId: live.mesosTaskId,
    agentId: live.agentId,
    agentHost: live.agentHost,
    launchedAtMs: live.launchedAtMs,
    startedAtMs: live.startedAtMs,
    state: live.state,
    groupPlace: live.groupPlace,
    preempted: live.preempted,
    quarantined: live.quarantined,
    unread: null,
    hearsay: null,
    // Written by an earlier leader: no ACCEPT of this stream holds it.
    settled: true,
    lostSinceMs: live.state === 'unreachable' ? atMs : 0,
    askNewsAtMs: live.state === 'launching' ? atMs + state.policy.launchNewsMs : 0,
    killAgainAtMs: 0,
    killPauseMs: state.policy.askAgainMs,
  };
  task.live = attempt;
  state.attempts.set(live.mesosTaskId, task);
  enter(state, task, live.agentId, live.groupPlace);
  return attempt;
}

/** A tenant's kill: a waiting task ends at once; a live one is killed in the cluster, again and again until it ends. */
export function wantKill(state: State, task: Task, atMs: number, out: Commands): void {
  if (task.live === null) {
    endWaiting(state, task, killed, atMs, out);
    return;
  }
  if (task.killWanted) return;
  task.killWanted = true;
  sendKill(state, task, atMs, out);
}

/** Sends KILL for a task's live attempt, unless its ACCEPT is still unanswered: then the answer sends it. */
export function sendKill(state: State, task: Task, atMs: number, out: Commands): void {
  const { live } = task;
  if (live === null || !live.settled || !canCall(state)) return;
  live.killAgainAtMs = atMs + live.killPauseMs;
  live.killPauseMs = Math.min(live.killPauseMs * 2, state.policy.askAgainMostMs);
  out.call.push({
    kind: 'kill',
    taskId: task.taskId,
    mesosTaskId: live.mesosTaskId,
    agentId: live.agentId || null,
  });
}

const killed: Ending = { status: TaskState.KILLED, message: 'task is killed' };

export interface Ending {
  readonly status: TaskState;
  readonly message: string;
}

export function endWaiting(state: State, task: Task, ending: Ending, atMs: number, out: Commands): void {
  record(task, out, { ...ending, atMs, reason: null, change: { kind: 'none' } });
  forgetTask(state, task);
}
