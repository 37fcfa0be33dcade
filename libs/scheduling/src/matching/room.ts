import type { Offer } from '../event.ts';
import type { Task } from '../task.ts';
import { add, holds, nothing, resourceNames, type Amounts } from './amounts.ts';
import type { KnownAgent } from './agent-book.ts';
import type { Shape } from './shape.ts';

/** What one agent offers for one role: all such offers together, for an ACCEPT may name several. */
export interface Room {
  readonly agent: KnownAgent;
  readonly role: string;
  readonly offers: Offer[];
  /** What is left of them. */
  readonly free: Amounts;
  /** Host ports that are left. */
  ports: readonly PortRange[];
  readonly placed: Task[];
}

export interface PortRange {
  readonly begin: number;
  readonly end: number;
}

export function createRoom(agent: KnownAgent, role: string): Room {
  return { agent, role, offers: [], free: nothing(), ports: [], placed: [] };
}

export function addOffer(room: Room, offer: Offer): void {
  room.offers.push(offer);
  add(room.free, offer);
  room.ports = room.ports.length === 0 ? offer.portRanges : [...room.ports, ...offer.portRanges];
}

/**
 * Leaves this share of an agent alone: so much less is free, of each resource, whatever is ours or offered of the rest.
 */
export function keepBack({ free, agent }: Pick<Room, 'free' | 'agent'>, share: number): void {
  if (share === 0) return;
  for (const name of resourceNames) {
    if (name !== 'ports') free[name] = Math.max(0, free[name] - Math.ceil(agent.capacity[name] * share));
  }
}

/** Whether resources, role and ports are there; constraints and groups are asked after. */
export function hasRoom(room: Room, { needs, role }: Shape): boolean {
  if (!holds(room.free, needs)) return false;
  if (role !== '*' && role !== room.role) return false;
  return needs.hostPorts.every((port) => room.ports.some(({ begin, end }) => begin <= port && port <= end));
}

export function placeIn(room: Room, task: Task): void {
  const { needs } = task.shape;
  room.placed.push(task);
  add(room.free, needs, -1);
  if (needs.ports > 0) room.ports = withoutPorts(room.ports, needs.hostPorts, needs.ports - needs.hostPorts.length);
}

/** Takes named ports, and so many others from the lowest on: as the launch will. */
function withoutPorts(ranges: readonly PortRange[], named: readonly number[], others: number): readonly PortRange[] {
  let left = ranges.flatMap((range) => splitAt(range, named));
  for (let missing = others; missing > 0;) {
    const [first, ...rest] = left;
    if (first === undefined) break;
    const taken = Math.min(missing, first.end - first.begin + 1);
    missing -= taken;
    left = first.begin + taken > first.end ? rest : [{ begin: first.begin + taken, end: first.end }, ...rest];
  }
  return left;
}

function splitAt(range: PortRange, ports: readonly number[]): PortRange[] {
  const parts: PortRange[] = [];
  let { begin } = range;
  for (const port of [...ports].sort((a, b) => a - b)) {
    if (port < begin || port > range.end) continue;
    if (port > begin) parts.push({ begin, end: port - 1 });
    begin = port + 1;
  }
  if (begin <= range.end) parts.push({ begin, end: range.end });
  return parts;
}
