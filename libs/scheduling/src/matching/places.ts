import type { State } from '../state.ts';
import { couldHold } from './agent-book.ts';
import { placeOf } from './constraint.ts';
import type { Shape } from './shape.ts';

/** The places where tasks of a group's shape could run at all. Kept until the known agents change. */
export function placesFor({ agents, places }: State, shape: Shape): ReadonlySet<string> {
  const { group } = shape;
  if (group === null) return none;
  const known = places.get(shape);
  if (known?.version === agents.version) return known.names;
  const names = new Set<string>();
  for (const agent of agents.all()) {
    if (!couldHold(agent, shape.needs) || !shape.constraints.every((constraint) => constraint.allows(agent))) continue;
    const place = placeOf(agent, group.spec.by);
    if (place !== null) names.add(place);
  }
  places.set(shape, { version: agents.version, names });
  return names;
}

const none: ReadonlySet<string> = new Set();
