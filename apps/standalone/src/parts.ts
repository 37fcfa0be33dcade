import { join } from 'node:path';
import { createMesosClient, type MesosClient } from '@juice/mesos';
import { connectBroker, createMemoryBroker, type Broker } from '@juice/messaging';
import type { Log } from '@juice/observability';
import { connectMongo, prepareStore, type MongoConnection } from '@juice/persistence';
import { connectWithBackoff, hideCredentials, type Stop } from '@juice/runtime';
import { readMesosAccess } from '@juice/scheduler';
import type { StandaloneConfig } from './config.ts';
import { parseAgents } from './local-agents.ts';
import { startPartThread } from './part-thread.ts';

/** What the services run on, embedded or real, and how it is called in the banner. */
export interface Parts {
  readonly mongo: MongoConnection;
  readonly broker: Broker;
  readonly mesos: MesosClient;
  readonly described: readonly { readonly name: string; readonly what: string }[];
}

/** Brings up the parts that are not given by URL, and connects to those that are, with backoff until they are there. */
export async function startParts(deps: {
  config: StandaloneConfig;
  dataDir: string;
  environment: Readonly<Record<string, string | undefined>>;
  stop: Stop;
  log: Log;
}): Promise<Parts> {
  const { config, stop, log } = deps;
  const described: { name: string; what: string }[] = [];
  const mongo = await startMongo(deps, described);
  const broker = await startBroker(config.own.amqpUrl, stop, log, described);
  const masters = config.own.mesosMasters ?? [await startCluster(deps, described)];
  if (config.own.mesosMasters !== undefined)
    described.push({ name: 'cluster', what: masters.map(hideCredentials).join(', ') });
  return {
    mongo,
    broker,
    mesos: createMesosClient({ masters, log, ...(await readMesosAccess(config.scheduler)) }),
    described,
  };
}

type Deps = Parameters<typeof startParts>[0];
type Described = { name: string; what: string }[];

async function startMongo({ config, dataDir, stop, log }: Deps, described: Described): Promise<MongoConnection> {
  const given = config.own.mongoUrl;
  described.push({ name: 'database', what: given === undefined ? 'embedded' : hideCredentials(given) });
  const target = given ?? (await startDatabase(dataDir, stop));
  const mongo = stop.closes(
    await stop.needs(
      connectWithBackoff({
        dependency: 'mongodb',
        target,
        connect: () => connectMongo(target, { appName: 'juice-standalone', poolSize: 32 }),
        log,
        signal: stop.signal,
      }),
    ),
  );
  await stop.needs(prepareStore(mongo));
  return mongo;
}

async function startDatabase(dataDir: string, stop: Stop): Promise<string> {
  const order = { part: 'database', dataDir: join(dataDir, 'mongo') } as const;
  return stop.closes(await startPartThread(order, (error) => stop.fail(error))).url;
}

async function startBroker(url: string | undefined, stop: Stop, log: Log, described: Described): Promise<Broker> {
  described.push({ name: 'broker', what: url === undefined ? 'embedded' : hideCredentials(url) });
  if (url === undefined) return stop.closes(createMemoryBroker({ log }));
  return stop.closes(
    await stop.needs(
      connectWithBackoff({
        dependency: 'rabbitmq',
        target: url,
        connect: () => connectBroker(url, { log }),
        log,
        signal: stop.signal,
      }),
    ),
  );
}

async function startCluster({ config, dataDir, environment, stop }: Deps, described: Described): Promise<string> {
  const agents = parseAgents(config.own.localAgents) ?? [];
  const options = {
    dataDir: join(dataDir, 'mesos'),
    environment,
    executor: config.own.localExecutor,
    // Ports apart, as on one machine they must be; names apart, so that a constraint can tell agents.
    agents: agents.map((agent, at) => ({
      ...agent,
      hostname: `127.0.0.${at + 1}`,
      ports: [31_000 + at * 100, 31_099 + at * 100] as const,
      attributes: { rack_id: `rack-${at + 1}` },
    })),
  };
  const cluster = await startPartThread({ part: 'cluster', options }, (error) => stop.fail(error));
  stop.closes(cluster);
  const [first] = agents;
  const each = first === undefined ? '' : `${first.cpus} cpus and ${first.memMb} MB each`;
  const tasks = config.own.localExecutor === 'simulated' ? ', no task really runs' : '';
  described.push({ name: 'cluster', what: `embedded, ${agents.length} agents of ${each}${tasks} (${cluster.url})` });
  return cluster.url;
}
