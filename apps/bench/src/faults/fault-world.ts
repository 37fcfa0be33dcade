import { connectBroker } from '@juice/messaging';
import { createLogger } from '@juice/observability';
import { connectMongo, createTaskStore, ensureIndexes } from '@juice/persistence';
import { startReceiver, startService, until, type JuiceProcess, type ReceivedCallback } from '@juice/trial';
import { endedEvent, endTasks, runTasks, storeRunningTasks, type LoadedTask, type Target } from '../callback-load.ts';

/** A server in a process of its own: killed, and started again with its data and where it was. */
export interface Restartable {
  readonly url: string;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Callback workers in processes of their own, and all that they depend on. */
export interface FaultWorld {
  readonly workers: readonly JuiceProcess[];
  /** kill -9, and a new one in its place. */
  killWorker(index: number): Promise<void>;
  /**
   * Stores tasks that ran and have ended, and publishes that they have; resolves when all of it is stored for good, however
   * often the store is away meanwhile.
   */
  endTasks(numbers: readonly number[]): Promise<readonly LoadedTask[]>;
  close(): Promise<void>;
}

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
/** What a task that ran and ended has gone through: STAGING, RUNNING, FINISHED. */
export const endSequence = 3;

export async function startFaultWorld(options: {
  readonly folder: string;
  readonly bundles: string;
  readonly inherited: Readonly<Record<string, string | undefined>>;
  readonly store: Pick<Restartable, 'url'>;
  readonly broker: Pick<Restartable, 'url'>;
  readonly workers: number;
  /** Endpoints: each tenant has the one receiver. */
  readonly tenants: number;
  readonly answer: (callback: ReceivedCallback) => number;
  /** For the workers, in place of what they have here. */
  readonly env?: Readonly<Record<string, string>>;
}): Promise<FaultWorld> {
  const { folder, bundles, inherited, store, broker: brokerAt, tenants } = options;
  const storeUrl = `${store.url}/juice`;
  const mongo = await connectMongo(storeUrl, { appName: 'juice-faults', poolSize: 4 });
  await ensureIndexes(mongo);
  const tasks = createTaskStore(mongo);
  const log = createLogger({ service: 'bench', level: 'error', pretty: false });
  const broker = await connectBroker(brokerAt.url, { log, connectionName: 'juice-faults' });
  const receiver = await startReceiver({ secret, answer: options.answer });

  let started = 0;
  const startWorker = (): Promise<JuiceProcess> =>
    startService('callback', `callback-${started++}`, {
      ...{ bundles, inherited, logDir: folder },
      env: {
        JUICE_MONGO_URL: storeUrl,
        JUICE_AMQP_URL: brokerAt.url,
        JUICE_CALLBACK_SECRET: secret,
        JUICE_CALLBACK_ALLOW: '127.0.0.0/8',
        // Longer in all than anything here is down: a lane dies when the probes have failed for as long.
        JUICE_CALLBACK_SCHEDULE: [
          '0s',
          '1s',
          ...Array.from({ length: 8 }, () => '3s'),
          ...Array.from({ length: 16 }, () => '60s'),
        ].join(','),
        // What a killed worker had in hand is taken over when its lease ends.
        JUICE_CALLBACK_TIMEOUT: '1s',
        JUICE_CALLBACK_LEASE: '11s',
        JUICE_CALLBACK_SWEEP: '1s',
        ...options.env,
      },
    });
  const workers = await Promise.all(Array.from({ length: options.workers }, startWorker));

  const targetOf = (number: number): Target => ({ number, tenantId: `tenant-${number % tenants}`, url: receiver.url });

  return {
    workers,
    async killWorker(index) {
      await workers[index]?.end('SIGKILL');
      workers[index] = await startWorker();
    },
    async endTasks(numbers) {
      const loaded = await persist(() => storeRunningTasks(tasks, numbers.map(targetOf)));
      await persist(() => runTasks(tasks, loaded));
      await persist(() => endTasks(tasks, loaded, endSequence));
      // A broker that is away misses them: then the workers find them by themselves.
      const tell = (task: LoadedTask): Promise<unknown> =>
        broker.publish('juice.events', `task.finished.${task.tenantId}`, endedEvent(task, endSequence));
      await Promise.allSettled(loaded.map(tell));
      return loaded;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.end('SIGKILL')));
      await Promise.all([receiver.close(), broker.close(), mongo.close()]);
    },
  };

  /** As often as it takes; every write here may be made again. */
  async function persist<T>(write: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await write();
      } catch (error: unknown) {
        if (tries === 60) throw error;
        await until('the store to be back', () => mongo.isUp(), { withinMs: 60_000 });
      }
    }
  }
}
