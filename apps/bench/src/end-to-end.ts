import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isEndState, type TaskState } from '@juice/contracts';
import { openEventStream, startStandalone, until } from '@juice/trial';
import { readCpuSeconds } from './ask.ts';
import { startPart, type Part } from './callback-parts.ts';
import { percentile } from './statistics.ts';
import { createSubmitClient, type SubmitClient } from './submit-client.ts';
import { writeTable } from './table.ts';
import { settleTasks, type Accepted, type LoggedState, type TaskAccount } from './task-account.ts';

export interface EndToEndOptions {
  /** How long each of the two loads lasts. */
  readonly seconds: number;
  /** Tasks submitted and not yet called back, of the first load. */
  readonly inHand: number;
  /** Of the second load; half of what the first reached when left out. */
  readonly perSecond: number | null;
  readonly agents: string;
  readonly bundles: string;
  readonly inherited: Readonly<Record<string, string | undefined>>;
  readonly say: (line: string) => void;
}

/** Each in its turn: an endpoint, which is a tenant's, has four callbacks in hand at most. */
const tenantIds = Array.from({ length: 100 }, (_, at) => `tenant-${at}`);
/** Before the first load is measured: compiled code and full pools are what lasts. */
const warmUpMs = 15_000;
/** How often the receiver is asked what arrived: what this adds to a task's time in hand is small beside the 100 ms it runs. */
const askMs = 20;
const submitMs = 10;
const drainMs = 120_000;

/** What a load was, and what is left of it to settle. */
interface Load {
  readonly accepted: readonly Accepted[];
  readonly marks: readonly string[];
  /** Arrivals a second while it was measured. */
  readonly perSecond: number;
  readonly cpuSecondsEach: Readonly<Record<'juice' | 'receiver' | 'clients', number>>;
}

/**
 * Tasks through standalone in a process of its own, from the request to the callback at a receiver in another; its executors are
 * simulated. First as many as it gets done, with so many in hand; then at a steady rate, for the times to the launch. True when
 * every accepted task ended once and was called back once.
 */
export async function measureEndToEnd({ seconds, inHand, say, ...options }: EndToEndOptions): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'juice-bench-'));
  const receiver = await startPart('receivers');
  const juice = await startStandalone({
    ...{ bundles: options.bundles, inherited: options.inherited, dataDir: folder },
    env: { JUICE_LOCAL_AGENTS: options.agents, JUICE_LOCAL_EXECUTOR: 'simulated', JUICE_LOG_LEVEL: 'warn' },
  });
  const client = createSubmitClient(juice.url);
  const world = { client, receiver, juiceUrl: juice.url };
  try {
    say(`load of the machine before: ${loadavg()[0]?.toFixed(1)}\n`);
    const sustained = await run(world, '/sustained', seconds * 1000, keepInHand(inHand));
    const rate = options.perSecond ?? Math.max(1, Math.round(sustained.perSecond / 2));
    const steady = await run(world, '/steady', seconds * 1000, submitSteadily(rate));
    const events = await readEvents(juice.url, sustained.accepted.length + steady.accepted.length);
    const accounts = [sustained, steady].map(({ accepted, marks }) => settleTasks(accepted, events, marks));
    for (const line of tell([`${inHand} in hand`, `${rate} a second`], [sustained, steady], accounts)) say(line);
    say(`\nload of the machine after: ${loadavg()[0]?.toFixed(1)}`);
    return accounts.every(({ isRight }) => isRight);
  } finally {
    client.close();
    await juice.end('SIGTERM');
    await receiver.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

interface World {
  readonly client: SubmitClient;
  readonly receiver: Part;
  readonly juiceUrl: string;
}

/** How many to submit now, when so many were submitted and called back, so long after the beginning. */
type Pace = (count: { readonly submitted: number; readonly calledBack: number; readonly passedMs: number }) => number;

function keepInHand(most: number): Pace {
  return ({ submitted, calledBack }) => most - (submitted - calledBack);
}

function submitSteadily(perSecond: number): Pace {
  return ({ submitted, passedMs }) => Math.floor((passedMs * perSecond) / 1000) - submitted;
}

/**
 * Submits at this pace for so long after warming up, then waits until all that was accepted has been called back. `prefix` is of the
 * paths of its callbacks: one that comes late is of the load that it belongs to.
 */
async function run(world: World, prefix: string, measuredMs: number, pace: Pace): Promise<Load> {
  const { client, receiver, juiceUrl } = world;
  const [receiverUrl = ''] = receiver.urls;
  const accepted: Accepted[] = [];
  const marks: string[] = [];
  const failures: unknown[] = [];
  const submitting = new Set<Promise<void>>();
  let submitted = 0;

  async function submitOne(): Promise<void> {
    const mark = `${prefix}/${submitted}`;
    const tenantId = tenantIds[submitted++ % tenantIds.length] ?? '';
    const callback = { callbackUrl: `${receiverUrl}${mark}`, callbackEvents: 'terminal' };
    const sentAtMs = Date.now();
    const resources = { cpu: 0.1, mem: 256 };
    const taskId = await client.submit(tenantId, { taskName: 'bench', commands: 'true', resources, ...callback });
    accepted.push({ taskIdStr: String(taskId), mark, sentAtMs });
  }
  function submitSome(count: number): void {
    for (let at = 0; at < count; at += 1) {
      const one: Promise<void> = submitOne()
        .catch((error: unknown) => void failures.push(error))
        .finally(() => submitting.delete(one));
      submitting.add(one);
    }
  }
  async function listen(): Promise<void> {
    for (const [mark] of await receiver.arrivals()) marks.push(mark);
  }

  const startedMs = performance.now();
  const passedMs = (): number => performance.now() - startedMs;
  async function submitFor(untilMs: number): Promise<void> {
    for (let askedMs = -askMs; passedMs() < untilMs && failures.length === 0;) {
      submitSome(pace({ submitted, calledBack: marks.length, passedMs: passedMs() }));
      if (passedMs() - askedMs >= askMs) {
        askedMs = passedMs();
        await listen();
      }
      await wait(submitMs);
    }
    if (failures.length > 0) throw new Error(`${failures.length} not accepted`, { cause: failures[0] });
  }

  await submitFor(warmUpMs);
  const before = { cpu: await cpuSeconds(receiver, juiceUrl), count: marks.length, atMs: passedMs() };
  await submitFor(before.atMs + measuredMs);
  await listen();
  const after = { cpu: await cpuSeconds(receiver, juiceUrl), count: marks.length, atMs: passedMs() };
  await Promise.all(submitting);
  const settled = async (): Promise<boolean> => {
    await listen();
    return marks.length >= accepted.length;
  };
  // What is missing after that is told by the account.
  await until('every callback', settled, { withinMs: drainMs, everyMs: askMs }).catch(() => undefined);
  const done = after.count - before.count;
  const each = (part: keyof typeof before.cpu): number => (after.cpu[part] - before.cpu[part]) / done;
  return {
    ...{ accepted, marks, perSecond: (done * 1000) / (after.atMs - before.atMs) },
    cpuSecondsEach: { juice: each('juice'), receiver: each('receiver'), clients: each('clients') },
  };
}

async function cpuSeconds(receiver: Part, juiceUrl: string): Promise<Record<'juice' | 'receiver' | 'clients', number>> {
  const juice = await readCpuSeconds(juiceUrl);
  const { user, system } = process.cpuUsage();
  return { juice, receiver: (await receiver.cpuMs()) / 1000, clients: (user + system) / 1e6 };
}

/** All that became of the tasks, from the event log, after the fact: it costs nothing while times are taken. */
async function readEvents(juiceUrl: string, tasks: number): Promise<readonly LoggedState[]> {
  const url = `${juiceUrl}/v1/events?from=start`;
  const streams = await Promise.all(tenantIds.map((tenantId) => openEventStream(url, { tenantId })));
  const states = (): readonly LoggedState[] =>
    streams.flatMap((stream) =>
      stream.events().map(({ taskIdStr, taskStatus, at }) => ({ taskIdStr, taskStatus: taskStatus as TaskState, at })),
    );
  const ends = (): number => states().filter(({ taskStatus }) => isEndState(taskStatus)).length;
  // What is missing after that is told by the account.
  await until('the end of every task', () => ends() >= tasks, { withinMs: drainMs, everyMs: 1_000 }).catch(
    () => undefined,
  );
  for (const stream of streams) stream.close();
  return states();
}

function tell(names: readonly string[], loads: readonly Load[], accounts: readonly TaskAccount[]): readonly string[] {
  const times = (values: readonly number[]): string => `${percentile(values, 0.5)}, ${percentile(values, 0.99)}`;
  const ms = (seconds: number): string => (seconds * 1000).toFixed(2);
  const rows = loads.map(({ perSecond, cpuSecondsEach: cpu, accepted }, at) => {
    const {
      finishedOnce = 0,
      calledBackOnce = 0,
      strange = 0,
      toLaunchedMs = [],
      toRunningMs = [],
    } = accounts[at] ?? {};
    return [
      ...[names[at] ?? '', perSecond.toFixed(0), times(toLaunchedMs), times(toRunningMs)],
      ...[ms(cpu.juice), (cpu.juice * perSecond).toFixed(2), ms(cpu.receiver), ms(cpu.clients)],
      `${accepted.length}, ${finishedOnce}, ${calledBackOnce}, ${strange}`,
    ];
  });
  const head = [
    ...['', 'called back a second', 'to launched p50, p99 ms', 'to running p50, p99 ms'],
    ...['Juice CPU ms each', 'cores', 'receiver', 'clients', 'accepted, ended once, called back once, strange'],
  ];
  return writeTable([head, ...rows]);
}
