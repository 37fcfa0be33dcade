import type { TaskId } from '@juice/contracts';
import type { State } from '../state.ts';
import type { Task } from '../task.ts';
import { nothing, add, dominantShare } from './amounts.ts';
import { couldHold, type KnownAgent } from './agent-book.ts';
import { arePenaltiesDoubtful, whyShut } from './rooms.ts';
import { shareOf, shareWith } from './fair-share.ts';

export interface Reservation {
  readonly task: Task;
  readonly agentId: string;
  readonly sinceMs: number;
  readonly untilMs: number;
}

/**
 * Agents that are kept for one task each. A task as large as an agent never finds room among small ones, which take every
 * piece as it comes free; so when the first in line has found none for a while, one agent takes nothing else for a time.
 */
export class Reservations {
  readonly #byAgent = new Map<string, Reservation>();
  readonly #byTask = new Map<TaskId, Reservation>();

  holderOf(agentId: string): TaskId | null {
    return this.#byAgent.get(agentId)?.task.taskId ?? null;
  }

  agentFor(taskId: TaskId): string | null {
    return this.#byTask.get(taskId)?.agentId ?? null;
  }

  get size(): number {
    return this.#byAgent.size;
  }

  all(): IterableIterator<Reservation> {
    return this.#byAgent.values();
  }

  make(task: Task, agentId: string, { sinceMs, untilMs }: Pick<Reservation, 'sinceMs' | 'untilMs'>): void {
    const reservation = { task, agentId, sinceMs, untilMs };
    this.#byAgent.set(agentId, reservation);
    this.#byTask.set(task.taskId, reservation);
  }

  release({ agentId, task }: Pick<Reservation, 'agentId' | 'task'>): void {
    this.#byAgent.delete(agentId);
    this.#byTask.delete(task.taskId);
  }
}

/**
 * Ends reservations that are over (their task waits no more, their time is up, their agent is gone) and makes new ones, for
 * the first task of each tenant that has found no room for a while, the tenant with the least share first. Together they
 * keep at most a tenth of the cluster, or one agent; beyond that one that is kept for a tenant with more goes to one with
 * less. A reservation whose time is up may be followed by another of the same agent, which has the most room by then.
 * Whether any was made or ended.
 */
export function reviewReservations(state: State, atMs: number): boolean {
  const { reservations, policy } = state;
  let changed = false;
  for (const reservation of [...reservations.all()]) {
    const { task, agentId, untilMs } = reservation;
    const isOn = task.waits === 'in queue' && atMs < untilMs && state.agents.get(agentId) !== undefined;
    // One like it may have come before it, from an attempt that failed: tasks alike are tried in their order.
    const first = isOn ? (task.tenant.queue.bucketOf(task.shape)?.tasks.peek() ?? task) : null;
    if (first === task) continue;
    reservations.release(reservation);
    if (first !== null && reservations.agentFor(first.taskId) === null) reservations.make(first, agentId, reservation);
    changed = true;
  }
  const ignoresPenalties = arePenaltiesDoubtful(state, atMs);
  const kept = nothing();
  for (const { agentId } of reservations.all()) add(kept, state.agents.get(agentId)?.capacity ?? nothing());
  let isFull = false;
  for (const task of firstInLine(state, atMs)) {
    const mayHold = (agent: KnownAgent): boolean => couldTake(state, agent, task, atMs, ignoresPenalties);
    const agentId = keepOneMore(task, mayHold) ?? handOver(state, task, mayHold);
    if (agentId === null) continue;
    reservations.make(task, agentId, { sinceMs: atMs, untilMs: atMs + policy.reserveMs });
    changed = true;
  }
  return changed;

  function keepOneMore(task: Task, mayHold: MayHold): string | null {
    const agent = isFull ? null : emptiestFor(state, task, mayHold);
    if (agent === null) return null;
    add(kept, agent.capacity);
    isFull = reservations.size > 0 && dominantShare(kept, state.agents.total) > policy.reserveShare;
    return isFull ? null : agent.agentId;
  }
}

type MayHold = (agent: KnownAgent) => boolean;

/**
 * Ends one of the reservations for tenants with more than this one will have with its task, that of the tenant with the
 * most; its agent.
 */
function handOver(state: State, task: Task, mayHold: MayHold): string | null {
  let richest: Reservation | null = null;
  let most = shareWith(state, task);
  for (const reservation of state.reservations.all()) {
    const agent = state.agents.get(reservation.agentId);
    const share = shareOf(state, reservation.task.tenant);
    if (share > most && agent !== undefined && mayHold(agent)) [richest, most] = [reservation, share];
  }
  if (richest === null) return null;
  state.reservations.release(richest);
  return richest.agentId;
}

/** Of each tenant the task that is next, when it has found no room for a while; the tenant with the least first. */
function firstInLine(state: State, atMs: number): Task[] {
  const waiting: { task: Task; share: number }[] = [];
  for (const tenant of state.tenants.all()) {
    const bucket = tenant.queue.peek();
    const task = bucket?.tasks.peek();
    if (bucket === undefined || task === undefined || bucket.blockedBy !== 'room') continue;
    if (atMs - bucket.blockedSinceMs < state.policy.reserveAfterMs) continue;
    if (state.reservations.agentFor(task.taskId) === null) waiting.push({ task, share: shareOf(state, tenant) });
  }
  return waiting.sort((a, b) => a.share - b.share || (a.task.taskId < b.task.taskId ? -1 : 1)).map(({ task }) => task);
}

/** The agent that lacks the least of what the task needs, among those that could hold it and are not kept for another. */
function emptiestFor(state: State, task: Task, mayHold: MayHold): KnownAgent | null {
  let best: KnownAgent | null = null;
  let least = Infinity;
  for (const agent of state.agents.all()) {
    if (state.reservations.holderOf(agent.agentId) !== null || !mayHold(agent)) continue;
    const { needs } = task.shape;
    const lacks = { ...nothing(), cpuMillis: needs.cpuMillis, memMb: needs.memMb, gpus: needs.gpus };
    add(lacks, agent.offered, -1);
    const lack = Math.max(0, dominantShare(lacks, agent.capacity));
    if (lack < least) [best, least] = [agent, lack];
  }
  return best;
}

/** Whether an agent, all of it free, would take a task: it is large enough, is not shut, and is one that the task wants. */
export function couldTake(
  state: State,
  agent: KnownAgent,
  { shape }: Task,
  atMs: number,
  ignoresPenalties: boolean,
): boolean {
  if (!couldHold(agent, shape.needs) || whyShut(state, agent, atMs, ignoresPenalties) !== null) return false;
  return shape.constraints.every((constraint) => constraint.allows(agent));
}
