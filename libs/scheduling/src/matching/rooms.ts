import type { TaskId } from '@juice/contracts';
import type { State } from '../state.ts';
import type { KnownAgent } from './agent-book.ts';
import { isBeingTakenAway } from './maintenance.ts';
import { addOffer, createRoom, keepBack, type Room } from './room.ts';

export interface Rooms {
  /** For whatever fits. */
  readonly open: readonly Room[];
  /** Of agents that are kept for one task, by that task. */
  readonly reserved: ReadonlyMap<TaskId, readonly Room[]>;
}

/** What is offered, as rooms, without agents that nothing may be started on now and roles whose launching is stopped. */
export function roomsOf(state: State, atMs: number): Rooms {
  const rooms = new Map<string, Room>();
  const ignoresPenalties = arePenaltiesDoubtful(state, atMs);
  for (const { offer } of state.offers.values()) {
    const agent = state.agents.get(offer.agentId);
    if (state.launchStops.roles.has(offer.role)) continue;
    if (agent === undefined || whyShut(state, agent, atMs, ignoresPenalties) !== null) continue;
    const key = `${offer.agentId} ${offer.role}`;
    let room = rooms.get(key);
    if (room === undefined) rooms.set(key, (room = createRoom(agent, offer.role)));
    addOffer(room, offer);
  }
  const open: Room[] = [];
  const reserved = new Map<TaskId, Room[]>();
  for (const room of rooms.values()) {
    keepBack(room, state.policy.keepBackShare);
    const holder = state.reservations.holderOf(room.agent.agentId);
    if (holder === null) open.push(room);
    else reserved.set(holder, [...(reserved.get(holder) ?? []), room]);
  }
  return { open, reserved };
}

/** Why nothing is started on an agent; null: it is not shut. */
export function whyShut(
  state: State,
  agent: KnownAgent,
  atMs: number,
  ignoresPenalties: boolean,
): 'maintenance' | 'penalty' | null {
  if (isBeingTakenAway(state.policy, agent.unavailability, atMs)) return 'maintenance';
  return !ignoresPenalties && agent.penalty.isIn(atMs) ? 'penalty' : null;
}

/** When most of the cluster fails tasks, it is not the machines: nobody is left out for it then. */
export function arePenaltiesDoubtful({ agents }: State, atMs: number): boolean {
  let penalised = 0;
  for (const { penalty } of agents.all()) if (penalty.isIn(atMs)) penalised += 1;
  return penalised * 2 > agents.size;
}
