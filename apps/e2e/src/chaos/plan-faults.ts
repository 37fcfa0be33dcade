import { createChance, type Chance } from '@juice/trial';

/** Of which there are two processes each, 0 and 1. */
export const services = ['api', 'scheduler', 'callback'] as const;
export type Service = (typeof services)[number];

/** What goes wrong, and when, from the beginning of the run. */
export type Fault = { readonly atMs: number } & (
  | { readonly kind: 'kill'; readonly service: Service; readonly index: number }
  /** Stopped where it is, for so long: past whatever lease it holds. */
  | { readonly kind: 'stop'; readonly service: Service; readonly index: number; readonly lastsMs: number }
  /** kill -9, and started again with its data after so long. */
  | { readonly kind: 'broker' | 'store'; readonly lastsMs: number }
);
export type FaultKind = Fault['kind'];

/** From one fault to the next: a process is mostly up again after the shortest of these. */
export const [shortestGapMs, longestGapMs] = [3_000, 10_000];
const kinds: readonly { readonly kind: FaultKind; readonly part: number }[] = [
  { kind: 'kill', part: 10 },
  { kind: 'stop', part: 3 },
  { kind: 'broker', part: 2 },
  { kind: 'store', part: 2 },
];
/** Whose process is stopped: mostly one that holds leases of seconds. */
const stopped: readonly { readonly service: Service; readonly part: number }[] = [
  { service: 'scheduler', part: 3 },
  { service: 'callback', part: 2 },
  { service: 'api', part: 1 },
];
/** Beyond its lease a stopped process stays for up to so long; a broker or a store is away for up to so long. */
const mostAwayMs = 4_000;

/**
 * The faults of a run: the same for the same seed, length and leases. The first ones are of each kind, in an order of chance;
 * then chance has it all. A stop that would not be over before the end gives way to a kill; and of the apis, which are stopped
 * for longer than anything else is away, one at a time is.
 */
export function planFaults(run: {
  readonly seed: number;
  readonly lengthMs: number;
  readonly leaseMs: Readonly<Record<Service, number>>;
}): readonly Fault[] {
  const chance = createChance(run.seed);
  const first = shuffle(
    kinds.map(({ kind }) => kind),
    chance,
  );
  const faults: Fault[] = [];
  let apiStoppedMs = 0;
  const gap = (): number => Math.round(shortestGapMs + chance.next() * (longestGapMs - shortestGapMs));
  for (let atMs = gap(); atMs < run.lengthMs; atMs += gap()) {
    const kind = first.shift() ?? chance.oneOf(kinds).kind;
    const leftMs = run.lengthMs - atMs;
    const fault = planFault({ kind, atMs, leftMs, leaseMs: run.leaseMs, mayStopApi: atMs > apiStoppedMs }, chance);
    if (fault.kind === 'stop' && fault.service === 'api') apiStoppedMs = atMs + fault.lastsMs;
    faults.push(fault);
  }
  return faults;
}

interface Wanted {
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly leftMs: number;
  readonly leaseMs: Readonly<Record<Service, number>>;
  readonly mayStopApi: boolean;
}

function planFault({ kind, atMs, leftMs, leaseMs, mayStopApi }: Wanted, chance: Chance): Fault {
  const service = services[Math.floor(chance.next() * services.length)] ?? 'api';
  const index = Math.floor(chance.next() * 2);
  const awayMs = Math.round(500 + chance.next() * (mostAwayMs - 500));
  if (kind === 'broker' || kind === 'store') return { kind, atMs, lastsMs: awayMs };
  if (kind === 'stop') {
    const wanted = chance.oneOf(stopped).service;
    // The lease of an api outlasts a short run; there is always time for a scheduler's, but at the very end.
    const isPossible = leaseMs[wanted] + mostAwayMs < leftMs && (wanted !== 'api' || mayStopApi);
    const victim = isPossible ? wanted : 'scheduler';
    const lastsMs = leaseMs[victim] + awayMs;
    if (lastsMs < leftMs) return { kind, atMs, service: victim, index, lastsMs };
  }
  return { kind: 'kill', atMs, service, index };
}

function shuffle<Item>(items: readonly Item[], chance: Chance): Item[] {
  return items
    .map((item) => ({ item, place: chance.next() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}
