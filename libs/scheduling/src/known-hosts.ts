import type { ResourceNeeds } from '@juice/contracts';
import type { Offer } from './event.ts';

/** What a host has offered at its best, resource by resource. */
type Best = { -readonly [K in keyof ResourceNeeds]: number };

/**
 * The hosts that offers have come from. What a host offered once it may offer again when tasks on it end; a host whose
 * agent failed is forgotten until it offers anew.
 */
export class KnownHosts {
  readonly #hosts = new Map<string, { readonly agentId: string; readonly best: Best; offer: Offer }>();

  learn(offer: Offer): void {
    const known = this.#hosts.get(offer.hostname);
    if (known === undefined || known.agentId !== offer.agentId) {
      const { cpuMillis, memMb, diskMb, gpus, ports } = offer;
      this.#hosts.set(offer.hostname, {
        agentId: offer.agentId,
        best: { cpuMillis, memMb, diskMb, gpus, ports },
        offer,
      });
      return;
    }
    for (const what of resources) known.best[what] = Math.max(known.best[what], offer[what]);
    known.offer = offer;
  }

  forget(agentId: string): void {
    for (const [hostname, host] of this.#hosts) if (host.agentId === agentId) this.#hosts.delete(hostname);
  }

  /** Whether any host but this one could hold a task, by what it offered at its best. */
  elsewhere(hostname: string, holds: (most: Offer) => boolean): boolean {
    for (const [name, { best, offer }] of this.#hosts)
      if (name !== hostname && holds({ ...offer, ...best })) return true;
    return false;
  }
}

const resources = ['cpuMillis', 'memMb', 'diskMb', 'gpus', 'ports'] as const satisfies readonly (keyof ResourceNeeds)[];
