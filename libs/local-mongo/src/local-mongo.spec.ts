import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import mongoose from 'mongoose';
import { startLocalMongo, type LocalMongo } from './index.ts';

const { MongoClient, Long, Double, ObjectId } = mongoose.mongo;

let server: LocalMongo;
let client: InstanceType<typeof MongoClient>;

beforeAll(async () => {
  server = await startLocalMongo({ dataDir: null });
  client = await MongoClient.connect(server.url, { useBigInt64: true });
});

afterAll(async () => {
  await client.close();
  await server.stop();
});

beforeEach(async () => {
  await client.db('test').dropDatabase();
});

const things = () => client.db('test').collection<any>('things');

describe('documents', () => {
  test('keep their types', async () => {
    const id = 9_007_199_254_740_993n;
    await things().insertOne({
      _id: id,
      int: 1,
      double: new Double(1),
      long: 5n,
      at: new Date(7),
      oid: new ObjectId(),
      none: null,
    });
    await things().updateOne({ _id: id }, { $set: { other: 'x' }, $inc: { int: 1, long: 1n } });
    const [raw] = await client
      .db('test')
      .collection<any>('things')
      .find({ _id: Long.fromBigInt(id) }, { promoteValues: false, useBigInt64: false })
      .toArray();
    expect(raw.double._bsontype).toBe('Double');
    expect(raw.int._bsontype).toBe('Int32');
    expect(raw.long.toString()).toBe('6');
    expect(await things().findOne({ long: 6 })).toMatchObject({ _id: id, other: 'x', none: null });
  });

  test('come in batches', async () => {
    await things().insertMany(Array.from({ length: 1000 }, (_, n) => ({ _id: n, even: n % 2 === 0 })));
    const found = await things().find({ even: true }).sort({ _id: -1 }).batchSize(7).toArray();
    expect(found.map(({ _id }) => _id)).toEqual(Array.from({ length: 500 }, (_, n) => 998 - n * 2));
    expect(await things().countDocuments({ _id: { $lt: 10 } })).toBe(10);
    expect(await things().estimatedDocumentCount()).toBe(1000);
  });
});
