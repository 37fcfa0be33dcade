import {
  createCommands,
  createState,
  decide,
  defaultPolicy,
  type Commands,
  type Event,
  type Patterns,
  type Policy,
} from '@juice/scheduling';
import { RE2JS } from 're2js';

/** A scheduler that can be simulated: what happened at an instant goes in, what it commands comes out. */
export interface Candidate {
  readonly name: string;
  play(events: readonly Event[], atMs: number): Commands;
  /** How often it has matched what waits with what is offered. */
  cycles(): number;
}

/** Juice's own: the scheduling core as it is, a frame at a time, as the scheduler's runner plays it. */
export function createJuice(policy: Partial<Policy>, atMs: number): Candidate {
  const state = createState({ ...defaultPolicy, ...policy }, patterns);
  let cycles = 0;
  function play(events: readonly Event[], nowMs: number): Commands {
    const out = createCommands();
    for (const event of events) decide(state, event, out);
    if (state.mayMatch && state.offers.size > 0) cycles += 1;
    decide(state, { kind: 'frame.closing', atMs: nowMs, backlog: 0 }, out);
    return out;
  }
  play([{ kind: 'cluster.subscribed', atMs, frameworkId: 'simulated' }], atMs);
  play([{ kind: 'takeover.completed', atMs }], atMs);
  return { name: 'juice', play, cycles: () => cycles };
}

/** As the scheduler compiles them. */
export const patterns: Patterns = (pattern) => {
  const compiled = RE2JS.compile(pattern);
  return (text) => compiled.matches(text);
};
