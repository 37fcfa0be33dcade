import type { Unavailability } from '@juice/mesos';
import { allocate, rescind } from './allocator.ts';
import type { Agent, ClusterState } from './cluster-state.ts';
import { rescindInverseOffersOf } from './inverse-offers.ts';

/**
 * The operator plans an agent's maintenance, plans it anew, or (null) calls it off. Whatever was offered of the agent, or
 * asked for, is rescinded, what was answered is forgotten, and all is offered and asked for again at once: offers now
 * carry the plan. No recording shows this; it is as the master and its hierarchical allocator do it.
 *
 * Not modelled: that a plan is about a machine, with all its agents (each is alone on its own here); a schedule of several
 * windows; taking the machine down, which is the operator's to do and which no window does by beginning (`unregister` is
 * what comes of it); the operator's view of the answers. The plan outlives the master, as in the registry of a real one,
 * and the absence of its agent, but not this process.
 */
export function planMaintenance(state: ClusterState, agent: Agent, unavailability: Unavailability | null): void {
  agent.unavailability = unavailability;
  for (const offer of [...agent.offers]) rescind(state, offer);
  rescindInverseOffersOf(state, agent);
  for (const { inverseFilters } of state.frameworks.values()) inverseFilters.delete(agent.id);
  allocate(state, [agent]);
}
