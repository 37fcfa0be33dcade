import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createFolder, bundleServer, startServerProcess } from '../testing/index.ts';
import mongoose from 'mongoose';
import { failingWhile } from '../testing/failing-disk.ts';
import { until } from '../testing/until.ts';
import { startLocalMongo } from './index.ts';

const { MongoClient } = mongoose.mongo;

let scratch: Awaited<ReturnType<typeof createFolder>>;
let program: string;

beforeAll(async () => {
  scratch = await createFolder();
  program = await bundleServer(scratch.path);
});
afterAll(() => scratch.remove());

async function withFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await createFolder();
  try {
    await run(folder.path);
  } finally {
    await folder.remove();
  }
}

async function withClient<Result>(
  url: string,
  use: (client: InstanceType<typeof MongoClient>) => Promise<Result>,
): Promise<Result> {
  const client = await MongoClient.connect(url, { serverSelectionTimeoutMS: 500, w: 'majority' });
  try {
    return await use(client);
  } finally {
    await client.close(true);
  }
}

describe('a server that is killed', () => {
  test('has every acknowledged write when it is started again', () =>
    withFolder(async (dataDir) => {
      const acknowledged = new Map<number, number>();
      let nextId = 0;
      for (let round = 0; round < 3; round += 1) {
        // Small enough that snapshots are being made while it is killed.
        const server = await startServerProcess(program, { dataDir, compactBytes: 200_000 });
        await withClient(server.url, async (client) => {
          const things = client.db('d').collection<{ _id: number; n: number; filler: string }>('things');
          const found = new Map((await things.find().toArray()).map(({ _id, n }) => [_id, n]));
          for (const [id, n] of acknowledged) expect(found.get(id)).toBeGreaterThanOrEqual(n);
          const goal = acknowledged.size + 300;
          let killed: Promise<void> | undefined;
          const writers = Array.from({ length: 8 }, async () => {
            for (;;) {
              const id = nextId++;
              await things.insertOne({ _id: id, n: 0, filler: 'x'.repeat(500) });
              acknowledged.set(id, 0);
              await things.updateOne({ _id: id }, { $inc: { n: 1 } });
              acknowledged.set(id, 1);
              if (acknowledged.size >= goal) await (killed ??= server.kill());
            }
          });
          await Promise.allSettled(writers);
        });
        expect(acknowledged.size).toBeGreaterThanOrEqual(300 * (round + 1));
      }
      const server = await startLocalMongo({ dataDir });
      const count = await withClient(server.url, (client) => client.db('d').collection('things').countDocuments());
      expect(count).toBeGreaterThanOrEqual(acknowledged.size);
      await server.stop();
    }));
});

test('a disk that is full is told to the client; reading goes on, and writing when there is room again', () =>
  withFolder(async (dataDir) => {
    let isFull = false;
    const server = await startLocalMongo({ dataDir, retryMs: 5, openFile: failingWhile(() => isFull) });
    await withClient(server.url, async (client) => {
      const things = client.db('d').collection<{ _id: number }>('things');
      await things.insertOne({ _id: 1 });
      isFull = true;
      await expect(things.insertOne({ _id: 2 })).rejects.toMatchObject({ code: 14031, codeName: 'OutOfDiskSpace' });
      await expect(things.insertOne({ _id: 3 }, { writeConcern: { w: 1 } })).rejects.toMatchObject({ code: 14031 });
      expect(await things.findOne({ _id: 1 })).toEqual({ _id: 1 });
      isFull = false;
      await until(() =>
        things.insertOne({ _id: 4 }).then(
          () => true,
          () => false,
        ),
      );
    });
    await server.stop();
    const again = await startLocalMongo({ dataDir });
    await withClient(again.url, async (client) => {
      const ids = (await client.db('d').collection<{ _id: number }>('things').find().toArray()).map(({ _id }) => _id);
      // The second was not acknowledged: it may be there. The third was refused.
      expect(ids.filter((id) => id !== 2)).toEqual([1, 4]);
    });
    await again.stop();
  }));

test('a read that asks for what a majority has gets nothing that could still be lost', () =>
  withFolder(async (dataDir) => {
    let isFull = false;
    // Nothing is written by itself: whoever waits for the disk is the first to.
    const lingerMs = 3_600_000;
    const server = await startLocalMongo({ dataDir, lingerMs, retryMs: 5, openFile: failingWhile(() => isFull) });
    await withClient(server.url, async (client) => {
      const things = client.db('d').collection<{ _id: number }>('things');
      const majority = { readConcern: { level: 'majority' } } as const;
      await things.insertMany([{ _id: 1 }, { _id: 2 }, { _id: 3 }]);
      const batches = things.find({}, { ...majority, batchSize: 2 });
      expect([await batches.next(), await batches.next()]).toEqual([{ _id: 1 }, { _id: 2 }]);
      isFull = true;
      await things.insertOne({ _id: 4 }, { writeConcern: { w: 1, j: false } });
      expect(await things.countDocuments()).toBe(4);
      await expect(things.findOne({ _id: 4 }, majority)).rejects.toMatchObject({ code: 14031 });
      await expect(batches.toArray()).rejects.toMatchObject({ code: 14031 });
      await expect(things.aggregate([{ $match: { _id: 4 } }], majority).toArray()).rejects.toMatchObject({
        code: 14031,
      });
      expect(await things.findOne({ _id: 4 }, { readConcern: { level: 'local' } })).toEqual({ _id: 4 });
      isFull = false;
      await until(() =>
        things.findOne({ _id: 4 }, majority).then(
          (found) => found !== null,
          () => false,
        ),
      );
    });
    await server.stop();
  }));
