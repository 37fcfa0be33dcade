import { TaskState } from '@juice/contracts';
import type { Commands } from '../command.ts';
import { sendKill } from '../on-task.ts';
import type { PreemptionRule } from '../policy.ts';
import type { State } from '../state.ts';
import { waitsSinceMs, type Task } from '../task.ts';
import { record } from '../transitions.ts';
import { add, type Amounts } from './amounts.ts';
import type { KnownAgent } from './agent-book.ts';
import { placesFor } from './places.ts';
import { couldTake, type Reservation } from './reservations.ts';
import { keepBack } from './room.ts';
import { arePenaltiesDoubtful } from './rooms.ts';
import { Victims } from './victims.ts';

/** When preemption was last looked at, and which agents did not have what was to be expected of them. */
export interface Preemption {
  nextMs: number;
  readonly inVain: Map<string, number>;
}

/** A reserved agent's offers are kept: after so long what it has free is in our hands, or somebody else's. */
const knownAfterMs = 10_000;
/** Between two looks: each goes through all that runs. */
const pauseMs = 5_000;
/** For so long an agent is not cleared whose room others turned out to have. */
const inVainMs = 300_000;

/**
 * Stops tasks where an agent is kept for another one (see Reservations) and that makes room enough, for one such agent at
 * a time. Where stopping tasks would not help, another agent is kept where it would. A stopped task is marked so in the
 * store before it is killed, waits again at no cost, and may return to the same host.
 */
export function preempt(state: State, atMs: number, out: Commands): void {
  const { policy, reservations, preemption } = state;
  const { preemption: rule } = policy;
  if (rule === null || atMs < preemption.nextMs) return;
  const ripe = [...reservations.all()].filter(
    ({ task, sinceMs }) => atMs - sinceMs >= knownAfterMs && mayPreempt(rule, task, atMs),
  );
  if (ripe.length === 0) return;
  preemption.nextMs = atMs + pauseMs;
  for (const [agentId, untilMs] of preemption.inVain) if (untilMs <= atMs) preemption.inVain.delete(agentId);
  const victims = new Victims(state, rule);
  for (const reservation of ripe) if (clear(state, reservation, victims, atMs, out)) return;
}

/** Whether tasks were stopped for a reservation. */
function clear(state: State, reservation: Reservation, victims: Victims, atMs: number, out: Commands): boolean {
  const { policy, reservations, agents, preemption } = state;
  const { task, agentId } = reservation;
  const agent = agents.get(agentId);
  const chosen = agent === undefined ? null : victims.on(agent, task, freeOf(state, agent, agent.offered));
  if (chosen?.length === 0) return false;
  reservations.release(reservation);
  if (chosen !== null) {
    for (const victim of chosen) stop(state, victim.task, atMs, out);
    // They take their time to end.
    reservations.make(task, agentId, { sinceMs: reservation.sinceMs, untilMs: atMs + policy.reserveMs });
    return true;
  }
  preemption.inVain.set(agentId, atMs + inVainMs);
  const better = agentToClear(state, task, victims, atMs);
  if (better === null) reservations.make(task, agentId, reservation);
  else reservations.make(task, better.agentId, { sinceMs: atMs, untilMs: atMs + policy.reserveMs });
  return false;
}

/**
 * Where tasks can be stopped for this one, and are of those tenants that have the most. What an agent does not offer just
 * now is taken to be free but for ours: that it is not shows when it is kept.
 */
function agentToClear(state: State, task: Task, victims: Victims, atMs: number): KnownAgent | null {
  const { reservations, preemption } = state;
  const { shape } = task;
  const ignoresPenalties = arePenaltiesDoubtful(state, atMs);
  let best: KnownAgent | null = null;
  let [share, count] = [-1, 0];
  for (const agent of state.agents.all()) {
    if (reservations.holderOf(agent.agentId) !== null || preemption.inVain.has(agent.agentId)) continue;
    if (!couldTake(state, agent, task, atMs, ignoresPenalties)) continue;
    if (shape.group !== null && !state.groups.allows(shape.group, agent, () => placesFor(state, shape))) continue;
    const unused = { ...agent.capacity };
    add(unused, agent.used, -1);
    const chosen = victims.on(agent, task, freeOf(state, agent, unused));
    if (chosen === null) continue;
    const least = Math.min(...chosen.map((victim) => victim.share));
    if (least > share || (least === share && chosen.length < count)) {
      [best, share, count] = [agent, least, chosen.length];
    }
  }
  return best;
}

function freeOf({ policy }: State, agent: KnownAgent, amounts: Readonly<Amounts>): Amounts {
  const free = { ...amounts };
  keepBack({ free, agent }, policy.keepBackShare);
  return free;
}

/** Named host ports may be anybody's: nobody is stopped for what might not help. */
function mayPreempt({ afterMs }: PreemptionRule, task: Task, atMs: number): boolean {
  const { tenant, shape } = task;
  if (tenant.queue.bucketOf(shape)?.blockedBy !== 'room' || shape.needs.hostPorts.length > 0) return false;
  return atMs - waitsSinceMs(task) >= afterMs;
}

function stop(state: State, victim: Task, atMs: number, out: Commands): void {
  const { live } = victim;
  if (live === null) return;
  live.preempted = true;
  record(victim, out, {
    atMs,
    status: live.state === 'running' ? TaskState.RUNNING : TaskState.STAGING,
    message: `attempt ${victim.attempt} is stopped, at no cost, to make room for a tenant that is below its fair share`,
    reason: 'PREEMPTED',
    change: { kind: 'preempt' },
    unlessKillRequested: true,
  });
  out.explain.push({ kind: 'task.preempted', mesosTaskId: live.mesosTaskId });
  sendKill(state, victim, atMs, out);
}
