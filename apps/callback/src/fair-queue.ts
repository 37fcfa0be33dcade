import { InvariantBroken } from '@juice/contracts';

/**
 * What waits to be worked on, in groups that take turns: a group with ten thousand waiting is served no sooner than one
 * with a single one, and none is served while it has no room. In memory, per process; O(1) a step.
 */
export interface FairQueue<Id> {
  /** How many wait. */
  readonly size: number;
  readonly groups: number;
  /** Puts an id behind the others of its group; nothing happens when it waits already. */
  add(id: Id, group: string): void;
  /** The next whose group has room, which then counts as under way; null when there is none. */
  take(): { readonly id: Id; readonly group: string } | null;
  /** Something under way turns out to belong to another group: counts it there. false (and no change) when that one has no room. */
  move(from: string, to: string): boolean;
  /** Something is no longer under way. */
  done(group: string): void;
  /** The group's room may have changed. */
  look(group: string): void;
  /** Forgets what waits in the group. */
  drop(group: string): void;
  /** Whether anything of the group waits or is under way. */
  has(group: string): boolean;
  waitingIn(group: string): number;
  underWayIn(group: string): number;
}

/** `hasRoom` is asked whenever a group could have a turn, with how many of it are under way. */
export function createFairQueue<Id>(hasRoom: (group: string, underWay: number) => boolean): FairQueue<Id> {
  const all = new Map<string, Group<Id>>();
  /** Those with something waiting and room for it, in the order of their turns. */
  const turns = new Map<string, Group<Id>>();
  const waiting = new Set<Id>();

  function groupOf(key: string): Group<Id> {
    const known = all.get(key);
    if (known !== undefined) return known;
    const made = { key, underWay: 0, ids: new Set<Id>() };
    all.set(key, made);
    return made;
  }

  /** Puts the group at the end of the round, takes it out of the round, or forgets it, as its state is now. */
  function place(group: Group<Id>): void {
    const hasTurn = group.ids.size > 0 && hasRoom(group.key, group.underWay);
    if (!hasTurn) turns.delete(group.key);
    else if (!turns.has(group.key)) turns.set(group.key, group);
    if (group.ids.size === 0 && group.underWay === 0) all.delete(group.key);
  }

  function done(key: string): void {
    const group = groupOf(key);
    group.underWay -= 1;
    place(group);
  }

  /** The first of the round that has room still: time alone can take it away. */
  function nextGroup(): Group<Id> | null {
    for (const group of turns.values()) {
      if (hasRoom(group.key, group.underWay)) return group;
      turns.delete(group.key);
    }
    return null;
  }

  return {
    get size() {
      return waiting.size;
    },
    get groups() {
      return all.size;
    },
    add(id, key) {
      if (waiting.has(id)) return;
      waiting.add(id);
      const group = groupOf(key);
      group.ids.add(id);
      place(group);
    },
    take() {
      const group = nextGroup();
      if (group === null) return null;
      const [id] = group.ids;
      if (id === undefined) throw new InvariantBroken('a group without anything waiting has a turn');
      group.ids.delete(id);
      waiting.delete(id);
      group.underWay += 1;
      turns.delete(group.key);
      place(group);
      return { id, group: group.key };
    },
    move(from, to) {
      const target = groupOf(to);
      if (!hasRoom(to, target.underWay)) {
        place(target);
        return false;
      }
      target.underWay += 1;
      place(target);
      done(from);
      return true;
    },
    done,
    look(key) {
      const group = all.get(key);
      if (group !== undefined) place(group);
    },
    drop(key) {
      const group = all.get(key);
      if (group === undefined) return;
      for (const id of group.ids) waiting.delete(id);
      group.ids.clear();
      place(group);
    },
    has: (key) => all.has(key),
    waitingIn: (key) => all.get(key)?.ids.size ?? 0,
    underWayIn: (key) => all.get(key)?.underWay ?? 0,
  };
}

interface Group<Id> {
  readonly key: string;
  underWay: number;
  readonly ids: Set<Id>;
}
