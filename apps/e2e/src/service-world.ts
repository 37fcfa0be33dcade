import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { isEndState, TaskState, type TaskId } from '@juice/contracts';
import { startClusterProcess, type ClusterProcess } from '@juice/local-mesos/testing';
import { bundleServer, startServerProcess, type ServerProcess } from '@juice/local-mongo/testing';
import { createTenant, startService, until, type JuiceProcess } from '@juice/trial';
import mongoose from 'mongoose';
import { readLines } from './read-lines.ts';

const bundles = join(import.meta.dirname, '../../../dist/apps');

/** The least that a task can have. */
export const resources = { cpu: 0.1, mem: 256 };
/** As many as one GET may ask for. */
const mostIds = 1_000;
/** Short, since a standby waits for all of it; long beside what a busy machine lets a process wait. */
const lease = '10s';
/** These many processes share the machine with others: a deadline says that something hangs, not that it is slow. */
export const deadline = { withinMs: 90_000, everyMs: 200 };

/** What services in processes of their own run on: a database, over TCP, and a cluster, over HTTP, in processes too. */
export interface ServiceWorld {
  readonly folder: string;
  readonly database: mongoose.Connection;
  /** Where the services reach the database and the master. */
  readonly urls: { readonly mongo: string; readonly mesos: string };
  /** Its data stays. */
  readonly mongo: { kill(): Promise<void>; start(): Promise<void> };
  start(
    service: 'api' | 'scheduler' | 'callback',
    name: string,
    env?: Readonly<Record<string, string>>,
    giveUp?: AbortSignal,
  ): Promise<JuiceProcess>;
  /** The lines that tasks wrote to a file of the folder; none when there is no file yet. */
  lines(file: string): Promise<readonly string[]>;
  statesOf(api: JuiceProcess, ids: readonly TaskId[]): Promise<readonly TaskState[]>;
  /** Every task has added its number to the file, and has ended FINISHED, and none has run twice. */
  allFinish(api: JuiceProcess, file: string, ids: readonly TaskId[]): Promise<void>;
  /** Ends all that was started, and removes the folder. */
  close(): Promise<void>;
}

export async function startServiceWorld(options: {
  amqpUrl: string;
  /** Each holds so many tasks of the least resources. */
  agents: readonly number[];
  env: Readonly<Record<string, string>>;
}): Promise<ServiceWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'juice-services-'));
  const program = await bundleServer(folder);
  const dataDir = join(folder, 'mongo');
  let mongo: ServerProcess = await startServerProcess(program, { dataDir });
  const { url: mongoUrl } = mongo;
  const database = await mongoose.createConnection(`${mongoUrl}/juice`).asPromise();
  const mesos: ClusterProcess = await startClusterProcess(folder, {
    dataDir: join(folder, 'mesos'),
    environment: process.env,
    agents: options.agents.map((fit) => ({ cpus: fit * resources.cpu, memMb: fit * resources.mem, diskMb: 1000 })),
  });
  const running: JuiceProcess[] = [];

  const lines = (file: string): Promise<readonly string[]> => readLines(join(folder, file));
  async function statesOf(api: JuiceProcess, ids: readonly TaskId[]): Promise<readonly TaskState[]> {
    const tenant = createTenant(api.url, 'e2e');
    const states: TaskState[] = [];
    for (let at = 0; at < ids.length; at += mostIds) {
      const found = await tenant.find(ids.slice(at, at + mostIds));
      states.push(...found.map(({ taskStatus }) => taskStatus));
    }
    return states;
  }

  return {
    folder,
    database,
    urls: { mongo: mongoUrl, mesos: mesos.url },
    mongo: {
      kill: () => mongo.kill(),
      async start() {
        mongo = await startServerProcess(program, { dataDir, port: Number(new URL(mongoUrl).port) });
      },
    },
    async start(service, name, env = {}, giveUp) {
      const started = await startService(service, name, {
        bundles,
        logDir: folder,
        ...(giveUp !== undefined && { giveUp }),
        inherited: process.env,
        env: {
          JUICE_MONGO_URL: `${mongoUrl}/juice`,
          JUICE_AMQP_URL: options.amqpUrl,
          JUICE_MESOS_MASTERS: mesos.url,
          JUICE_LEASE: lease,
          ...options.env,
          ...env,
        },
      });
      running.push(started);
      return started;
    },
    lines,
    statesOf,
    async allFinish(api, file, ids) {
      await until('all to run', async () => (await lines(file)).length >= ids.length, deadline);
      await until('all to end', async () => (await statesOf(api, ids)).every(isEndState), deadline);
      expect(await statesOf(api, ids)).toEqual(ids.map(() => TaskState.FINISHED));
      const numbers = (await lines(file)).map(Number).sort((a, b) => a - b);
      expect(numbers).toEqual(ids.map((_, at) => at));
    },
    async close() {
      await Promise.all(running.map((one) => one.end('SIGKILL')));
      await mesos.stop();
      await database.close();
      await mongo.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
