import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import mongoose from 'mongoose';
import { createFolder } from '../testing/folder.ts';
import { until } from '../testing/until.ts';
import { startLocalMongo, type LocalMongo } from './index.ts';

const { MongoClient, Long, Double, ObjectId } = mongoose.mongo;

interface Thing {
  readonly _id: bigint | number;
  readonly [name: string]: unknown;
}

let server: LocalMongo;
let client: InstanceType<typeof MongoClient>;

beforeAll(async () => {
  server = await startLocalMongo({ dataDir: null, expiryIntervalMs: 20 });
  client = await MongoClient.connect(server.url, { useBigInt64: true });
});

afterAll(async () => {
  await client.close();
  await server.stop();
});

beforeEach(async () => {
  await client.db('test').dropDatabase();
});

const things = () => client.db('test').collection<Thing>('things');

describe('documents', () => {
  test('keep their types', async () => {
    const _id = 9_007_199_254_740_993n;
    const at = new Date(7);
    await things().insertOne({ _id, int: 1, double: new Double(1), long: 5n, at, oid: new ObjectId(), none: null });
    await things().updateOne({ _id }, { $set: { other: 'x' }, $inc: { int: 1, long: 1n } as never });
    const asStored = { promoteValues: false, useBigInt64: false } as const;
    const raw = client.db('test').collection('things');
    const stored = await raw.findOne({ _id: Long.fromBigInt(_id) as never }, asStored as object);
    const kinds = Object.fromEntries(
      Object.entries(stored ?? {}).map(([name, value]) => [name, (value as { _bsontype?: string } | null)?._bsontype]),
    );
    expect(kinds).toMatchObject({ _id: 'Long', int: 'Int32', double: 'Double', long: 'Long', oid: 'ObjectId' });
    expect(await things().findOne({ long: 6 })).toMatchObject({ _id, other: 'x', none: null, int: 2, at });
  });

  test('come in batches', async () => {
    await things().insertMany(Array.from({ length: 1000 }, (_, n) => ({ _id: n, even: n % 2 === 0 })));
    const found = await things().find({ even: true }).sort({ _id: -1 }).batchSize(7).toArray();
    expect(found.map(({ _id }) => _id)).toEqual(Array.from({ length: 500 }, (_, n) => 998 - n * 2));
    expect(await things().countDocuments({ _id: { $lt: 10 } })).toBe(10);
    expect(await things().estimatedDocumentCount()).toBe(1000);
  });

  test('go when their time has come', async () => {
    await things().createIndex({ purgeAt: 1 }, { expireAfterSeconds: 1 });
    const inMs = (ms: number) => new Date(Date.now() + ms);
    await things().insertMany([
      { _id: 1, purgeAt: inMs(-5000) },
      { _id: 2, purgeAt: inMs(60_000) },
      { _id: 3, purgeAt: 0 },
      { _id: 4 },
      { _id: 5, purgeAt: [inMs(60_000), inMs(-5000)] },
    ]);
    await until(async () => (await things().countDocuments()) === 3);
    expect((await things().find().sort({ _id: 1 }).toArray()).map(({ _id }) => _id)).toEqual([2, 3, 4]);
  });
});

describe('indexes', () => {
  test.each([
    ['the newest of a tenant', { tenantId: 't1' }, { _id: -1 }, 'tenantId_1__id_-1'],
    ['a state, by id, from an id on', { status: 1, _id: { $gt: 50 } }, { _id: 1 }, 'status_1__id_1'],
    ['several states, by id', { status: { $in: [1, 2] }, _id: { $gt: 10 } }, { _id: 1 }, 'status_1__id_1'],
    [
      'what is due, the longest first',
      { 'callback.dueAt': { $lte: new Date(60) } },
      { 'callback.dueAt': 1 },
      'callback.dueAt_1',
    ],
  ] as const)('serve %s in order, without sorting', async (_what, filter, sort, indexName) => {
    await things().createIndexes([
      { key: { tenantId: 1, _id: -1 } },
      { key: { status: 1, _id: 1 } },
      { key: { 'callback.dueAt': 1 }, sparse: true },
    ]);
    const documents = Array.from({ length: 400 }, (_, n) => ({
      _id: n,
      tenantId: `t${n % 20}`,
      status: n % 40,
      ...(n % 10 === 0 ? { callback: { dueAt: new Date(n) } } : {}),
    }));
    await things().insertMany(documents);
    const find = things()
      .find(filter as never)
      .sort(sort)
      .limit(5);
    const { queryPlanner } = await find.clone().explain();
    expect(queryPlanner.winningPlan).toEqual({ stage: 'IXSCAN', indexName });
    const all = await things()
      .find(filter as never)
      .toArray();
    expect((await find.toArray()).map(({ _id }) => _id)).toEqual(
      all
        .map(({ _id }) => Number(_id))
        .sort((a, b) => ('_id' in sort && sort._id === -1 ? b - a : a - b))
        .slice(0, 5),
    );
  });
});

describe('a folder', () => {
  test("keeps everything from one start to the next, and is one server's", async () => {
    const folder = await createFolder();
    for (let start = 0; start < 3; start += 1) {
      const kept = await startLocalMongo({ dataDir: folder.path });
      await expect(startLocalMongo({ dataDir: folder.path })).rejects.toMatchObject({ code: 'FOLDER_IN_USE' });
      const other = await MongoClient.connect(kept.url, { useBigInt64: true });
      const collection = other.db('d').collection<Thing>('c');
      expect(await collection.countDocuments()).toBe(start);
      await collection.insertOne({ _id: start }, { writeConcern: { w: 1 } });
      await other.close();
      await kept.stop();
      await kept.stop();
    }
    await folder.remove();
  });
});
