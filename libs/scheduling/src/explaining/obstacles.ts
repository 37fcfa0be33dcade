import type { AgentObstacle, Obstacle } from '@juice/contracts';
import type { State } from '../state.ts';
import type { Task } from '../task.ts';
import { couldHold, type KnownAgent } from '../matching/agent-book.ts';
import { resourceNames, type Amounts, type ResourceName } from '../matching/amounts.ts';
import { placesFor } from '../matching/places.ts';
import { hasRoom, type Room } from '../matching/room.ts';
import { arePenaltiesDoubtful, roomsOf, whyShut } from '../matching/rooms.ts';

/** What keeps one agent from taking a task. */
interface Hindrance {
  readonly why: Obstacle;
  readonly of?: string;
  /** Of an amount: how much it lacks, in the core's integers. */
  readonly lacks?: number;
}

const amountNames = { cpuMillis: 'cpus', memMb: 'mem', diskMb: 'disk', gpus: 'gpus', ports: 'ports' } as const;

/** Why no agent takes a task now, by reason, the commonest first; how many could ever hold it; how many could now. */
export function obstaclesTo(
  state: State,
  task: Task,
  atMs: number,
): { readonly obstacles: readonly AgentObstacle[]; readonly possible: number; readonly free: number } {
  const found = new Map<string, { why: Obstacle; of?: string; agents: number; lacks?: number }>();
  const roomsAt = roomsByAgent(state, atMs);
  const ignoresPenalties = arePenaltiesDoubtful(state, atMs);
  let possible = 0;
  let free = 0;
  for (const agent of state.agents.all()) {
    if (couldEverHold(agent, task)) possible += 1;
    const hindrance = hindranceAt(state, task, agent, { atMs, ignoresPenalties, rooms: roomsAt.get(agent) ?? [] });
    if (hindrance === null) {
      free += 1;
      continue;
    }
    const { why, of, lacks } = hindrance;
    const key = `${why} ${of ?? ''}`;
    const seen = found.get(key) ?? { ...hindrance, agents: 0 };
    seen.agents += 1;
    if (lacks !== undefined) seen.lacks = Math.min(seen.lacks ?? lacks, lacks);
    found.set(key, seen);
  }
  const obstacles = [...found.values()]
    .sort((a, b) => b.agents - a.agents)
    .map(({ lacks, why, ...rest }) => ({
      why,
      ...rest,
      ...(lacks === undefined ? {} : { shortBy: why === 'cpus' ? lacks / 1000 : lacks }),
    }));
  return { obstacles, possible, free };
}

/** Whether it fulfils the constraints and had enough at its best. */
export function couldEverHold(agent: KnownAgent, { shape }: Task): boolean {
  return couldHold(agent, shape.needs) && shape.constraints.every((constraint) => constraint.allows(agent));
}

function roomsByAgent(state: State, atMs: number): ReadonlyMap<KnownAgent, readonly Room[]> {
  const { open, reserved } = roomsOf(state, atMs);
  const byAgent = new Map<KnownAgent, Room[]>();
  for (const room of [open, ...reserved.values()].flat())
    byAgent.set(room.agent, [...(byAgent.get(room.agent) ?? []), room]);
  return byAgent;
}

/** The first of what is in the way, what lasts longest first; null: nothing is. */
function hindranceAt(
  state: State,
  task: Task,
  agent: KnownAgent,
  { atMs, ignoresPenalties, rooms }: { atMs: number; ignoresPenalties: boolean; rooms: readonly Room[] },
): Hindrance | null {
  const { shape } = task;
  const broken = shape.constraints.find((constraint) => !constraint.allows(agent));
  if (broken !== undefined) return { why: 'constraint', of: broken.spec.field };
  if (!couldHold(agent, shape.needs)) return { why: 'too small', ...tooSmallFor(agent, shape.needs) };
  const shut = whyShut(state, agent, atMs, ignoresPenalties);
  if (shut !== null) return { why: shut };
  const holder = state.reservations.holderOf(agent.agentId);
  if (holder !== null && holder !== task.taskId) return { why: 'reserved' };
  const { group } = shape;
  if (group !== null && !state.groups.allows(group, agent, () => placesFor(state, shape)))
    return { why: 'group', of: group.spec.name };
  if (rooms.length === 0) return { why: 'not offered' };
  if (rooms.some((room) => hasRoom(room, shape))) return null;
  const ofRole = rooms.filter(({ role }) => shape.role === '*' || role === shape.role);
  if (ofRole.length === 0) return { why: 'role', of: shape.role };
  const lacking = lacksOf(mostOf(ofRole), shape.needs);
  return lacking === null ? { why: 'host port' } : lacking;
}

function tooSmallFor(agent: KnownAgent, needs: Readonly<Amounts>): { of?: string } {
  const name = resourceNames.find((one) => needs[one] > agent.capacity[one]);
  return name === undefined ? {} : { of: amountNames[name] };
}

/** The most of each that one room of an agent has. */
function mostOf(rooms: readonly Room[]): Readonly<Record<ResourceName, number>> {
  const most = { cpuMillis: 0, memMb: 0, diskMb: 0, gpus: 0, ports: 0 };
  for (const { free } of rooms) for (const name of resourceNames) most[name] = Math.max(most[name], free[name]);
  return most;
}

function lacksOf(free: Readonly<Record<ResourceName, number>>, needs: Readonly<Amounts>): Hindrance | null {
  for (const name of resourceNames)
    if (needs[name] > free[name]) return { why: amountNames[name], lacks: needs[name] - free[name] };
  return null;
}
