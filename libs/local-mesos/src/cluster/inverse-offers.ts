import type { Filters, InverseOffer, OfferID } from '@juice/mesos';
import { sendEvent, type Agent, type ClusterState, type Framework, type InverseOfferRecord } from './cluster-state.ts';
import { refuseMsOf } from './filter-time.ts';

/**
 * Inverse offers: whoever holds something of an agent that is to be maintained, offered or used, suppressed or not, is
 * asked to do without it. One stands per framework and agent, until it is answered or rescinded. Either answer is for the
 * operator to know and frees nothing: while something is held there, it is asked for again when the answer's filter ends.
 */

/** Asks whom it has not asked already. The ids are of one sequence with those of offers. */
export function offerInverse(state: ClusterState, agents: Iterable<Agent>): void {
  const asked = new Map<Framework, InverseOffer[]>();
  for (const agent of agents) {
    const { unavailability } = agent;
    if (unavailability === null || agent.membership !== 'registered' || agent.draining) continue;
    for (const framework of holdersOf(agent)) {
      if (!isToBeAsked(state, framework, agent)) continue;
      const id = `${state.masterId}-O${state.nextOffer++}`;
      state.inverseOffers.set(id, { id, framework, agent });
      const { offerTimeoutMs } = state.settings;
      if (offerTimeoutMs !== null)
        state.timers.add(state.nowMs + offerTimeoutMs, { kind: 'offer.timeout', offerId: id });
      const inverseOffer: InverseOffer = {
        id: { value: id },
        framework_id: { value: framework.id },
        agent_id: { value: agent.id },
        unavailability,
        // Empty means all of it, as the allocator of a real master leaves it.
        resources: [],
      };
      asked.set(framework, [...(asked.get(framework) ?? []), inverseOffer]);
    }
  }
  for (const [framework, inverse_offers] of asked) {
    sendEvent(state, framework, { type: 'INVERSE_OFFERS', inverse_offers: { inverse_offers } });
  }
}

function holdersOf(agent: Agent): Set<Framework> {
  const used = [...agent.tasks.values()].filter((task) => !task.freed);
  return new Set([...agent.offers, ...used].map(({ framework }) => framework));
}

function isToBeAsked(state: ClusterState, framework: Framework, agent: Agent): boolean {
  if (framework.streamId === null || (framework.inverseFilters.get(agent.id) ?? 0) > state.nowMs) return false;
  return ![...state.inverseOffers.values()].some((offer) => offer.framework === framework && offer.agent === agent);
}

/** ACCEPT_INVERSE_OFFERS, DECLINE_INVERSE_OFFERS. Ids that do not stand, or are another framework's, are passed over. */
export function answerInverseOffers(
  state: ClusterState,
  framework: Framework,
  answer: { readonly inverse_offer_ids: readonly OfferID[]; readonly filters?: Filters },
): void {
  for (const { value } of answer.inverse_offer_ids) {
    const offer = state.inverseOffers.get(value);
    if (offer?.framework !== framework) continue;
    state.inverseOffers.delete(value);
    const { inverseFilters } = framework;
    const untilMs = state.nowMs + refuseMsOf(answer.filters);
    inverseFilters.set(offer.agent.id, Math.max(inverseFilters.get(offer.agent.id) ?? 0, untilMs));
  }
}

/** The framework is told that it need not answer any more. */
export function rescindInverseOffer(state: ClusterState, offer: InverseOfferRecord): void {
  state.inverseOffers.delete(offer.id);
  sendEvent(state, offer.framework, {
    type: 'RESCIND_INVERSE_OFFER',
    rescind_inverse_offer: { inverse_offer_id: { value: offer.id } },
  });
}

export function rescindInverseOffersOf(state: ClusterState, agent: Agent): void {
  for (const offer of [...state.inverseOffers.values()]) if (offer.agent === agent) rescindInverseOffer(state, offer);
}

/** What was asked over a connection ends with it, and so does what was answered. */
export function forgetInverseOffers(state: ClusterState, framework: Framework): void {
  framework.inverseFilters.clear();
  for (const [id, offer] of state.inverseOffers) if (offer.framework === framework) state.inverseOffers.delete(id);
}
