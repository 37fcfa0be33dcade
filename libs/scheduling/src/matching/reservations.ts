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
 * keep at most a tenth of the cluster, or one agent; beyond that one that is kept for a tenant with more goes to one with less. A reservation whose time is up may be followed by another of the same
 * agent, which has the most room by then. Whether any was made or ended.
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
  const kept = nothing();
  let count = 0;
  for (const { agentId } of reservations.all()) {
    add(kept, state.agents.get(agentId)?.capacity ?? nothing());
    count += 1;
  }
  for (const task of firstInLine(state, atMs)) {
    const agent = emptiestFor(state, task, atMs);
    const more = { ...kept };
    add(more, agent?.capacity ?? nothing());
    if (agent === null || (count > 0 && dominantShare(more, state.agents.total) > policy.reserveShare)) {
      if (takeOver(state, task, atMs)) changed = true;
      continue;
    }
    Object.assign(kept, more);
    reservations.make(task, agent.agentId, { sinceMs: atMs, untilMs: atMs + policy.reserveMs });
    count += 1;
    changed = true;
  }
  return changed;
}

/**
 * An agent that is kept for a tenant with more than this one will have with its task is kept for this one from now on: of
 * several, that of the tenant with the most. Whether there is one.
 */
function takeOver(state: State, task: Task, atMs: number): boolean {
  const { reservations, policy } = state;
  const ignoresPenalties = arePenaltiesDoubtful(state, atMs);
  let [richest, most]: [Reservation | null, number] = [null, shareWith(state, task)];
  for (const reservation of reservations.all()) {
    const agent = state.agents.get(reservation.agentId);
    const share = shareOf(state, reservation.task.tenant);
    if (agent === undefined || share <= most || !mayHold(state, agent, task, atMs, ignoresPenalties)) continue;
    [richest, most] = [reservation, share];
  }
  if (richest === null) return false;
  reservations.release(richest);
  reservations.make(task, richest.agentId, { sinceMs: atMs, untilMs: atMs + policy.reserveMs });
  return true;
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
function emptiestFor(state: State, task: Task, atMs: number): KnownAgent | null {
  const ignoresPenalties = arePenaltiesDoubtful(state, atMs);
  let best: KnownAgent | null = null;
  let least = Infinity;
  for (const agent of state.agents.all()) {
    if (state.reservations.holderOf(agent.agentId) !== null) continue;
    if (!mayHold(state, agent, task, atMs, ignoresPenalties)) continue;
    const { needs } = task.shape;
    const lacks = { ...nothing(), cpuMillis: needs.cpuMillis, memMb: needs.memMb, gpus: needs.gpus };
    add(lacks, agent.offered, -1);
    const lack = Math.max(0, dominantShare(lacks, agent.capacity));
    if (lack < least) [best, least] = [agent, lack];
  }
  return best;
}

function mayHold(state: State, agent: KnownAgent, { shape }: Task, atMs: number, ignoresPenalties: boolean): boolean {
  if (!couldHold(agent, shape.needs) || whyShut(state, agent, atMs, ignoresPenalties) !== null) return false;
  return shape.constraints.every((constraint) => constraint.allows(agent));
}
