import { once } from 'node:events';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { taskIdTimeMs, type TaskId, type TaskSpec } from '@juice/contracts';
import { createFolder, bundleServer, startServerProcess, type ServerProcess } from '@juice/local-mongo/testing';
import { connectMongo, createTaskStore, ensureIndexes, type MongoConnection } from '@juice/persistence';
import { build } from 'esbuild';
import { createStoreTasks, type Draft } from './store-tasks.ts';
import { createTaskIdSource } from './task-ids.ts';

// Ids of many makers at the same time, over a store in a process of its own.

let folder: Awaited<ReturnType<typeof createFolder>>;
let server: ServerProcess;
let mongo: MongoConnection;

beforeAll(async () => {
  folder = await createFolder();
  server = await startServerProcess(await bundleServer(folder.path), { dataDir: null });
  mongo = await connectMongo(`${server.url}/juice`, { appName: 'ids-spec' });
  await ensureIndexes(mongo);
}, 30_000);

afterAll(async () => {
  await mongo.close();
  await server.kill();
  await folder.remove();
});

test('200,000 ids that eight make at the same time, each with a number it leased, are all different', async () => {
  const outfile = join(folder.path, 'id-maker.mjs');
  const entryPoints = [join(import.meta.dirname, '../testing/id-maker.ts')];
  // What it needs of CommonJS is there by this; it is one file, since nothing can be imported from its folder.
  const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" };
  await build({ entryPoints, outfile, banner, bundle: true, platform: 'node', format: 'esm', logLevel: 'silent' });
  const [makers, each] = [8, 25_000];
  const threads = Array.from({ length: makers }, () => new Worker(outfile, { workerData: `${server.url}/juice` }));
  const gone = threads.map((thread) => once(thread, 'exit'));
  const say = async (thread: Worker): Promise<unknown> => ((await once(thread, 'message')) as unknown[])[0];
  const workers = await Promise.all(threads.map(say));
  expect(new Set(workers).size).toBe(makers);
  const made = Promise.all(threads.map(say));
  for (const thread of threads) thread.postMessage(each);
  const ids = (await made) as BigInt64Array[];
  expect(new Set(ids.flatMap((some) => [...some])).size).toBe(makers * each);
  expect((await Promise.all(gone)).map(([code]) => code as number)).toEqual(threads.map(() => 0));
}, 60_000);

const spec: TaskSpec = {
  ...{ taskName: 'a', commands: 'true', container: null, callbackUrl: null, callbackEvents: 'all' },
  resources: { role: '*', cpus: 1, memMb: 1, diskMb: 0, gpus: 0, ports: 0 },
  ...{ env: [], args: [], uris: [], constraints: [], priority: 0, retry: 0 },
  ...{ expireSeconds: null, maxRunSeconds: null, killGraceSeconds: null },
};

/** An api's way to the store, with a worker number that it did not lease; what is stored of the tenant is counted. */
function storeAs(worker: number, tenantId: string, now: () => number) {
  const nextId = createTaskIdSource({ now });
  const store = createTaskStore(mongo);
  let tries = 0;
  const storeTasks = createStoreTasks({
    tasks: {
      ...store,
      insertTasks(batch) {
        tries += batch.length;
        return store.insertTasks(batch);
      },
    },
    hints: { tasksSubmitted: () => undefined },
    newTaskId: () => nextId(worker),
    now,
    maxWaiting: 10_000,
    stored: () => undefined,
    grouped: () => undefined,
    random: Math.random,
  });
  const draft: Draft = { tenantId, spec, expireAfterMs: 1, traceparent: null };
  return {
    /** Stores so many, a few at a time, as requests do; their ids. */
    async store(count: number): Promise<readonly TaskId[]> {
      const ids: TaskId[] = [];
      let left = count;
      async function storeOn(): Promise<void> {
        while (left > 0) {
          left -= 1;
          const [stored] = (await storeTasks.store([draft])) ?? [];
          if (stored?.kind !== 'stored') throw new Error(`not stored: ${JSON.stringify(stored)}`);
          ids.push(stored.taskId);
        }
      }
      await Promise.all(Array.from({ length: 64 }, storeOn));
      return ids;
    },
    tries: () => tries,
  };
}

async function storedOf(tenantId: string): Promise<readonly string[]> {
  const found = await mongo.connection.collection('tasks').find({ tenantId }).project({ _id: 1 }).toArray();
  return found.map(({ _id }) => String(_id)).sort();
}

test('two that share a worker number lose nothing and store nothing twice', async () => {
  const clock = { nowMs: Date.now() };
  const [one, other] = [storeAs(5, 'twins', () => clock.nowMs), storeAs(5, 'twins', () => clock.nowMs)];
  const ids: TaskId[] = [];
  for (let rounds = 0; rounds < 50; rounds += 1) {
    ids.push(...(await Promise.all([one.store(20), other.store(20)])).flat());
    clock.nowMs += 1;
  }
  // Each round one of them finds the other's there.
  expect(one.tries() + other.tries()).toBeGreaterThanOrEqual(3 * 50 * 20);
  expect(await storedOf('twins')).toEqual(ids.map(String).sort());
}, 30_000);

test('nor does one that has the number, and by its clock the time, of another before it', async () => {
  const clock = { nowMs: Date.now() };
  const ids: TaskId[] = [];
  let tries = 0;
  for (let lives = 0; lives < 2; lives += 1) {
    const one = storeAs(6, 'stepped', () => clock.nowMs);
    for (let rounds = 0; rounds < 50; rounds += 1) {
      ids.push(...(await one.store(20)));
      clock.nowMs += 1;
    }
    tries += one.tries();
    clock.nowMs -= 50;
  }
  expect(tries).toBeGreaterThanOrEqual(3 * 50 * 20);
  expect(await storedOf('stepped')).toEqual(ids.map(String).sort());
}, 30_000);

test('a task counts as submitted at the moment that its id tells, however far that is from the clock', async () => {
  const clock = { nowMs: Date.now() };
  const one = storeAs(7, 'moments', () => clock.nowMs);
  await one.store(10);
  // The ids of this millisecond are used up: those that follow are made ahead of the clock.
  await one.store(4_096);
  const stored = await mongo.connection
    .collection<{ _id: TaskId; submitAt: Date; expireAt: Date }>('tasks')
    .find({ tenantId: 'moments' })
    .toArray();
  expect(stored.filter(({ _id, submitAt }) => taskIdTimeMs(_id) !== submitAt.getTime())).toEqual([]);
  expect(stored.filter(({ submitAt, expireAt }) => expireAt.getTime() !== submitAt.getTime() + 1)).toEqual([]);
  expect(new Set(stored.map(({ submitAt }) => submitAt.getTime()))).toEqual(new Set([clock.nowMs, clock.nowMs + 1]));
}, 30_000);
