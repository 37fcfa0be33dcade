import { add, type Amounts, type ResourceName } from './amounts.ts';
import { hasRoom, type Room } from './room.ts';
import type { Shape } from './shape.ts';

/** `pack`: the fullest agent that still holds it, so that large rooms stay whole. `spread`: one agent after the other. */
export type Strategy = 'pack' | 'spread';

/**
 * The rooms of one cycle, as each shape sees them: those that may hold it, in the order of the strategy on the resource
 * that the shape is largest in. Rooms only shrink during a cycle, so one that did not hold a shape never does: each shape
 * looks at each room once, however many tasks of it are placed.
 */
export class Sight {
  readonly #rooms: readonly Room[];
  readonly #whole: Amounts;
  readonly #strategy: Strategy;
  readonly #orders = new Map<ResourceName, Order>();
  readonly #views = new Map<Shape, View>();

  constructor(rooms: readonly Room[], strategy: Strategy) {
    this.#rooms = rooms;
    this.#strategy = strategy;
    this.#whole = { cpuMillis: 0, memMb: 0, diskMb: 0, gpus: 0, ports: 0 };
    for (const { free } of rooms) add(this.#whole, free);
  }

  /** The room for the next task of a shape; null: none has room (any more). */
  next(shape: Shape): Room | null {
    const view = this.#viewOf(shape);
    return this.#strategy === 'pack' ? nextPacked(view, shape) : nextSpread(view, shape);
  }

  /** The first room that holds the shape and is acceptable besides; does not change what `next` sees. */
  find(shape: Shape, isAcceptable: (room: Room) => boolean): Room | null {
    const { rooms, at, allows } = this.#viewOf(shape);
    const from = this.#strategy === 'pack' ? at : 0;
    for (let index = from; index < rooms.length; index += 1) {
      const room = rooms[index] as Room;
      if (hasRoom(room, shape) && allows(room) && isAcceptable(room)) return room;
    }
    return null;
  }

  #viewOf(shape: Shape): View {
    let view = this.#views.get(shape);
    if (view === undefined) {
      const name = this.#largestOf(shape);
      const order = this.#orderBy(name);
      const at = this.#strategy === 'pack' ? firstAtLeast(order.amounts, shape.needs[name]) : 0;
      view = { rooms: order.rooms, at, kept: [], allows: allowing(shape) };
      this.#views.set(shape, view);
    }
    return view;
  }

  #largestOf({ needs }: Shape): ResourceName {
    let largest: ResourceName = 'cpuMillis';
    let most = -1;
    for (const name of ['cpuMillis', 'memMb', 'gpus', 'diskMb'] as const) {
      const part = this.#whole[name] === 0 ? (needs[name] > 0 ? Infinity : 0) : needs[name] / this.#whole[name];
      if (part > most) [largest, most] = [name, part];
    }
    return largest;
  }

  /** As they are now: rooms that shrink later are fuller than their places say, and no worse for it. */
  #orderBy(name: ResourceName): Order {
    let order = this.#orders.get(name);
    if (order === undefined) {
      const sign = this.#strategy === 'pack' ? 1 : -1;
      const rooms = [...this.#rooms].sort((a, b) => sign * (a.free[name] - b.free[name]));
      order = { rooms, amounts: Float64Array.from(rooms, ({ free }) => free[name]) };
      this.#orders.set(name, order);
    }
    return order;
  }
}

interface Order {
  readonly rooms: readonly Room[];
  /** What each had when they were put in order. */
  readonly amounts: Float64Array;
}

interface View {
  rooms: readonly Room[];
  /** The next one to look at. */
  at: number;
  /** `spread`: those that held a task in this round, for the next. */
  kept: Room[];
  readonly allows: (room: Room) => boolean;
}

function allowing({ constraints }: Shape): (room: Room) => boolean {
  return constraints.length === 0 ? always : ({ agent }) => constraints.every((constraint) => constraint.allows(agent));
}

function always(): boolean {
  return true;
}

function nextPacked(view: View, shape: Shape): Room | null {
  for (; view.at < view.rooms.length; view.at += 1) {
    const room = view.rooms[view.at] as Room;
    if (hasRoom(room, shape) && view.allows(room)) return room;
  }
  return null;
}

/** Round after round over those that still hold it. */
function nextSpread(view: View, shape: Shape): Room | null {
  for (;;) {
    for (; view.at < view.rooms.length; view.at += 1) {
      const room = view.rooms[view.at] as Room;
      if (!hasRoom(room, shape) || !view.allows(room)) continue;
      view.at += 1;
      view.kept.push(room);
      return room;
    }
    if (view.kept.length === 0) return null;
    [view.rooms, view.at, view.kept] = [view.kept, 0, []];
  }
}

/** Where the rooms begin that had so much: those before had less, and have no more now. */
function firstAtLeast(amounts: Float64Array, least: number): number {
  let [low, high] = [0, amounts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((amounts[middle] as number) < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
