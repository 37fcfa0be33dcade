import type { LaunchStops, TaskId } from '@juice/contracts';
import type { ObservedStatus, Offer } from './event.ts';
import { Deadlines } from './deadlines.ts';
import { IndexedHeap, type Rank } from './indexed-heap.ts';
import { AgentBook } from './matching/agent-book.ts';
import type { Patterns } from './matching/constraint.ts';
import { Groups } from './matching/groups.ts';
import type { Preemption } from './matching/preemption.ts';
import { Reservations } from './matching/reservations.ts';
import { Shapes, type Shape } from './matching/shape.ts';
import type { Policy } from './policy.ts';
import { waitSlot, type Task } from './task.ts';
import { Tenants } from './tenant.ts';
import { leave } from './usage.ts';

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
  readonly tenants: Tenants;
  readonly shapes: Shapes;
  /** Tasks whose next attempt must not start yet, by that instant. */
  readonly pausing: IndexedHeap<Task>;
  /** When waiting tasks expire. */
  readonly expiring: Deadlines;
  readonly offers: Map<string, HeldOffer>;
  readonly agents: AgentBook;
  readonly groups: Groups;
  readonly reservations: Reservations;
  readonly preemption: Preemption;
  /** Where tasks of a group's shape could run, as of a version of `agents`. */
  readonly places: WeakMap<Shape, { readonly version: number; readonly names: ReadonlySet<string> }>;
  readonly lastWords: LastWords;
  readonly reconciliation: Reconciliation;
  /** What the operator has stopped. */
  launchStops: LaunchStops;
  /** Launches that the master may be asked for now; refilled by time. */
  readonly launchBudget: { tokens: number; atMs: number };
  /** Whether anything has come or changed since the last cycle that could be placed, or be a place. */
  mayMatch: boolean;
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

/** `patterns` compiles what constraints compare by (see Patterns). */
export function createState(policy: Policy, patterns: Patterns): State {
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
    tenants: new Tenants(policy.tenantLimits),
    shapes: new Shapes(patterns),
    pausing: new IndexedHeap<Task>(pauseRank, waitSlot),
    expiring: new Deadlines(),
    offers: new Map(),
    agents: new AgentBook(),
    groups: new Groups(),
    reservations: new Reservations(),
    preemption: { nextMs: 0, inVain: new Map() },
    places: new WeakMap(),
    lastWords: { current: new Map(), previous: new Map() },
    reconciliation: {
      unanswered: new Set(),
      queued: new Set(),
      nextAskMs: 0,
      pauseMs: policy.askAgainMs,
      nextExplicitMs: 0,
      nextImplicitMs: 0,
    },
    launchStops: { all: null, roles: new Map() },
    launchBudget: { tokens: policy.launchBurst, atMs: 0 },
    mayMatch: false,
  };
}

const pauseRank: Rank<Task> = { key: ({ notBeforeMs }) => notBeforeMs, isFirst: (a, b) => a.taskId < b.taskId };

/** Puts a task without a live attempt where it waits: in the queue, or among those pausing before their next attempt. */
export function queueTask(state: State, task: Task, atMs: number): void {
  unqueue(state, task);
  state.expiring.add(task);
  if (task.notBeforeMs <= atMs) return enterQueue(state, task);
  task.waits = 'pausing';
  state.pausing.push(task);
}

/** Ends the pauses that are over. */
export function endPauses(state: State, atMs: number): void {
  for (let next = state.pausing.peek(); next !== undefined && next.notBeforeMs <= atMs; next = state.pausing.peek()) {
    state.pausing.pop();
    enterQueue(state, next);
  }
}

function enterQueue(state: State, task: Task): void {
  task.waits = 'in queue';
  task.tenant.queue.add(task);
  state.cluster.newWork = true;
  state.mayMatch = true;
}

/** It waits no longer: it is launched, or forgotten, or its waiting begins anew. */
export function unqueue(state: State, task: Task): void {
  if (task.waits === 'in queue') task.tenant.queue.remove(task);
  else if (task.waits === 'pausing') state.pausing.remove(task);
  task.waits = 'nowhere';
  if (task.expiryAt >= 0) state.expiring.remove(task);
}

/** Forgets a task and its attempt. */
export function forgetTask(state: State, task: Task): void {
  state.tasks.delete(task.taskId);
  unqueue(state, task);
  forgetAttempt(state, task);
  state.shapes.release(task.shape);
}

export function forgetAttempt(state: State, task: Task): void {
  const { live } = task;
  if (live === null) return;
  state.attempts.delete(live.mesosTaskId);
  heardOf(state, live.mesosTaskId);
  leave(state, task, live.agentId, live.groupPlace);
  task.live = null;
  // Its tenant may have been at a limit.
  state.mayMatch = true;
}

/** The cluster has answered, or nobody needs its answer any more. */
export function heardOf(state: State, mesosTaskId: string): void {
  state.reconciliation.unanswered.delete(mesosTaskId);
  state.reconciliation.queued.delete(mesosTaskId);
}

/** An offer that is not to be used (any more). */
export function dropOffer(state: State, offerId: string): void {
  const held = state.offers.get(offerId);
  if (held === undefined) return;
  state.offers.delete(offerId);
  state.agents.withdrawn(held.offer);
}

export function dropAllOffers(state: State): void {
  for (const offerId of [...state.offers.keys()]) dropOffer(state, offerId);
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
