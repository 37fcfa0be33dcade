import type { SchedulableTask, TaskId } from '@juice/contracts';
import type { Shape } from './matching/shape.ts';
import type { Receipt } from './acknowledge.ts';
import type { Hearsay } from './hearsay.ts';
import type { Rank, Slot } from './indexed-heap.ts';
import type { Tenant } from './tenant.ts';

/**
 * Wanted and recorded: what MongoDB holds of a live task once this frame is stored. Flat, with what tasks share held once,
 * for there may be a million of them. `live` is null while it waits.
 */
export interface Task {
  readonly taskId: TaskId;
  readonly tenant: Tenant;
  readonly taskName: string;
  readonly shape: Shape;
  readonly retry: number;
  readonly priority: number;
  readonly callback: SchedulableTask['callback'];
  readonly submittedAtMs: number;
  /** How long it may wait for room, each time. */
  readonly patienceMs: number;
  readonly maxRunMs: number;
  readonly lostAfterMs: number | null;
  seq: number;
  /** Attempts made so far. */
  attempt: number;
  countedFailures: number;
  freeFailures: number;
  /** The next attempt is not launched before; 0: at once. */
  notBeforeMs: number;
  avoidHost: string | null;
  killWanted: boolean;
  live: Attempt | null;
  /** Where it waits for its next attempt. */
  waits: 'nowhere' | 'pausing' | 'in queue';
  /** Its places in the heap of where it waits, and among what expires in its second. */
  waitAt: number;
  expiryAt: number;
}

export interface Attempt {
  readonly mesosTaskId: string;
  readonly agentId: string;
  readonly agentHost: string;
  readonly launchedAtMs: number;
  /** Since when it has been running; 0 while it has not. */
  startedAtMs: number;
  state: 'launching' | 'running' | 'unreachable';
  readonly groupPlace: string | null;
  preempted: boolean;
  /** An update of it is in quarantine; see quarantined-update.ts. Stored. */
  quarantined: boolean;
  /** That update, as long as it is not acknowledged. */
  unread: Receipt | null;
  hearsay: Hearsay | null;
  /** Whether its ACCEPT was answered, or its stream replaced: until then KILL and RECONCILE would overtake it. */
  settled: boolean;
  /** Since when the cluster does not know where it is; 0: it does. */
  lostSinceMs: number;
  /** When to ask again about a launch without news, or for a kill without effect; 0: not. */
  askNewsAtMs: number;
  killAgainAtMs: number;
  killPauseMs: number;
}

/** Whether its attempt is to be killed: somebody asked for it, or it is to make room. */
export function isToStop({ killWanted, live }: Task): boolean {
  return killWanted || live?.preempted === true;
}

export const waitSlot: Slot<Task> = {
  get: (task) => task.waitAt,
  set: (task, at) => {
    task.waitAt = at;
  },
};

export function createTask(view: SchedulableTask, tenant: Tenant, shape: Shape): Task {
  return {
    taskId: view.taskId,
    tenant,
    taskName: view.taskName,
    shape,
    retry: view.retry,
    priority: view.priority,
    callback: view.callback,
    submittedAtMs: view.submittedAtMs,
    patienceMs: view.expireAtMs - view.submittedAtMs,
    maxRunMs: view.maxRunMs,
    lostAfterMs: view.lostAfterMs,
    seq: view.seq,
    attempt: view.attempt,
    countedFailures: view.countedFailures,
    freeFailures: view.freeFailures,
    notBeforeMs: view.notBeforeMs,
    avoidHost: view.avoidHost,
    killWanted: view.killRequested,
    live: null,
    waits: 'nowhere',
    waitAt: -1,
    expiryAt: -1,
  };
}

/** Takes over what MongoDB has of it that may have changed. A kill is never taken back. */
export function refreshTask(task: Task, view: SchedulableTask): void {
  task.seq = view.seq;
  task.attempt = view.attempt;
  task.countedFailures = view.countedFailures;
  task.freeFailures = view.freeFailures;
  task.notBeforeMs = view.notBeforeMs;
  task.avoidHost = view.avoidHost;
  task.killWanted ||= view.killRequested;
}

/** Until when it may wait for room. Each wait counts for itself: a task that ran for long is not expired by that. */
export function deadlineOf(task: Task): number {
  return waitsSinceMs(task) + task.patienceMs;
}

export function waitsSinceMs({ submittedAtMs, notBeforeMs }: Task): number {
  return Math.max(submittedAtMs, notBeforeMs);
}

/** Higher priority first, then the older task. */
export function comesBefore(a: Task, b: Task): boolean {
  return a.priority === b.priority ? isOlder(a, b) : a.priority > b.priority;
}

/** The same order as a number, but for ties. Exact: 2^43 ms reach beyond the year 2200, and priorities to 100. */
export function rankOf({ priority, submittedAtMs }: Task): number {
  return submittedAtMs - priority * 2 ** 43;
}

export const waitRank: Rank<Task> = { key: rankOf, isFirst: comesBefore };

/** Ids, which grow with time too, are for ties: they are slow to compare. */
export function isOlder(a: Task, b: Task): boolean {
  return a.submittedAtMs < b.submittedAtMs || (a.submittedAtMs === b.submittedAtMs && a.taskId < b.taskId);
}
