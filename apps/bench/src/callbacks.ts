import { setTimeout as wait } from 'node:timers/promises';
import { connectMongo, createTaskStore, ensureIndexes } from '@juice/persistence';
import { until } from '@juice/trial';
import got from 'got';
import { endedEvent, endTasks, storeRunningTasks, type LoadedTask, type Target } from './callback-load.ts';
import { startPart, type Arrival, type Part } from './callback-parts.ts';
import { dispatcherConcurrency, type DispatcherOrder } from './dispatcher-part.ts';
import { median, percentile } from './statistics.ts';

export interface CallbackBenchOptions {
  /** How often each arrangement has its turn. */
  readonly rounds: number;
  /** Callbacks of a turn. */
  readonly callbacks: number;
  /** Tenants, each with the one receiver: an endpoint each. */
  readonly endpoints: number;
  /** Callbacks a second that become due while the tarpit is measured; for every five of them one more is for the tarpit. */
  readonly perSecond: number;
  readonly say: (line: string) => void;
}

/** Due in steps of so long. */
const stepMs = 20;
const tarpitShare = 5;
const deadline = { withinMs: 300_000, everyMs: 20 };

interface Bench extends CallbackBenchOptions {
  readonly store: Part;
  readonly receivers: Part;
  readonly dispatcher: Part;
}

/**
 * The dispatcher, its store and its receivers, in processes of their own: how many callbacks a second it
 * makes of a backlog, beside got alone that posts as many; and how long a callback takes from the change of state to its
 * arrival, at a steady rate, with a receiver in the mix that never answers and without it. All take turns; told are medians.
 */
export async function measureCallbacks(options: CallbackBenchOptions): Promise<void> {
  const [store, receivers] = await Promise.all([startPart('store'), startPart('receivers')]);
  const bench = { ...options, store, receivers, dispatcher: await startPart('dispatcher', store.urls[0]) };
  const rates = { dispatcher: [] as number[], got: [] as number[] };
  const delays = { with: [] as number[], without: [] as number[] };
  try {
    for (let round = 0; round <= options.rounds; round += 1) {
      const turn = {
        dispatcher: await drainBacklog(bench, `backlog-${round}`),
        got: await postAlone(bench),
        ...(round % 2 === 0
          ? {
              without: await deliverSteadily(bench, `a-${round}`, false),
              with: await deliverSteadily(bench, `b-${round}`, true),
            }
          : {
              with: await deliverSteadily(bench, `b-${round}`, true),
              without: await deliverSteadily(bench, `a-${round}`, false),
            }),
      };
      // The first is to warm up.
      if (round === 0) continue;
      rates.dispatcher.push(turn.dispatcher);
      rates.got.push(turn.got);
      delays.with.push(turn.with);
      delays.without.push(turn.without);
    }
  } finally {
    await bench.dispatcher.stop();
    await Promise.all([store.stop(), receivers.stop()]);
  }
  const ratio = (one: readonly number[], other: readonly number[]) =>
    median(one.map((value, at) => value / (other[at] ?? NaN))).toFixed(2);
  const { say, callbacks, endpoints, perSecond } = options;
  say(`\n${callbacks} callbacks that are due, ${endpoints} endpoints, ${dispatcherConcurrency} at a time\n`);
  say(`dispatcher  ${Math.round(median(rates.dispatcher))} a second`);
  say(
    `got alone   ${Math.round(median(rates.got))} a second; the dispatcher makes ${ratio(rates.dispatcher, rates.got)} of it`,
  );
  say(`\n${perSecond} callbacks a second, from the change of state to the arrival\n`);
  say(`without a tarpit  p99 ${median(delays.without).toFixed(1)} ms`);
  say(
    `with a tarpit     p99 ${median(delays.with).toFixed(1)} ms, ${ratio(delays.with, delays.without)} times as long`,
  );
}

/** Callbacks a second, from the start of the dispatcher to the last arrival. */
async function drainBacklog(bench: Bench, database: string): Promise<number> {
  return withDispatcher(bench, database, async ({ tasks, start }) => {
    const loaded = await storeRunningTasks(tasks, targetsOf(bench));
    await endTasks(tasks, loaded);
    const startedMs = now();
    const started = start();
    const arrivals = await gather(bench, loaded.length);
    await started;
    return (loaded.length * 1000) / (Math.max(...arrivals.map(([, atMs]) => atMs)) - startedMs);
  });
}

/** Callbacks a second that got posts with as many in flight, and nothing else around it. */
async function postAlone(bench: Bench): Promise<number> {
  const targets = targetsOf(bench);
  const left = targets.values();
  const body = JSON.stringify({ taskId: '7000000000000000000', result: 'FINISHED', message: '' });
  const post = async (): Promise<void> => {
    for (const { url } of left) await got.post(url, { body, retry: { limit: 0 }, timeout: { request: 15_000 } });
  };
  const startedMs = now();
  await Promise.all(Array.from({ length: dispatcherConcurrency }, post));
  const arrivals = await gather(bench, targets.length);
  return (targets.length * 1000) / (Math.max(...arrivals.map(([, atMs]) => atMs)) - startedMs);
}

/** The 99th percentile of the milliseconds from the write that makes a callback due to its arrival. */
async function deliverSteadily(bench: Bench, database: string, hasTarpit: boolean): Promise<number> {
  return withDispatcher(bench, database, async ({ tasks, start, tell }) => {
    const loaded = await storeRunningTasks(tasks, targetsOf(bench));
    const swallowed = hasTarpit ? await storeRunningTasks(tasks, swallowedTargetsOf(bench)) : [];
    await start();
    const dueMs = new Map<string, number>();
    const perStep = Math.max(1, Math.round((bench.perSecond * stepMs) / 1000));
    const startedMs = now();
    for (let at = 0, step = 0; at < loaded.length; at += perStep, step += 1) {
      await wait(Math.max(0, startedMs + step * stepMs - now()));
      const due = [
        ...swallowed.slice(at / tarpitShare, (at + perStep) / tarpitShare),
        ...loaded.slice(at, at + perStep),
      ];
      for (const { url } of due) dueMs.set(new URL(url).pathname, now());
      await endTasks(tasks, due);
      for (const task of due) tell(task);
    }
    const arrivals = await gather(bench, loaded.length);
    return percentile(
      arrivals.map(([mark, atMs]) => atMs - (dueMs.get(mark) ?? NaN)),
      0.99,
    );
  });
}

interface Dispatcher {
  readonly tasks: ReturnType<typeof createTaskStore>;
  /** Resolves when it runs. */
  start(): Promise<unknown>;
  /** Publishes that it has ended. */
  tell(task: LoadedTask): void;
}

/** A database of its own, and a dispatcher on it, in its own process, that is stopped afterwards. */
async function withDispatcher<Measured>(
  { store, dispatcher }: Bench,
  database: string,
  measure: (dispatcher: Dispatcher) => Promise<Measured>,
): Promise<Measured> {
  const mongo = await connectMongo(`${store.urls[0]}/${database}`, { appName: 'juice-bench', poolSize: 32 });
  const order = (given: DispatcherOrder): Promise<unknown> => dispatcher.ask(given);
  try {
    await ensureIndexes(mongo);
    return await measure({
      tasks: createTaskStore(mongo),
      start: () => order({ kind: 'begin', database }),
      tell(task) {
        const told: DispatcherOrder = { kind: 'tell', key: `task.finished.${task.tenantId}`, event: endedEvent(task) };
        dispatcher.send(told);
      },
    });
  } finally {
    await order({ kind: 'end' });
    // What is kept of one turn would be in the memory of the store in the next.
    await mongo.connection.dropDatabase();
    await mongo.close();
  }
}

/** Each callback has a path of its own, by which its arrival is known. */
function targetsOf({ callbacks, endpoints, receivers }: Bench): readonly Target[] {
  return Array.from({ length: callbacks }, (_, at): Target => {
    return { number: at, tenantId: `tenant-${at % endpoints}`, url: `${receivers.urls[0]}/${at}` };
  });
}

/** Of one more tenant, whose receiver never answers. */
function swallowedTargetsOf({ callbacks, receivers }: Bench): readonly Target[] {
  return Array.from({ length: Math.floor(callbacks / tarpitShare) }, (_, at): Target => {
    return { number: callbacks + at, tenantId: 'tarpit', url: `${receivers.urls[1]}/` };
  });
}

/** Resolves when so many have arrived, each once. */
async function gather({ receivers }: Bench, count: number): Promise<readonly Arrival[]> {
  const all: Arrival[] = [];
  await until(
    `${count} callbacks`,
    async () => {
      all.push(...(await receivers.arrivals()));
      return all.length >= count;
    },
    deadline,
  );
  const different = new Set(all.map(([mark]) => mark)).size;
  if (all.length !== count || different !== count)
    throw new Error(`${all.length} arrived, ${different} different ones`);
  return all;
}

/** On the clock that processes share, to a fraction of a millisecond. */
function now(): number {
  return performance.timeOrigin + performance.now();
}
