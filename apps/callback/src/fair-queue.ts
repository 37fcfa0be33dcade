import { InvariantBroken } from '@juice/contracts';

/**
 * What waits to be worked on, in groups that take turns: a group with ten thousand waiting is served no sooner than one
 * with a single one, and none has more under way than its cap. In memory, per process; O(1) a step.
 */
export interface FairQueue<Id> {
  /** How many wait. */
  readonly size: number;
  readonly groups: number;
  /** Puts an id behind the others of its group; nothing happens when it waits already. */
  add(id: Id, group: string): void;
  /** The next whose group has room, which then counts as under way; null when there is none. */
  take(): { readonly id: Id; readonly group: string } | null;
  /** Something under way turns out to belong to another group: counts it there. false (and no change) when that one is full. */
  move(from: string, to: string): boolean;
  /** Something is no longer under way. */
  done(group: string): void;
  waitingIn(group: string): number;
}

export function createFairQueue<Id>(capOf: (group: string) => number): FairQueue<Id> {
  const all = new Map<string, Group<Id>>();
  /** Those with something waiting and room for it, in the order of their turns. */
  const turns = new Map<string, Group<Id>>();
  const waiting = new Set<Id>();

  function groupOf(key: string): Group<Id> {
    const known = all.get(key);
    if (known !== undefined) return known;
    const made = { key, cap: capOf(key), underWay: 0, ids: new Set<Id>() };
    all.set(key, made);
    return made;
  }

  /** Puts the group at the end of the round, takes it out of the round, or forgets it, as its state is now. */
  function place(group: Group<Id>): void {
    const hasTurn = group.ids.size > 0 && group.underWay < group.cap;
    if (!hasTurn) turns.delete(group.key);
    else if (!turns.has(group.key)) turns.set(group.key, group);
    if (group.ids.size === 0 && group.underWay === 0) all.delete(group.key);
  }

  function done(key: string): void {
    const group = groupOf(key);
    group.underWay -= 1;
    place(group);
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
      const [group] = turns.values();
      if (group === undefined) return null;
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
      if (target.underWay >= target.cap) return false;
      target.underWay += 1;
      place(target);
      done(from);
      return true;
    },
    done,
    waitingIn: (key) => all.get(key)?.ids.size ?? 0,
  };
}

interface Group<Id> {
  readonly key: string;
  readonly cap: number;
  underWay: number;
  readonly ids: Set<Id>;
}
