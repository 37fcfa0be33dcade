import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeCall, type ContentType, type Draft, type FrameworkCall } from '@juice/mesos';
import { until } from '@juice/trial';
import { openBarePool, openPipelining, openPool, schedulerOf, statusOf, type Way } from './call-ways.ts';
import { startMasterProcess, type MasterOrder, type MasterProcess } from './master-process.ts';
import { subscribe, type ObservedSubscription } from './observed-subscription.ts';
import { sampleAccept, sampleAcknowledge } from './sample-calls.ts';
import { median, percentile } from './statistics.ts';
import { writeTable } from './table.ts';

export interface CallBenchOptions {
  /** How often each way has its turn. */
  readonly rounds: number;
  /** How long a turn lasts. */
  readonly turnMs: number;
  /** Calls handed over and not yet answered, all the time. */
  readonly outstanding: number;
  /** Tasks in an ACCEPT. */
  readonly tasks: number;
  /** How late the minimal master answers, one series each. */
  readonly answerMs: readonly number[];
  readonly say: (line: string) => void;
}

const poolSizes = [1, 2, 4, 8, 16, 32];
/** What the others are compared with, in the same round. */
const reference = 'pool of 8';
const contentTypes: readonly ContentType[] = ['application/x-protobuf', 'application/json'];

interface Series extends CallBenchOptions {
  readonly name: string;
  readonly master: MasterProcess;
  readonly contentType: ContentType;
  readonly observed: ObservedSubscription;
  readonly call: Draft<FrameworkCall>;
  /** How many updates the master sends for each call. */
  readonly updatesPerCall: number;
}

/** One turn of one way. */
interface Turn {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU time for each call. */
  readonly clientMicros: number;
  readonly masterMicros: number;
}

/**
 * Calls made by the client, over pools of several sizes, and pipelined, to masters in processes of their own. The ways take
 * turns, each round beginning with another, so that what else the machine does meets them alike; what is told are medians
 * over the rounds, and the median of each round's ratio to the reference.
 */
export async function measureCalls(options: CallBenchOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'juice-bench-'));
  const minimal = options.answerMs.map((answerMs) => ({ kind: 'minimal' as const, answerMs }));
  try {
    for (const order of [...minimal, { kind: 'local-mesos' as const, dataDir: folder }]) {
      const master = await startMasterProcess(order);
      for (const contentType of contentTypes) await measureBothCalls(options, { master, order, contentType });
      await master.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureBothCalls(
  options: CallBenchOptions,
  { master, order, contentType }: { master: MasterProcess; order: MasterOrder; contentType: ContentType },
): Promise<void> {
  const observed = await subscribe(master.url, contentType);
  const { frameworkId } = observed;
  const place = `${contentType === 'application/json' ? 'JSON' : 'protobuf'}, ${describe(order)}`;
  const series = { ...options, master, contentType, observed };
  const acknowledge = sampleAcknowledge(frameworkId);
  await measureSeries({ ...series, name: `ACKNOWLEDGE, ${place}`, call: acknowledge, updatesPerCall: 0 });
  const accept = sampleAccept(frameworkId, options.tasks);
  const updatesPerCall = order.kind === 'local-mesos' ? options.tasks : 0;
  await measureSeries({ ...series, name: `ACCEPT of ${options.tasks} tasks, ${place}`, call: accept, updatesPerCall });
  observed.subscription.close();
}

function describe(order: MasterOrder): string {
  if (order.kind === 'local-mesos') return 'the stand-in master';
  return `a minimal master that answers ${order.answerMs === 0 ? 'at once' : `after ${order.answerMs} ms`}`;
}

async function measureSeries(series: Series): Promise<void> {
  const { subscription } = series.observed;
  const scheduler = schedulerOf(subscription, series.contentType);
  const ways = [
    ...poolSizes.map((size) => openPool(scheduler, size)),
    await openBarePool(scheduler, 8),
    await openPipelining(scheduler, 1),
    await openPipelining(scheduler, 2),
  ];
  // Encoding is part of every call, and is the client's own affair in its case.
  const calls = new Map<string, () => Promise<number>>([
    ...ways.map((way: Way) => [way.name, () => way.post(encodeCall(series.call, series.contentType))] as const),
    ['the client', async () => statusOf(await subscription.call(series.call))],
  ]);
  const turns = await takeTurns(series, calls);
  for (const way of ways) way.close();
  series.say(`\n${series.name}\n`);
  for (const line of tableOf(turns)) series.say(line);
}

/** By way, its turns in the order of the rounds. One more round comes before, to warm up. */
async function takeTurns(
  series: Series,
  calls: ReadonlyMap<string, () => Promise<number>>,
): Promise<ReadonlyMap<string, readonly Turn[]>> {
  const names = [...calls.keys()];
  const turns = new Map<string, Turn[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= series.rounds; round++) {
    const first = (round * 3) % names.length;
    for (const name of [...names.slice(first), ...names.slice(0, first)]) {
      const turn = await takeTurn(series, calls.get(name) as () => Promise<number>);
      if (round > 0) turns.get(name)?.push(turn);
    }
  }
  return turns;
}

async function takeTurn(series: Series, call: () => Promise<number>): Promise<Turn> {
  const { outstanding, turnMs, master, observed, updatesPerCall } = series;
  const latencies: number[] = [];
  const updatesBefore = observed.updates();
  const masterBefore = await master.cpuMicros();
  const clientBefore = process.cpuUsage();
  const startedMs = performance.now();
  const callOn = async (): Promise<void> => {
    for (let atMs = startedMs; atMs < startedMs + turnMs;) {
      atMs = performance.now();
      const status = await call();
      if (status !== 202) throw new Error(`answered ${status}`);
      latencies.push(performance.now() - atMs);
    }
  };
  await Promise.all(Array.from({ length: outstanding }, callOn));
  const seconds = (performance.now() - startedMs) / 1000;
  // What a turn has caused belongs to it, and must not weigh on the next.
  const updates = updatesBefore + latencies.length * updatesPerCall;
  await until('the updates of all calls', () => observed.updates() >= updates);
  const { user, system } = process.cpuUsage(clientBefore);
  return {
    perSecond: latencies.length / seconds,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
    clientMicros: (user + system) / latencies.length,
    masterMicros: ((await master.cpuMicros()) - masterBefore) / latencies.length,
  };
}

function tableOf(turns: ReadonlyMap<string, readonly Turn[]>): string[] {
  const base = turns.get(reference) ?? [];
  const rows = [...turns].map(([name, own]) => {
    const of = (member: keyof Turn): number => median(own.map((turn) => turn[member]));
    const ratio = median(own.map(({ perSecond }, round) => perSecond / (base[round]?.perSecond ?? NaN)));
    return [
      name,
      of('perSecond').toFixed(0),
      ratio.toFixed(2),
      of('p50Ms').toFixed(1),
      of('p99Ms').toFixed(1),
      of('clientMicros').toFixed(0),
      of('masterMicros').toFixed(0),
    ];
  });
  const head = ['', 'calls/s', `to ${reference}`, 'p50 ms', 'p99 ms', 'client CPU µs', 'master CPU µs'];
  return writeTable([head, ...rows]);
}
