import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import {
  createCommands,
  createState,
  decide,
  defaultPolicy,
  matchCycle,
  type Commands,
  type Event,
} from '@juice/scheduling';
import { createBaseline } from '../simulation/baseline.ts';
import { patterns } from '../simulation/candidate.ts';
import { atMs, offersOf, runningEvents, waitingEvents, type QueueLoad } from './queue-load.ts';

/**
 * What is measured, each on a queue of its own:
 * - `cycle`: one cycle places all that fits, and nothing else is done.
 * - `frame`: the same with everything that a frame makes of it: records to be stored, calls, attempts.
 * - `frames of 1,000`: as the scheduler has it by default, frame after frame until all is placed.
 * - `first-fit`, `fifo`: the baselines of the simulator, which make calls and no records.
 */
export const ways = ['cycle', 'frame', 'frames of 1,000', 'first-fit', 'fifo'] as const;
export type Way = (typeof ways)[number];

/** One turn of one way. */
export interface Turn {
  readonly placed: number;
  readonly cpuMs: number;
  readonly wallMs: number;
  /** The longest frame, by the clock. */
  readonly longestMs: number;
  /** Of the heap, for each waiting task; NaN for the baselines, which keep what they are given. */
  readonly bytesPerTask: number;
}

/** More than any queue here: no pace holds it up. */
const unlimited = { launchesPerSecond: 1e9, launchBurst: 1e9 };

/**
 * A scheduler that leads cycles four times a second and more, and the engine has compiled what it runs; garbage collections
 * between turns let go of that. So each turn begins with some on a little queue.
 */
export function takeTurn(way: Way, load: QueueLoad): Turn {
  const { step, bytesPerTask } = prepare(way, load);
  for (let time = 0; time < 5; time += 1) measure(prepare(way, little).step);
  return { ...measure(step), bytesPerTask };
}

const little: QueueLoad = {
  ...{ waiting: 3_000, running: 0, tenants: 30, agents: 100 },
  offered: { cpuMillis: 8_000, memMb: 16_000 },
};

interface Prepared {
  /** How many tasks it has placed. */
  readonly step: () => number;
  readonly bytesPerTask: number;
}

function prepare(way: Way, load: QueueLoad): Prepared {
  return way === 'first-fit' || way === 'fifo' ? prepareBaseline(way, load) : prepareCore(way, load);
}

function prepareCore(way: 'cycle' | 'frame' | 'frames of 1,000', load: QueueLoad): Prepared {
  const launchesPerFrame = way === 'frames of 1,000' ? defaultPolicy.launchesPerFrame : 1e9;
  const state = createState({ ...defaultPolicy, ...unlimited, launchesPerFrame }, patterns);
  const feed = (event: Event): void => decide(state, event, createCommands());
  feed({ kind: 'cluster.subscribed', atMs, frameworkId: 'simulated' });
  feed({ kind: 'takeover.completed', atMs });
  for (const event of runningEvents(load)) feed(event);
  const before = load === little ? 0 : heapBytes();
  for (const event of waitingEvents(load)) feed(event);
  const bytesPerTask = load === little ? 0 : (heapBytes() - before) / load.waiting;
  feed({ kind: 'offers.received', atMs, offers: offersOf(load) });
  const cycle = (): number =>
    matchCycle(state, atMs, Infinity).rooms.reduce((sum, { placed }) => sum + placed.length, 0);
  const frame = (): number => {
    const out = createCommands();
    decide(state, { kind: 'frame.closing', atMs, backlog: 0 }, out);
    return launchesIn(out);
  };
  return { step: way === 'cycle' ? cycle : frame, bytesPerTask };
}

function prepareBaseline(way: 'first-fit' | 'fifo', load: QueueLoad): Prepared {
  const baseline = createBaseline(way, atMs);
  baseline.play([...waitingEvents(load)], atMs);
  const offers: Event = { kind: 'offers.received', atMs, offers: offersOf(load) };
  if (load !== little) heapBytes();
  return { step: () => launchesIn(baseline.play([offers], atMs)), bytesPerTask: NaN };
}

function launchesIn({ call }: Commands): number {
  return call.reduce((sum, each) => sum + (each.kind === 'accept' ? each.launches.length : 0), 0);
}

/** Steps until one places nothing, or all that is there. */
function measure(step: () => number): Omit<Turn, 'bytesPerTask'> {
  const startedMs = performance.now();
  const cpuBefore = process.cpuUsage();
  let placed = 0;
  let longestMs = 0;
  for (;;) {
    const beganMs = performance.now();
    const more = step();
    longestMs = Math.max(longestMs, performance.now() - beganMs);
    placed += more;
    if (more !== defaultPolicy.launchesPerFrame) break;
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return { placed, cpuMs: (user + system) / 1000, wallMs: performance.now() - startedMs, longestMs };
}

/** What is on the heap when all garbage is gone. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
