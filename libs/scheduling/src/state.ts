import type { SchedulableTask, TaskId } from '@juice/contracts';
import { Heap } from './heap.ts';
import type { ObservedStatus, Offer } from './event.ts';
import { KnownHosts } from './known-hosts.ts';
import type { Policy } from './policy.ts';
import { shapeOf, WaitingTasks, type Entry } from './waiting-tasks.ts';

/**
 * What the scheduler knows, private to the core and changed only by `decide`. It is rebuilt from MongoDB at every
 * takeover: nothing here is the only copy of anything.
 */
export interface State {
  readonly policy: Policy;
  readonly cluster: ClusterView;
  readonly tasks: Map<TaskId, Task>;
  /** The live attempt of each task, by its Mesos task id. */
  readonly attempts: Map<string, Task>;
  readonly waiting: WaitingTasks;
  /** How often a task was put where tasks wait; each time is a ticket. */
  tickets: number;
  /** Tasks whose next attempt must not start yet, by that instant. */
  readonly pausing: Heap<Due & { readonly ticket: number }>;
  /** Waiting tasks by the instant at which they expire; entries of tasks that no longer wait are skipped. */
  readonly expiring: Heap<Due>;
  readonly offers: Map<string, HeldOffer>;
  readonly hosts: KnownHosts;
  readonly lastWords: LastWords;
  readonly reconciliation: Reconciliation;
  /** Launches that the master may be asked for now; refilled by time. */
  readonly launchBudget: { tokens: number; atMs: number };
}

export interface ClusterView {
  frameworkId: string | null;
  subscribed: boolean;
  /** Whether every live task has been loaded: before that nothing is launched or reconciled. */
  loaded: boolean;
  suppressed: boolean;
  /** Whether filters of ours may keep offers away that a new task could use, and whether such a task has come. */
  filtered: boolean;
  newWork: boolean;
  lastReviveMs: number;
}

/**
 * How the cluster ended the attempts of the frame being decided and of the one before it: a write of the latter that
 * missed is decided anew from here.
 */
export interface LastWords {
  current: Map<TaskId, ObservedStatus>;
  previous: Map<TaskId, ObservedStatus>;
}

export interface HeldOffer {
  readonly offer: Offer;
  readonly receivedMs: number;
}

export interface Reconciliation {
  /** Mesos task ids that the cluster is asked about and has not answered yet. */
  readonly unanswered: Set<string>;
  /** Those of them that the next calls will name: a batch at a time, for the answers all come at once. */
  readonly queued: Set<string>;
  /** When what is unanswered is asked about again, and the pause after that. */
  nextAskMs: number;
  pauseMs: number;
  /** When every live attempt is asked about again, and when the cluster is asked for all it knows. */
  nextExplicitMs: number;
  nextImplicitMs: number;
}

/** Wanted and recorded: what MongoDB holds of a task once this frame is stored. `live` is null while it waits. */
export interface Task {
  view: SchedulableTask;
  killWanted: boolean;
  live: Attempt | null;
  /** Of its only good entry among those that wait or pause. */
  ticket: number;
}

export interface Attempt {
  readonly mesosTaskId: string;
  readonly agentId: string;
  readonly agentHost: string;
  readonly launchedAtMs: number;
  /** Since when it has been running; 0 while it has not. */
  startedAtMs: number;
  state: 'launching' | 'running' | 'unreachable';
  /** Whether its ACCEPT was answered, or its stream replaced: until then KILL and RECONCILE would overtake it. */
  settled: boolean;
  /** Since when the cluster does not know where it is; 0: it does. */
  lostSinceMs: number;
  /** When to ask again about a launch without news, or for a kill without effect; 0: not. */
  askNewsAtMs: number;
  killAgainAtMs: number;
  killPauseMs: number;
}

/** Of two things that come at an instant: the earlier, then that of the older task. */
function earlier(a: Due, b: Due): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.taskId < b.taskId);
}

interface Due {
  readonly taskId: TaskId;
  readonly atMs: number;
}

export function createState(policy: Policy): State {
  return {
    policy,
    cluster: {
      frameworkId: null,
      subscribed: false,
      loaded: false,
      suppressed: false,
      filtered: false,
      newWork: false,
      lastReviveMs: 0,
    },
    tasks: new Map(),
    attempts: new Map(),
    waiting: new WaitingTasks(),
    tickets: 0,
    pausing: new Heap<Due & { readonly ticket: number }>(earlier),
    expiring: new Heap(earlier),
    offers: new Map(),
    hosts: new KnownHosts(),
    lastWords: { current: new Map(), previous: new Map() },
    reconciliation: {
      unanswered: new Set(),
      queued: new Set(),
      nextAskMs: 0,
      pauseMs: policy.askAgainMs,
      nextExplicitMs: 0,
      nextImplicitMs: 0,
    },
    launchBudget: { tokens: policy.launchBurst, atMs: 0 },
  };
}

/** Puts a task without a live attempt where it waits: in the queue, or among those pausing before their next attempt. */
export function queueTask(state: State, task: Task, atMs: number): void {
  const { taskId, notBeforeMs } = task.view;
  state.tickets += 1;
  task.ticket = state.tickets;
  if (notBeforeMs > atMs) state.pausing.push({ taskId, atMs: notBeforeMs, ticket: task.ticket });
  else enterQueue(state, task);
  state.expiring.push({ taskId, atMs: deadlineOf(task) });
}

/** Until when it may wait. Each wait counts for itself: a task that ran for days is not expired by that. */
export function deadlineOf({ view }: Task): number {
  return view.expireAtMs + Math.max(0, view.notBeforeMs - view.submittedAtMs);
}

/** Ends the pauses that are over. */
export function endPauses(state: State, atMs: number): void {
  for (let next = state.pausing.peek(); next !== undefined && next.atMs <= atMs; next = state.pausing.peek()) {
    state.pausing.pop();
    const task = state.tasks.get(next.taskId);
    if (task !== undefined && isGood(task, next)) enterQueue(state, task);
  }
}

function enterQueue(state: State, task: Task): void {
  const { taskId, priority, avoidHost, notBeforeMs } = task.view;
  const avoid = avoidHost === null ? null : { host: avoidHost, untilMs: notBeforeMs + state.policy.avoidHostMs };
  state.waiting.add({ taskId, ticket: task.ticket, priority, avoid }, shapeOf(task.view), task.view);
  state.cluster.newWork = true;
}

/** Whether an entry of the queue stands for a task that waits. */
export function isWaiting(state: State, entry: Entry): boolean {
  const task = state.tasks.get(entry.taskId);
  return task !== undefined && isGood(task, entry);
}

function isGood(task: Task, { ticket }: { readonly ticket: number }): boolean {
  return task.live === null && task.ticket === ticket;
}

/** Forgets a task and its attempt; heaps skip it later. */
export function forgetTask(state: State, task: Task): void {
  state.tasks.delete(task.view.taskId);
  forgetAttempt(state, task);
}

export function forgetAttempt(state: State, task: Task): void {
  if (task.live === null) return;
  state.attempts.delete(task.live.mesosTaskId);
  heardOf(state, task.live.mesosTaskId);
  task.live = null;
}

/** The cluster has answered, or nobody needs its answer any more. */
export function heardOf(state: State, mesosTaskId: string): void {
  state.reconciliation.unanswered.delete(mesosTaskId);
  state.reconciliation.queued.delete(mesosTaskId);
}

/** Whether the cluster may be called now. */
export function canCall(state: State): boolean {
  return state.cluster.subscribed && state.cluster.loaded;
}

/** Counts for gauges. */
export function describeState(state: State): { waiting: number; live: number; offers: number; suppressed: boolean } {
  return {
    waiting: state.tasks.size - state.attempts.size,
    live: state.attempts.size,
    offers: state.offers.size,
    suppressed: state.cluster.suppressed,
  };
}
