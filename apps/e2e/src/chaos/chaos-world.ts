import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startRabbitProcess, startService, type JuiceProcess } from '@juice/trial';
import mongoose from 'mongoose';
import { readLines } from '../read-lines.ts';
import type { StoredTask } from './ledger.ts';
import { resources } from './load.ts';
import { startPart } from './parts.ts';
import type { Service } from './plan-faults.ts';

/** Killed with -9, and started again with its data and where it was. */
export interface Restartable {
  kill(): Promise<void>;
  start(): Promise<void>;
}

/** All that services run on, each in a process of its own. */
export interface ChaosWorld {
  readonly broker: Restartable;
  readonly store: Restartable;
  /** Where every attempt that runs adds its Mesos task id. */
  readonly runsFile: string;
  start(service: Service, name: string, env: Readonly<Record<string, string>>): Promise<JuiceProcess>;
  /** Every task that is stored. */
  readTasks(): Promise<readonly StoredTask[]>;
  readRuns(): Promise<readonly string[]>;
  /** Tasks that have not ended, or have something to call back. */
  countUnsettled(): Promise<number>;
  /** Ends all but the services. */
  close(): Promise<void>;
}

const agents = 2;
/** Tasks of the least resources. Fewer than come at times: so there is always something that waits. */
const perAgent = 30;

export async function startChaosWorld(options: {
  readonly folder: string;
  readonly bundles: string;
  readonly inherited: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string>>;
}): Promise<ChaosWorld> {
  const { folder, bundles, inherited } = options;
  const dataDir = join(folder, 'store');
  const logDir = join(folder, 'logs');
  const runsFile = join(folder, 'runs');
  await mkdir(logDir, { recursive: true });
  const broker = await startRabbitProcess(join(folder, 'rabbitmq'));
  let store = await startPart(bundles, 'store', { dataDir, port: 0 });
  const storeUrl = store.url;
  const cluster = await startPart(bundles, 'cluster', {
    dataDir: join(folder, 'mesos'),
    environment: { PATH: inherited['PATH'], HOME: inherited['HOME'] },
    agents: Array.from({ length: agents }, () => ({
      cpus: perAgent * resources.cpu,
      memMb: perAgent * resources.mem,
      diskMb: 1000,
    })),
  });
  const database = await mongoose.createConnection(`${storeUrl}/juice`, { useBigInt64: true }).asPromise();
  const tasks = database.collection<StoredTask>('tasks');

  return {
    broker,
    store: {
      kill: () => store.end('SIGKILL'),
      async start() {
        store = await startPart(bundles, 'store', { dataDir, port: Number(new URL(storeUrl).port) });
      },
    },
    runsFile,
    start: (service, name, env) =>
      startService(service, name, {
        ...{ bundles, logDir, inherited },
        env: {
          JUICE_MONGO_URL: `${storeUrl}/juice`,
          JUICE_AMQP_URL: broker.url,
          JUICE_MESOS_MASTERS: cluster.url,
          ...options.env,
          ...env,
        },
      }),
    readTasks: () => tasks.find().toArray(),
    readRuns: () => readLines(runsFile),
    async countUnsettled() {
      const isUnsettled = { $or: [{ finishAt: { $exists: false } }, { 'callback.pending.0': { $exists: true } }] };
      return tasks.countDocuments(isUnsettled);
    },
    async close() {
      await cluster.end('SIGTERM');
      await database.close();
      await Promise.all([store.end('SIGKILL'), broker.kill()]);
    },
  };
}
