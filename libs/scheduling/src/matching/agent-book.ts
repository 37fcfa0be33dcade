import type { ResourceNeeds } from '@juice/contracts';
import type { Offer } from '../event.ts';
import { add, holds, nothing, resourceNames, type Amounts } from './amounts.ts';
import type { AgentFacts } from './constraint.ts';
import { PenaltyBox } from './penalty-box.ts';

/** What is known of an agent, from its offers and from what runs there. */
export interface KnownAgent extends AgentFacts {
  readonly agentId: string;
  attributes: Offer['attributes'];
  port: number | null;
  unavailability: Offer['unavailability'];
  /** What our tasks take of it. */
  readonly used: Amounts;
  /** What is offered of it now, over all roles. */
  readonly offered: Amounts;
  /** The most that was ever ours or offered at once, for a while: what it is taken to have. */
  readonly capacity: Amounts;
  /** Since when more than that is ours or offered (0: it is not), and the least of it since then. */
  larger: { sinceMs: number; readonly least: Amounts };
  lastOfferMs: number;
  readonly penalty: PenaltyBox;
}

/** Longer than an end is on its way, and than a new leader needs to hear what became of what it was told runs. */
const largerAfterMs = 15_000;

/**
 * The agents that offers have come from. An agent is forgotten when it fails, and known again by its next offer. What a
 * master offers is all that we learn of a cluster: agents that others fill are not seen, or seen too small.
 */
export class AgentBook {
  readonly #agents = new Map<string, KnownAgent>();
  /** Of all agents together. */
  readonly total: Amounts = nothing();
  /** Moves whenever an agent comes, goes, or turns out larger. */
  version = 0;

  get size(): number {
    return this.#agents.size;
  }

  all(): IterableIterator<KnownAgent> {
    return this.#agents.values();
  }

  get(agentId: string): KnownAgent | undefined {
    return this.#agents.get(agentId);
  }

  offered(offer: Offer, atMs: number): void {
    const agent = this.#agents.get(offer.agentId) ?? this.#meet(offer);
    agent.attributes = offer.attributes;
    agent.unavailability = offer.unavailability;
    agent.lastOfferMs = atMs;
    add(agent.offered, offer);
    this.#grow(agent, agent.offered);
  }

  /**
   * What is ours and what is offered may overlap for a moment: an offer has the room of a task whose end we have not heard of. So
   * an agent turns out larger, beyond what it offers alone, only when both together have been more for a while.
   */
  review(atMs: number): void {
    for (const agent of this.#agents.values()) {
      const { capacity, used, offered, larger } = agent;
      if (resourceNames.every((name) => used[name] + offered[name] <= capacity[name])) {
        larger.sinceMs = 0;
        continue;
      }
      const isNew = larger.sinceMs === 0;
      if (isNew) larger.sinceMs = atMs;
      for (const name of resourceNames) {
        const now = used[name] + offered[name];
        larger.least[name] = isNew ? now : Math.min(larger.least[name], now);
      }
      if (atMs - larger.sinceMs < largerAfterMs) continue;
      this.#grow(agent, larger.least);
      larger.sinceMs = 0;
    }
  }

  /** The offer is answered, rescinded or void. */
  withdrawn(offer: Offer): void {
    const agent = this.#agents.get(offer.agentId);
    if (agent !== undefined) add(agent.offered, offer, -1);
  }

  /**
   * An attempt takes this of an agent, which need not be known yet: `left` when it has ended. It takes it out of what is
   * offered, so the agent is no larger for it; of what is not, the next offer tells.
   */
  entered(agentId: string, needs: ResourceNeeds): void {
    const agent = this.#agents.get(agentId);
    if (agent === undefined) this.#remember(agentId, needs, 1);
    else add(agent.used, needs);
  }

  left(agentId: string, needs: ResourceNeeds): void {
    const agent = this.#agents.get(agentId);
    if (agent === undefined) this.#remember(agentId, needs, -1);
    else add(agent.used, needs, -1);
  }

  forget(agentId: string): void {
    const agent = this.#agents.get(agentId);
    if (agent === undefined) return;
    this.#agents.delete(agentId);
    // What of ours is there still is, until the cluster says otherwise.
    this.#strangers.set(agentId, agent.used);
    add(this.total, agent.capacity, -1);
    this.version += 1;
  }

  /** What our attempts take of agents that no offer has come from (any more). */
  readonly #strangers = new Map<string, Amounts>();

  #remember(agentId: string, needs: ResourceNeeds, times: 1 | -1): void {
    const used = this.#strangers.get(agentId) ?? nothing();
    add(used, needs, times);
    if (resourceNames.every((name) => used[name] === 0)) this.#strangers.delete(agentId);
    else this.#strangers.set(agentId, used);
  }

  #meet(offer: Offer): KnownAgent {
    const used = this.#strangers.get(offer.agentId) ?? nothing();
    this.#strangers.delete(offer.agentId);
    const agent: KnownAgent = {
      agentId: offer.agentId,
      hostname: offer.hostname,
      attributes: offer.attributes,
      port: offer.agentPort,
      unavailability: offer.unavailability,
      used,
      offered: nothing(),
      capacity: nothing(),
      larger: { sinceMs: 0, least: nothing() },
      lastOfferMs: 0,
      penalty: new PenaltyBox(),
    };
    this.#agents.set(offer.agentId, agent);
    this.version += 1;
    return agent;
  }

  #grow({ capacity }: KnownAgent, to: Readonly<Amounts>): void {
    for (const name of resourceNames) {
      const more = to[name] - capacity[name];
      if (more <= 0) continue;
      capacity[name] += more;
      this.total[name] += more;
      this.version += 1;
    }
  }
}

/** Whether an agent could ever hold this, all of it being ours. */
export function couldHold(agent: KnownAgent, needs: ResourceNeeds): boolean {
  return holds(agent.capacity, needs);
}
