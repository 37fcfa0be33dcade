import type { Offer, Patterns } from '../src/index.ts';

/** Patterns by the engine's own: good enough for those of tests. */
export const testPatterns: Patterns = (pattern) => {
  const whole = new RegExp(`^(?:${pattern})$`, 'u');
  return (text) => whole.test(text);
};

/** An offer of four CPUs of an agent of its own. */
export function offerOf(facts: Partial<Offer> & { readonly offerId: string }): Offer {
  return {
    agentId: `agent of ${facts.offerId}`,
    role: '*',
    hostname: `host-${facts.offerId}`,
    agentPort: null,
    cpuMillis: 4_000,
    memMb: 4_096,
    diskMb: 0,
    gpus: 0,
    ports: 0,
    portRanges: [],
    attributes: [],
    unavailability: null,
    ...facts,
  };
}
