import type { Filters, Offer } from '@juice/mesos';
import type { Agent, ClusterState, Framework, OfferRecord } from './cluster-state.ts';
import { sendEvent } from './cluster-state.ts';
import { refuseMsOf } from './filter-time.ts';
import { frameworkRoles, hasCapability } from './framework-check.ts';
import { offerInverse, rescindInverseOffer } from './inverse-offers.ts';
import { addBags, bagForRole, containsBag, millisOf, subtractBags, writeBag, type Bag } from './resources.ts';

/**
 * Who is offered what. Every agent's free resources go as one piece to the framework and role furthest below its fair
 * share (dominant share over cpus and memory), as a real master does it. All agents are looked at once per allocation
 * interval; at once for a framework that subscribes or revives; and after a short pause for agents whose resources were
 * freed, which a real master would leave for up to a second.
 */

/** Mesos' smallest offer: 0.01 cpus, or 32 MB. */
const minCpuMillis = 10;
const minMemMillis = 32_000;

interface Candidate {
  readonly framework: Framework;
  readonly role: string;
}

/** Offers what is free on these agents, and asks for what is held of those that are to be maintained. */
export function allocate(state: ClusterState, agents: readonly Agent[]): void {
  offerFree(state, agents);
  offerInverse(state, agents);
}

function offerFree(state: ClusterState, agents: readonly Agent[]): void {
  const candidates = [...state.frameworks.values()].flatMap(candidatesOf);
  if (candidates.length === 0) return;
  const capacity = { cpuMillis: 0, memMillis: 0 };
  for (const agent of candidates.length > 1 ? state.agents : []) {
    capacity.cpuMillis += millisOf(agent.total, 'cpus');
    capacity.memMillis += millisOf(agent.total, 'mem');
  }
  const share = ({ framework }: Candidate): number =>
    Math.max(framework.cpuMillis / (capacity.cpuMillis || 1), framework.memMillis / (capacity.memMillis || 1));
  const offered = new Map<Framework, Offer[]>();
  for (const agent of agents) {
    if (agent.membership !== 'registered' || agent.draining || !isWorthOffering(agent.free)) continue;
    if (candidates.length > 1) candidates.sort((a, b) => share(a) - share(b));
    for (const { framework, role } of candidates) {
      const offer = offerTo(state, agent, { framework, role });
      if (offer === null) continue;
      const list = offered.get(framework);
      if (list === undefined) offered.set(framework, [offer]);
      else list.push(offer);
    }
  }
  for (const [framework, offers] of offered) sendEvent(state, framework, { type: 'OFFERS', offers: { offers } });
}

function candidatesOf(framework: Framework): Candidate[] {
  if (framework.streamId === null) return [];
  return frameworkRoles(framework.info)
    .filter((role) => !framework.suppressed.has(role))
    .map((role) => ({ framework, role }));
}

function isWorthOffering(bag: Bag): boolean {
  return millisOf(bag, 'cpus') >= minCpuMillis || millisOf(bag, 'mem') >= minMemMillis;
}

function offerTo(state: ClusterState, agent: Agent, { framework, role }: Candidate): Offer | null {
  const bag = bagForRole(agent.free, role);
  if (!isWorthOffering(bag) || isFiltered(state, framework, { agent, role, bag })) return null;
  if (millisOf(agent.total, 'gpus') > 0 && !hasCapability(framework.info, 'GPU_RESOURCES')) return null;
  const id = `${state.masterId}-O${state.nextOffer++}`;
  const record: OfferRecord = { id, framework, agent, role, bag };
  state.offers.set(id, record);
  agent.offers.add(record);
  take(agent, framework, bag);
  const { offerTimeoutMs } = state.settings;
  if (offerTimeoutMs !== null) state.timers.add(state.nowMs + offerTimeoutMs, { kind: 'offer.timeout', offerId: id });
  return writeOffer(record);
}

function isFiltered(
  state: ClusterState,
  framework: Framework,
  piece: { agent: Agent; role: string; bag: Bag },
): boolean {
  const key = filterKey(piece.agent, piece.role);
  const filters = framework.filters.get(key);
  if (filters === undefined) return false;
  const live = filters.filter((filter) => filter.untilMs > state.nowMs);
  if (live.length === 0) framework.filters.delete(key);
  else framework.filters.set(key, live);
  return live.some((filter) => containsBag(filter.refused, piece.bag));
}

function filterKey(agent: Agent, role: string): string {
  return `${agent.id} ${role}`;
}

function writeOffer({ id, framework, agent, role, bag }: OfferRecord): Offer {
  const multiRole = hasCapability(framework.info, 'MULTI_ROLE');
  const refined = hasCapability(framework.info, 'RESERVATION_REFINEMENT');
  return {
    id: { value: id },
    framework_id: { value: framework.id },
    agent_id: { value: agent.id },
    hostname: agent.hostname,
    url: {
      scheme: 'http',
      address: { hostname: agent.hostname, ip: agent.ip, port: agent.port },
      path: '/slave(1)',
      query: [],
    },
    resources: writeBag(bag, { role, refined, multiRole }),
    // Executors of command tasks are not listed, as recorded from a real master.
    executor_ids: [],
    attributes: agent.attributes,
    ...(agent.unavailability === null ? {} : { unavailability: agent.unavailability }),
    ...(multiRole ? { allocation_info: { role } } : {}),
  };
}

/** Counts resources as in the framework's hands: offered, or used. */
export function take(agent: Agent, framework: Framework, bag: Bag): void {
  agent.free = subtractBags(agent.free, bag);
  framework.cpuMillis += millisOf(bag, 'cpus');
  framework.memMillis += millisOf(bag, 'mem');
}

/** Gives resources back to an agent, to be offered soon. */
export function release(state: ClusterState, part: { agent: Agent; framework: Framework; bag: Bag }): void {
  giveBack(part);
  stir(state, part.agent);
}

function giveBack({ agent, framework, bag }: { agent: Agent; framework: Framework; bag: Bag }): void {
  agent.free = addBags(agent.free, bag);
  framework.cpuMillis -= millisOf(bag, 'cpus');
  framework.memMillis -= millisOf(bag, 'mem');
}

/** Marks an agent for the next prompt allocation. */
export function stir(state: ClusterState, agent: Agent): void {
  if (state.stirred.size === 0)
    state.timers.add(state.nowMs + state.settings.promptDelayMs, { kind: 'allocate.stirred' });
  state.stirred.add(agent);
}

export function allocateStirred(state: ClusterState): void {
  const agents = [...state.stirred];
  state.stirred.clear();
  allocate(state, agents);
}

/** The framework is told that an offer is void. */
export function rescind(state: ClusterState, offer: OfferRecord): void {
  sendEvent(state, offer.framework, { type: 'RESCIND', rescind: { offer_id: { value: offer.id } } });
  withdrawOffer(state, offer);
}

/** An offer, or an inverse one, was not answered in time. */
export function timeOutOffer(state: ClusterState, offerId: string): void {
  const inverse = state.inverseOffers.get(offerId);
  if (inverse !== undefined) return rescindInverseOffer(state, inverse);
  const offer = state.offers.get(offerId);
  if (offer === undefined) return;
  rescind(state, offer);
  stir(state, offer.agent);
}

/** An offer is no longer valid; its resources go back without a filter. Says nothing to the framework. */
export function withdrawOffer(state: ClusterState, offer: OfferRecord): void {
  state.offers.delete(offer.id);
  offer.agent.offers.delete(offer);
  giveBack(offer);
}

/** An offer was used or declined: `left` goes back and is not offered again to the same framework and role for a while. */
export function settleOffer(
  state: ClusterState,
  offer: OfferRecord,
  left: { bag: Bag; filters: Filters | undefined },
): void {
  state.offers.delete(offer.id);
  offer.agent.offers.delete(offer);
  if (left.bag.size === 0) return;
  const { agent, framework, role } = offer;
  giveBack({ agent, framework, bag: left.bag });
  const refuseMs = refuseMsOf(left.filters);
  if (refuseMs === 0) return;
  const untilMs = state.nowMs + Math.max(refuseMs, state.settings.allocationIntervalMs);
  const key = filterKey(agent, role);
  framework.filters.set(key, [...(framework.filters.get(key) ?? []), { refused: left.bag, untilMs }]);
}

/** An agent leaves: what was refused of it is forgotten. */
export function dropFilters(state: ClusterState, agent: Agent): void {
  for (const { filters, inverseFilters } of state.frameworks.values()) {
    inverseFilters.delete(agent.id);
    for (const key of [...filters.keys()]) if (key.startsWith(`${agent.id} `)) filters.delete(key);
  }
}

/** REVIVE: the roles' filters and suppression are lifted, and offers come at once. */
export function revive(state: ClusterState, framework: Framework, roles: readonly string[]): void {
  const own = frameworkRoles(framework.info);
  if (roles.some((role) => !own.includes(role))) return;
  const meant = roles.length === 0 ? own : roles;
  for (const role of meant) framework.suppressed.delete(role);
  framework.inverseFilters.clear();
  for (const key of [...framework.filters.keys()]) {
    if (meant.some((role) => key.endsWith(` ${role}`))) framework.filters.delete(key);
  }
  allocate(state, state.agents);
}

/** SUPPRESS: no further offers for the roles; those outstanding stay. A role that is not the framework's voids the call. */
export function suppress(framework: Framework, roles: readonly string[]): void {
  const own = frameworkRoles(framework.info);
  if (roles.some((role) => !own.includes(role))) return;
  for (const role of roles.length === 0 ? own : roles) framework.suppressed.add(role);
}
