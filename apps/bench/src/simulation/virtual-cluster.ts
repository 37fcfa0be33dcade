import { InvariantBroken, type ResourceNeeds } from '@juice/contracts';
import type { Offer } from '@juice/scheduling';
import type { Scenario } from './scenario.ts';

/** What a cluster counts of an agent. */
interface Amounts {
  cpuMillis: number;
  memMb: number;
  diskMb: number;
  gpus: number;
}

interface Agent {
  readonly agentId: string;
  readonly hostname: string;
  readonly attributes: Offer['attributes'];
  readonly free: Amounts;
  /** What was declined, and until when nothing that is no more than that is offered again. */
  filters: { readonly refused: Amounts; readonly untilMs: number }[];
}

/** Mesos' smallest offer: 0.01 CPUs, or 32 MB. */
const leastCpuMillis = 10;
const leastMemMb = 32;

/**
 * A master with its agents and one framework, without a clock: whoever owns it says what time it is. Free resources of an
 * agent are one offer; a declined or unused rest is filtered for as long as was asked for, but no shorter than an
 * allocation interval; REVIVE lifts filters and suppression; freed resources are offered after a short pause, or with the next
 * allocation of all. An answer to an offer that is not out, or a launch beyond it, breaks the simulation.
 */
export class VirtualCluster {
  readonly #agents: readonly Agent[];
  readonly #byId: ReadonlyMap<string, Agent>;
  readonly #allocationMs: number;
  readonly #offers = new Map<string, { readonly agent: Agent; readonly bag: Amounts }>();
  readonly #stirred = new Set<Agent>();
  #suppressed = false;
  #nextOffer = 0;
  /** Of all agents. */
  readonly total = nothing();

  constructor({ agents, cluster }: Pick<Scenario, 'agents' | 'cluster'>) {
    this.#agents = agents.flatMap((spec, kind) =>
      Array.from({ length: spec.count }, (_, at) => createAgent(spec, kind, at)),
    );
    this.#byId = new Map(this.#agents.map((agent) => [agent.agentId, agent]));
    this.#allocationMs = cluster.allocationSeconds * 1000;
    for (const { free } of this.#agents) add(this.total, free);
  }

  /** Offers of all that is free and not filtered. */
  allocate(nowMs: number): Offer[] {
    return this.#offer(this.#agents, nowMs);
  }

  /** Likewise, on agents whose tasks have ended since it was asked last. */
  allocateStirred(nowMs: number): Offer[] {
    const stirred = [...this.#stirred];
    this.#stirred.clear();
    return this.#offer(stirred, nowMs);
  }

  accept(
    offerIds: readonly string[],
    needs: readonly ResourceNeeds[],
    filter: { readonly refuseSeconds: number; readonly nowMs: number },
  ): void {
    const bags = offerIds.map((offerId) => this.#take(offerId));
    const agent = bags[0]?.agent;
    if (agent === undefined || bags.some((bag) => bag.agent !== agent))
      throw new InvariantBroken('an ACCEPT of offers of several agents, or of none');
    const left = nothing();
    for (const { bag } of bags) add(left, bag);
    for (const each of needs) add(left, each, -1);
    if (Object.values(left).some((amount) => amount < 0))
      throw new InvariantBroken(`an ACCEPT launches more than ${offerIds.join()} hold`);
    this.#giveBack(agent, left, filter);
  }

  decline(offerIds: readonly string[], filter: { readonly refuseSeconds: number; readonly nowMs: number }): void {
    for (const offerId of offerIds) {
      const { agent, bag } = this.#take(offerId);
      this.#giveBack(agent, bag, filter);
    }
  }

  /** A task has ended. Whether it is the first since the last allocation of those. */
  release(agentId: string, needs: ResourceNeeds): boolean {
    const agent = this.#byId.get(agentId) as Agent;
    add(agent.free, needs);
    this.#stirred.add(agent);
    return this.#stirred.size === 1;
  }

  revive(): void {
    this.#suppressed = false;
    for (const agent of this.#agents) agent.filters = [];
  }

  suppress(): void {
    this.#suppressed = true;
  }

  #take(offerId: string): { agent: Agent; bag: Amounts } {
    const offer = this.#offers.get(offerId);
    if (offer === undefined) throw new InvariantBroken(`${offerId} is answered, and is not out`);
    this.#offers.delete(offerId);
    return offer;
  }

  #giveBack(agent: Agent, bag: Amounts, { refuseSeconds, nowMs }: { refuseSeconds: number; nowMs: number }): void {
    add(agent.free, bag);
    if (refuseSeconds === 0) return;
    agent.filters.push({ refused: bag, untilMs: nowMs + Math.max(refuseSeconds * 1000, this.#allocationMs) });
  }

  #offer(agents: readonly Agent[], nowMs: number): Offer[] {
    if (this.#suppressed) return [];
    const offers: Offer[] = [];
    for (const agent of agents) {
      const { free } = agent;
      if (free.cpuMillis < leastCpuMillis && free.memMb < leastMemMb) continue;
      if (agent.filters.length > 0) agent.filters = agent.filters.filter(({ untilMs }) => untilMs > nowMs);
      if (agent.filters.some(({ refused }) => isWithin(free, refused))) continue;
      const offerId = `O${this.#nextOffer++}`;
      const bag = { ...free };
      this.#offers.set(offerId, { agent, bag });
      add(free, bag, -1);
      offers.push(offerOf(offerId, agent, bag));
    }
    return offers;
  }
}

function createAgent(spec: Scenario['agents'][number], kind: number, at: number): Agent {
  const { cpus, memMb, diskMb, gpus, attributes } = spec;
  return {
    agentId: `S${kind}-${at}`,
    hostname: `host-${kind}-${at}`,
    attributes: Object.entries(attributes).map(([name, text]) => ({ name, kind: 'text', text })),
    free: { cpuMillis: Math.round(cpus * 1000), memMb, diskMb, gpus },
    filters: [],
  };
}

function offerOf(offerId: string, { agentId, hostname, attributes }: Agent, bag: Amounts): Offer {
  const host = { agentId, hostname, agentPort: 5051, attributes, unavailability: null };
  return { offerId, ...host, role: '*', ...bag, ports: 0, portRanges: [] };
}

function nothing(): Amounts {
  return { cpuMillis: 0, memMb: 0, diskMb: 0, gpus: 0 };
}

function add(to: Amounts, what: Readonly<Amounts>, times: 1 | -1 = 1): void {
  to.cpuMillis += times * what.cpuMillis;
  to.memMb += times * what.memMb;
  to.diskMb += times * what.diskMb;
  to.gpus += times * what.gpus;
}

function isWithin(part: Readonly<Amounts>, whole: Readonly<Amounts>): boolean {
  return (
    part.cpuMillis <= whole.cpuMillis &&
    part.memMb <= whole.memMb &&
    part.diskMb <= whole.diskMb &&
    part.gpus <= whole.gpus
  );
}
