import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import mongoose from 'mongoose';
import { startLocalMongo } from '../src/index.ts';

/*
 * What the server can do, asked through the official driver. The server runs in a worker of its own.
 *
 *     npx esbuild libs/local-mongo/testing/measure.ts --bundle --platform=node --format=esm --packages=external \
 *       --outfile=dist/local-mongo-bench.mjs && node dist/local-mongo-bench.mjs [disk]
 */
const { MongoClient, Long } = mongoose.mongo;

const onDisk = process.argv.includes('disk');
const documents = 100_000;
const rounds = 5;

interface Timing {
  readonly name: string;
  readonly perSecond: number;
}

async function measure(name: string, count: number, run: () => Promise<unknown>): Promise<Timing> {
  const before = performance.now();
  await run();
  const seconds = (performance.now() - before) / 1000;
  return { name, perSecond: Math.round(count / seconds) };
}

const at = new Date(1_700_000_000_000);
const filler = 'x'.repeat(600);

/** About 1.5 KB, of the shape that Juice stores. */
function task(n: number): Record<string, unknown> {
  return {
    _id: Long.fromNumber(n + 1),
    tenantId: `tenant-${n % 100}`,
    taskName: `task-${n}`,
    spec: {
      command: filler,
      resources: { cpuMillis: 100, memMb: 64 },
      env: [{ name: 'A', value: 'b' }],
      retry: { max: 3 },
    },
    status: n % 10 === 0 ? 1 : 0,
    message: 'task is waiting',
    reason: null,
    seq: 0,
    attempt: 0,
    attempts: [],
    history: [{ seq: 0, status: 0, at, attempt: 0, message: 'task is waiting', reason: null }],
    epoch: 0,
    countedFailures: 0,
    freeFailures: 0,
    submitAt: at,
    expireAt: at,
    outbox: [],
    callback: { url: 'https://example.test/hook', events: 'all', state: 'idle', pending: [], attempt: 0 },
  };
}

const event = { seq: 1, status: 1, at, attempt: 1, message: 'task is running', reason: null };

/** The scheduler's write: guarded, sets the state, appends to the history, the outbox and the lane. */
function transition(n: number, seq: number): Record<string, object> {
  return {
    updateOne: {
      filter: { _id: Long.fromNumber(n + 1), seq, epoch: { $lte: 1 } },
      update: {
        $set: { status: 1, message: 'task is running', seq: seq + 1, epoch: 1, frame: 'f1' },
        $push: { history: { $each: [event], $slice: -50 }, 'callback.pending': event },
        $min: { 'callback.dueAt': at },
      },
    },
  };
}

// What is measured is not what the driver's types can express.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type StoredTask = any;

type Client = InstanceType<typeof MongoClient>;
const tasksOf = (client: Client) => client.db('bench').collection<StoredTask>('tasks');

async function inBatches(
  count: number,
  size: number,
  run: (from: number, to: number) => Promise<unknown>,
): Promise<void> {
  for (let from = 0; from < count; from += size) await run(from, Math.min(count, from + size));
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

async function measureOnce(client: Client, round: number): Promise<Timing[]> {
  await client.db('bench').dropDatabase();
  const tasks = tasksOf(client);
  const small = client.db('bench').collection('small');
  const timings: Timing[] = [];
  timings.push(
    await measure('insertMany, small documents', documents, () =>
      inBatches(documents, 5000, (from, to) =>
        small.insertMany(range(from, to).map((n) => ({ n, name: `n${n}`, at }))),
      ),
    ),
  );
  await small.drop();
  await tasks.createIndexes([
    { key: { tenantId: 1, _id: -1 } },
    { key: { status: 1, _id: 1 } },
    { key: { 'callback.dueAt': 1 }, sparse: true },
    { key: { killRequestedAt: 1 }, sparse: true },
    { key: { outboxAt: 1 }, sparse: true },
    { key: { purgeAt: 1 }, expireAfterSeconds: 0 },
  ]);
  timings.push(
    await measure('insertMany, 1.3 KB tasks, 7 indexes', documents, () =>
      inBatches(documents, 1000, (from, to) => tasks.insertMany(range(from, to).map(task) as never)),
    ),
  );
  timings.push(
    await measure('bulkWrite, guarded transitions of tasks', 50_000, () =>
      inBatches(50_000, 1000, (from, to) => tasks.bulkWrite(range(from, to).map((n) => transition(n, 0)) as never)),
    ),
  );
  await client
    .db('bench')
    .collection('flat')
    .insertMany(range(0, 20_000).map((n) => ({ _id: n, seq: 0, epoch: 0, log: [] })) as never);
  const flat = client.db('bench').collection<Record<string, never>>('flat');
  timings.push(
    await measure('bulkWrite, the same on small documents', 60_000, async () => {
      for (const seq of [0, 1, 2]) {
        await inBatches(20_000, 1000, (from, to) =>
          flat.bulkWrite(range(from, to).map((n) => ({ ...transition(n - 1, seq) })) as never),
        );
      }
    }),
  );
  const ids = range(0, 2000).map((n) => Long.fromNumber(((n * 7919) % documents) + 1));
  timings.push(
    await measure('findOne by _id, one after the other', ids.length, async () => {
      for (const _id of ids) await tasks.findOne({ _id });
    }),
    await measure('find by tenant, newest 20 of 1,000', 500, async () => {
      for (let n = 0; n < 500; n += 1) {
        await tasks
          .find({ tenantId: `tenant-${n % 100}` })
          .sort({ _id: -1 })
          .limit(20)
          .toArray();
      }
    }),
    await measure('find due lanes, first 100 of 50,000', 200, async () => {
      for (let n = 0; n < 200; n += 1) {
        await tasks
          .find({ 'callback.dueAt': { $lte: new Date() } }, { projection: { _id: 1 } })
          .sort({ 'callback.dueAt': 1 })
          .limit(100)
          .toArray();
      }
    }),
    await measure('find by status, 100 after an id', 500, async () => {
      for (let n = 0; n < 500; n += 1) {
        await tasks
          .find({ status: 0, _id: { $gt: Long.fromNumber(60_000) } }, { projection: { _id: 1 } })
          .sort({ _id: 1 })
          .limit(100)
          .toArray();
      }
    }),
    await measure('find all, documents', documents, () => tasks.find({}, { raw: true }).batchSize(5000).toArray()),
  );
  process.stderr.write(`round ${round + 1} of ${rounds}\n`);
  return timings;
}

async function runServer(): Promise<void> {
  const { parentPort, workerData } = await import('node:worker_threads');
  const { url } = await startLocalMongo(workerData as { dataDir: string | null });
  parentPort?.postMessage(url);
  parentPort?.on('message', () => parentPort.postMessage(process.memoryUsage.rss()));
}

async function main(): Promise<void> {
  const folder = onDisk ? await mkdtemp(join(tmpdir(), 'local-mongo-bench-')) : null;
  const worker = new Worker(new URL(import.meta.url), { workerData: { dataDir: folder } });
  const url = await new Promise<string>((resolve, reject) => worker.once('message', resolve).once('error', reject));
  const client = await MongoClient.connect(url, { w: 'majority' });
  const all: Timing[][] = [];
  for (let round = 0; round < rounds; round += 1) all.push(await measureOnce(client, round));
  for (const [i, { name }] of (all[0] ?? []).entries()) {
    const speeds = all.map((timings) => timings[i]?.perSecond ?? 0).sort((a, b) => a - b);
    const [median = 0, best = 0] = [speeds[speeds.length >>> 1], speeds.at(-1)];
    process.stdout.write(
      `${name.padEnd(45)} median ${String(median).padStart(8)}/s   best ${String(best).padStart(8)}/s\n`,
    );
  }
  await client.close();
  await worker.terminate();
  if (folder !== null) await rm(folder, { recursive: true, force: true });
}

const { isMainThread } = await import('node:worker_threads');
await (isMainThread ? main() : runServer());
