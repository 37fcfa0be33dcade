import type { LaunchStops } from '@juice/contracts';
import type { Event } from './event.ts';
import type { State } from './state.ts';

/**
 * What the operator has stopped is not launched from the frame on in which this is decided; what was launched before is
 * followed, and killed where that is asked for. No agent is kept for a task meanwhile. Once a stop is lifted, the master
 * is asked for what our filters kept away.
 */
export function onLaunchingSwitched(state: State, { stops }: Extract<Event, { kind: 'launching.switched' }>): void {
  const isLifted = liftsAny(state.launchStops, stops);
  state.launchStops = stops;
  if (stops.all !== null) for (const each of [...state.reservations.all()]) state.reservations.release(each);
  if (!isLifted) return;
  state.cluster.newWork = true;
  state.mayMatch = true;
}

function liftsAny(before: LaunchStops, after: LaunchStops): boolean {
  return (before.all !== null && after.all === null) || [...before.roles.keys()].some((role) => !after.roles.has(role));
}
