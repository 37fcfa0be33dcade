import type { GroupSpec } from '@juice/contracts';
import { placeOf, type AgentFacts } from './constraint.ts';
import type { Shape } from './shape.ts';

type Group = NonNullable<Shape['group']>;

/** Where the tasks of each group are that have a live attempt: how many at each place. */
export class Groups {
  readonly #groups = new Map<string, Map<string, number>>();

  /** An attempt of the group lives at this place from now on. */
  enter({ key }: Group, place: string): void {
    const places = this.#groups.get(key) ?? new Map<string, number>();
    this.#groups.set(key, places);
    places.set(place, (places.get(place) ?? 0) + 1);
  }

  leave({ key }: Group, place: string): void {
    const places = this.#groups.get(key);
    const left = (places?.get(place) ?? 0) - 1;
    if (left > 0) places?.set(place, left);
    else places?.delete(place);
    if (places?.size === 0) this.#groups.delete(key);
  }

  /**
   * Whether one more of the group may run on an agent. `places` are those where it could at all, for `balanced`: a place
   * that can never hold the task must not keep it from the others.
   */
  allows({ key, spec }: Group, agent: AgentFacts, places: () => ReadonlySet<string>): boolean {
    const place = placeOf(agent, spec.by);
    if (place === null) return false;
    const counts = this.#groups.get(key);
    return counts === undefined || isAllowed(spec, place, counts, places);
  }
}

function isAllowed(
  { placement }: GroupSpec,
  place: string,
  counts: ReadonlyMap<string, number>,
  places: () => ReadonlySet<string>,
): boolean {
  const here = counts.get(place) ?? 0;
  switch (placement) {
    case 'unique':
      return here === 0;
    case 'same':
      // More than one place when they were placed before this was asked for, or by an agent that changed its name.
      return here === Math.max(...counts.values());
    case 'balanced':
      if (here === 0) return true;
      for (const other of places()) if ((counts.get(other) ?? 0) < here) return false;
      return true;
    default:
      return placement satisfies never;
  }
}
