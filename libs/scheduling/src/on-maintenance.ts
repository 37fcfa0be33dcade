import type { Commands } from './command.ts';
import type { Event } from './event.ts';
import type { State } from './state.ts';

/**
 * Planned maintenance. The operators ask for an agent by an inverse offer: it is granted when no task of ours runs there,
 * and otherwise declined, to be asked again when the filter is over. Nothing is killed for it: a drain does that, at no
 * cost to the tasks. Meanwhile, no attempt is started on an agent that is about to be taken away.
 */
export function onInverseOffer(state: State, event: Extract<Event, { kind: 'inverse.offered' }>, out: Commands): void {
  const { inverseOfferId, agentId } = event;
  const accept = agentId === null || ![...state.attempts.values()].some(({ live }) => live?.agentId === agentId);
  out.call.push({ kind: 'answer inverse', accept, inverseOfferId, refuseSeconds: state.policy.busyRefuseSeconds });
}
