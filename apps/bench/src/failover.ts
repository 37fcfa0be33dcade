import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAllEvents, isEndState, TaskState, type LoggedEvent } from '@juice/contracts';
import {
  connectMongo,
  createEventLog,
  createTaskStore,
  prepareStore,
  type EventLog,
  type TaskStore,
} from '@juice/persistence';
import { startRabbitProcess, startService, until, type JuiceProcess } from '@juice/trial';
import { readCpuSeconds } from './ask.ts';
import { storeWaitingTasks } from './callback-load.ts';
import { startPart } from './callback-parts.ts';
import { startMasterProcess } from './master-process.ts';
import { writeTable } from './table.ts';

export interface FailoverOptions {
  readonly waiting: number;
  readonly running: number;
  /** Of a RabbitMQ that is there; one is started where none is given. */
  readonly amqpUrl: string | null;
  readonly bundles: string;
  readonly inherited: Readonly<Record<string, string | undefined>>;
  readonly say: (line: string) => void;
}

const lease = '3s';
/** Of the scheduler that fills the cluster first: so many launches at once may keep a store busy for longer than a short lease. */
const fillingLease = '60s';
const tenants = 100;
/** As many as an agent holds. */
const perAgent = 100;
const agentSpec = { cpus: perAgent / 10, memMb: perAgent * 256, diskMb: 10_000 };
/** Longer than any run: a task that ends would make room by itself. */
const taskMs = 24 * 3_600_000;
const launchMs = 600_000;
const takeoverMs = 300_000;
const pageSize = 5_000;

/**
 * Kills the leader while a standby is there, with so many tasks running and so many waiting for which there is no room, makes room
 * for as many as an agent holds, and tells how long the new leader took to launch the first of them. Schedulers, store, cluster
 * and broker are processes of their own. True when nothing but launches of waiting tasks came of it, each of them once.
 */
export async function measureFailover({ waiting, running, say, ...options }: FailoverOptions): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'juice-bench-'));
  const ends: (() => Promise<unknown>)[] = [() => rm(folder, { recursive: true, force: true })];
  try {
    const amqpUrl = options.amqpUrl ?? (await startBroker(folder, ends));
    const store = await startPart('store');
    ends.push(() => store.stop());
    const storeUrl = `${store.urls[0]}/juice`;
    const full = Math.ceil(running / perAgent);
    // The last is lost until there is to be room.
    const agents = Array.from({ length: full + 1 }, () => agentSpec);
    const order = { kind: 'local-mesos', dataDir: join(folder, 'mesos'), agents, taskMs, lost: full } as const;
    const cluster = await startMasterProcess(order);
    ends.push(() => cluster.stop());
    const mongo = await connectMongo(storeUrl, { appName: 'bench-failover', poolSize: 4 });
    ends.push(() => mongo.close());
    await prepareStore(mongo);
    const startScheduler = async (name: string, leaseFor = lease): Promise<JuiceProcess> => {
      const scheduler = await startService('scheduler', name, {
        ...{ bundles: options.bundles, inherited: options.inherited, logDir: folder, giveUpMs: launchMs },
        env: {
          ...{ JUICE_MONGO_URL: storeUrl, JUICE_AMQP_URL: amqpUrl, JUICE_MESOS_MASTERS: cluster.url },
          JUICE_LEASE: leaseFor,
        },
      });
      ends.push(() => scheduler.end('SIGKILL'));
      return scheduler;
    };

    say(`load of the machine before: ${loadavg()[0]?.toFixed(1)}`);
    await storeAll(createTaskStore(mongo), running + waiting);
    const follower = createFollower(createEventLog(mongo));
    const filler = await startScheduler('scheduler-0', fillingLease);
    await follower.until(`${running} tasks to run`, (events) => countRunning(events) >= running, launchMs);
    await filler.end('SIGTERM');
    const leader = await startScheduler('scheduler-1');
    const stepsOf = (name: string) => readSteps(join(folder, `${name}.log`));
    const doesLead = async () => (await stepsOf('scheduler-1')).some(({ what }) => what === stepNames['leader.loaded']);
    await until('it to lead', doesLead, { withinMs: takeoverMs });
    const standby = await startScheduler('scheduler-2');
    say(`${countRunning(follower.events)} tasks run, ${running + waiting - countRunning(follower.events)} wait`);

    const before = follower.events.length;
    const killedAtMs = Date.now();
    await leader.end('SIGKILL');
    await cluster.returnAgent(full);
    const fit = Math.min(perAgent, waiting);
    const after = (): readonly LoggedEvent[] => follower.events.slice(before);
    await follower.until('the first to run', () => countRunning(after()) >= fit, takeoverMs);
    const steps = await stepsOf('scheduler-2');
    const first = (state: TaskState): number => after().find(({ status }) => status === state)?.atMs ?? NaN;
    const rows = [
      ...steps.map(({ what, atMs }) => [what, atMs] as const),
      ['first launch recorded', first(TaskState.STAGING)] as const,
      ['first task known to run', first(TaskState.RUNNING)] as const,
      [`all ${fit} that there is room for run`, after().at(-1)?.atMs ?? NaN] as const,
    ];
    say('');
    const table = rows.map(([what, atMs]) => [what, ((atMs - killedAtMs) / 1000).toFixed(2)]);
    for (const line of writeTable([['of the new leader', 'seconds after the kill'], ...table])) say(line);
    const cpu = await readCpuSeconds(standby.url);
    say(`\nCPU of the new leader: ${cpu.toFixed(1)} s in all; load of the machine after: ${loadavg()[0]?.toFixed(1)}`);
    return isRight(after(), fit, say);
  } finally {
    for (const end of ends.toReversed()) await end();
  }
}

async function startBroker(folder: string, ends: (() => Promise<unknown>)[]): Promise<string> {
  const broker = await startRabbitProcess(join(folder, 'rabbitmq'));
  ends.push(() => broker.stop());
  return broker.url;
}

async function storeAll(tasks: TaskStore, count: number): Promise<void> {
  await storeWaitingTasks(
    tasks,
    Array.from({ length: count }, (_, number) => ({ number, tenantId: `tenant-${number % tenants}` })),
  );
}

/** Reads what the leaders log, on and on, as a client does that follows all tenants. */
function createFollower(log: EventLog) {
  const events: LoggedEvent[] = [];
  let place = beforeAllEvents;

  async function readOn(): Promise<void> {
    for (let hasMore = true; hasMore;) {
      const page = await log.readOn(place, pageSize);
      events.push(...page.events);
      place = page.upTo;
      hasMore = page.hasMore;
    }
  }

  return {
    events: events as readonly LoggedEvent[],
    until(what: string, holds: (events: readonly LoggedEvent[]) => boolean, withinMs: number): Promise<void> {
      const doesHold = async (): Promise<boolean> => {
        await readOn();
        return holds(events);
      };
      return until(what, doesHold, { withinMs, everyMs: 250 });
    },
  };
}

function countRunning(events: readonly LoggedEvent[]): number {
  return events.filter(({ status }) => status === TaskState.RUNNING).length;
}

const stepNames: Readonly<Record<string, string>> = {
  'leader.elected': 'lease taken',
  'cluster.subscribed': 'subscribed',
  'leader.loaded': 'store loaded',
};

/** What the new leader says in its log, in that order. */
async function readSteps(file: string): Promise<readonly { readonly what: string; readonly atMs: number }[]> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.startsWith('{'));
  return lines
    .map((line) => JSON.parse(line) as { readonly event: string; readonly time: string })
    .flatMap(({ event, time }) => {
      const what = stepNames[event];
      return what === undefined ? [] : [{ what, atMs: Date.parse(time) }];
    });
}

/** Nothing ended, and nothing ran before its turn or twice. */
function isRight(events: readonly LoggedEvent[], fit: number, say: (line: string) => void): boolean {
  const ended = events.filter(({ status }) => isEndState(status)).length;
  const again = events.filter(({ attempt }) => attempt !== 1).length;
  const launched = events.filter(({ status }) => status === TaskState.STAGING).length;
  say(`launched ${launched} of ${fit} that there is room for; ${ended} ended, ${again} events of second attempts`);
  return launched === fit && ended === 0 && again === 0;
}
