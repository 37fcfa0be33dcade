import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import mongoose from 'mongoose';
import { startLocalMongo, type LocalMongo } from '../local-mongo.ts';

const { MongoClient, Long } = mongoose.mongo;
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of a server, whose shape is what is tested
type Fields = Record<string, any>;

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
afterEach(() => client.db('d').dropDatabase());

const things = () => client.db('d').collection<Fields>('things');
const range = (count: number) => Array.from({ length: count }, (_, n) => n);
const failure = (run: Promise<unknown>): Promise<Fields> =>
  run.then(
    () => {
      throw new Error('it succeeded');
    },
    (error: Fields) => error,
  );

describe('writing', () => {
  test("a key that is taken is mongod's duplicate key error", async () => {
    await things().createIndex({ tenant: 1, name: -1 }, { unique: true });
    await things().insertOne({ _id: 1 as never, tenant: 't', name: 'n' });
    const error = await failure(things().insertOne({ tenant: 't', name: 'n' }));
    expect(error).toMatchObject({
      code: 11000,
      keyPattern: { tenant: 1, name: -1 },
      keyValue: { tenant: 't', name: 'n' },
    });
    expect(error['message']).toBe(
      'E11000 duplicate key error collection: d.things index: tenant_1_name_-1 dup key: { tenant: "t", name: "n" }',
    );
    expect(await failure(things().insertOne({ _id: 1 as never }))).toMatchObject({ code: 11000, keyValue: { _id: 1 } });
    expect(
      await failure(things().updateOne({ _id: 2 as never }, { $set: { tenant: 't', name: 'n' } }, { upsert: true })),
    ).toMatchObject({ code: 11000 });
    expect(await things().countDocuments()).toBe(1);
  });

  test('an ordered batch ends at its first error, an unordered one goes on', async () => {
    const batch = [{ _id: 1 }, { _id: 1 }, { _id: 2 }, { _id: 1 }, { _id: 3 }] as never[];
    const ordered = await failure(things().insertMany(batch));
    expect([ordered['insertedCount'], ordered['writeErrors'].map((one: Fields) => one['index'])]).toEqual([1, [1]]);
    const unordered = await failure(things().insertMany(batch, { ordered: false }));
    expect([unordered['insertedCount'], unordered['writeErrors'].map((one: Fields) => one['index'])]).toEqual([
      2,
      [0, 1, 3],
    ]);
  });

  test('a bulk write mixes its kinds', async () => {
    await things().insertMany(range(4).map((_id) => ({ _id, n: 0 })) as never[]);
    const result = await things().bulkWrite([
      { updateOne: { filter: { _id: 0 as never, n: { $lte: 0 } }, update: { $inc: { n: 1 } } } },
      { updateMany: { filter: { n: 0 }, update: { $set: { n: 5 } } } },
      { deleteOne: { filter: { _id: 3 as never } } },
      { replaceOne: { filter: { _id: 9 as never }, replacement: { n: 9 }, upsert: true } },
      { insertOne: { document: { _id: 10 as never } } },
      { updateOne: { filter: { _id: 77 as never }, update: { $set: { n: 1 } } } },
    ]);
    expect(result).toMatchObject({
      matchedCount: 4,
      modifiedCount: 4,
      deletedCount: 1,
      upsertedCount: 1,
      insertedCount: 1,
      upsertedIds: { 3: 9 },
    });
    expect(await things().find().sort({ _id: 1 }).toArray()).toEqual([
      { _id: 0, n: 1 },
      { _id: 1, n: 5 },
      { _id: 2, n: 5 },
      { _id: 9, n: 9 },
      { _id: 10 },
    ]);
  });

  test.each<[string, object, number]>([
    ['the _id', { $set: { _id: 2 } }, 66],
    ['the _id away', { $unset: { _id: '' } }, 66],
    ['the name of the _id', { $rename: { _id: 'id' } }, 66],
    ['two operators on one path', { $set: { a: 1 }, $inc: { a: 1 } }, 40],
    ['a path within another', { $set: { 'a.b': 1, a: 1 } }, 40],
    ['a field of a scalar', { $set: { 'n.x': 1 } }, 28],
    ['a name in an array', { $set: { 'list.x': 1 } }, 28],
    ['a number that is none', { $inc: { text: 1 } }, 14],
    ['by what is no number', { $inc: { n: 'x' } }, 14],
    ['an array that is none', { $push: { n: 1 } }, 2],
    ['an unknown operator', { $frobnicate: { n: 1 } }, 9],
    ['an empty part of a path', { $set: { 'a..b': 1 } }, 56],
  ])('an update of %s is refused and changes nothing', async (_what, change, code) => {
    const before = { _id: 1, n: 1, text: 't', list: [1] };
    await things().insertOne(before as never);
    expect(await failure(things().updateOne({ _id: 1 as never }, change))).toMatchObject({ code });
    expect(await things().findOne()).toEqual(before);
  });

  test('what is no document, and a name that cannot be one, are refused', async () => {
    const db = client.db('d');
    await things().insertOne({});
    const update = { update: 'things', updates: [{ q: /x/, u: { $set: { a: 1 } } }] };
    expect((await db.command(update))['writeErrors']).toMatchObject([{ index: 0, code: 14 }]);
    expect(await failure(db.command({ distinct: 'things', key: 'a\0b' }))).toMatchObject({ code: 2 });
    expect(
      await failure(
        things()
          .aggregate([{ $count: 'a\0b' }])
          .toArray(),
      ),
    ).toMatchObject({ code: 2 });
  });

  test('a replacement keeps the _id, and may not have another', async () => {
    await things().insertOne({ _id: 1 as never, a: 1 });
    await things().replaceOne({ a: 1 }, { b: 2, _id: 1 as never });
    expect(await things().findOne()).toEqual({ _id: 1, b: 2 });
    expect(await failure(things().replaceOne({ b: 2 }, { _id: 2 as never }))).toMatchObject({ code: 66 });
  });

  test('an update that changes nothing matches and modifies nothing', async () => {
    await things().insertOne({ _id: 1 as never, n: 1 });
    expect(await things().updateOne({ n: 1 }, { $set: { n: 1 } })).toMatchObject({ matchedCount: 1, modifiedCount: 0 });
  });

  test('an upsert takes the equal fields of its filter', async () => {
    const filter = { _id: 7 as never, 'a.b': 'x', kind: { $eq: 2 }, $and: [{ other: true }], n: { $gt: 5 } };
    await things().updateOne(filter, { $set: { c: 1 }, $setOnInsert: { made: true } }, { upsert: true });
    await things().updateOne(filter, { $setOnInsert: { made: false } });
    expect(await things().findOne()).toEqual({ _id: 7, a: { b: 'x' }, kind: 2, other: true, c: 1, made: true });
  });

  test('array positions: matched, all and filtered', async () => {
    const lines = [
      { n: 1, ok: false },
      { n: 2, ok: false },
      { n: 3, ok: false },
    ];
    await things().insertOne({ _id: 1 as never, lines });
    await things().updateOne({ 'lines.n': 2 }, { $set: { 'lines.$.ok': true } });
    await things().updateOne({}, { $inc: { 'lines.$[].n': 10 } });
    await things().updateOne({}, { $set: { 'lines.$[big].big': true } }, { arrayFilters: [{ 'big.n': { $gte: 12 } }] });
    await things().updateOne({ lines: { $elemMatch: { ok: true, n: 12 } } }, { $unset: { 'lines.$.ok': '' } });
    expect((await things().findOne())?.['lines']).toEqual([
      { n: 11, ok: false },
      { n: 12, big: true },
      { n: 13, ok: false, big: true },
    ]);
  });

  test('a pipeline computes', async () => {
    await things().insertOne({ _id: 1 as never, a: 2, b: 3 });
    await things().updateOne({}, [{ $set: { sum: { $add: ['$a', '$b'] } } }, { $unset: 'a' }]);
    expect(await things().findOne()).toEqual({ _id: 1, b: 3, sum: 5 });
  });

  test('finding and changing is one step', async () => {
    await things().insertMany(range(3).map((_id) => ({ _id, n: _id })) as never[]);
    const options = { sort: { n: -1 as const }, projection: { n: 1, _id: 0 } };
    expect(await things().findOneAndUpdate({}, { $inc: { n: 10 } }, options)).toEqual({ n: 2 });
    expect(await things().findOneAndUpdate({}, { $inc: { n: 10 } }, { ...options, returnDocument: 'after' })).toEqual({
      n: 22,
    });
    expect(await things().findOneAndDelete({ n: 22 })).toEqual({ _id: 2, n: 22 });
    expect(await things().findOneAndUpdate({ n: 99 }, { $set: { x: 1 } })).toBeNull();
    expect(
      await things().findOneAndReplace({ _id: 9 as never }, { n: 9 }, { upsert: true, returnDocument: 'after' }),
    ).toEqual({ _id: 9, n: 9 });
  });
});

describe('reading', () => {
  test('cursors go on, are closed, and say so', async () => {
    await things().insertMany(range(250).map((_id) => ({ _id })) as never[]);
    const cursor = things().find().sort({ _id: 1 }).skip(5).limit(200).batchSize(30);
    expect((await cursor.toArray()).map(({ _id }) => _id)).toEqual(range(205).slice(5));
    const open = things().find().batchSize(2);
    await open.next();
    const id = open.id as unknown as InstanceType<typeof Long>;
    await open.close();
    expect(
      await failure(client.db('d').command({ getMore: Long.fromValue(id as never), collection: 'things' })),
    ).toMatchObject({ code: 43, codeName: 'CursorNotFound' });
    const single = await client.db('d').command({ find: 'things', batchSize: 3, singleBatch: true });
    expect([single['cursor'].firstBatch.length, Number(single['cursor'].id)]).toEqual([3, 0]);
    const empty = await client.db('d').command({ find: 'things', batchSize: 0 });
    expect(empty['cursor'].firstBatch).toEqual([]);
    expect(Number(empty['cursor'].id)).not.toBe(0);
  });

  test('64-bit numbers are exact, and equal to other numbers of the same value', async () => {
    const ids = [2n ** 63n - 1n, 2n ** 53n, 2n ** 53n + 1n, -(2n ** 63n), 5n];
    await things().insertMany(ids.map((_id) => ({ _id })) as never[]);
    for (const _id of ids) expect(await things().findOne({ _id: Long.fromBigInt(_id) as never })).toEqual({ _id });
    expect(await things().findOne({ _id: 5 as never })).toEqual({ _id: 5n });
    expect(
      (
        await things()
          .find({ _id: { $gt: 2 ** 53 } as never })
          .sort({ _id: 1 })
          .toArray()
      ).map(({ _id }) => _id),
    ).toEqual([2n ** 53n + 1n, 2n ** 63n - 1n]);
    expect(await failure(things().insertOne({ _id: 5 as never }))).toMatchObject({ code: 11000 });
  });

  test('projections keep, leave out and cut', async () => {
    await things().insertOne({ _id: 1 as never, a: { b: 1, c: 2 }, list: [{ x: 1, y: 2 }, { x: 3 }, 4], n: 5 });
    const shown = async (projection: object) => things().findOne({}, { projection });
    expect(await shown({ 'a.b': 1, 'list.x': 1 })).toEqual({ _id: 1, a: { b: 1 }, list: [{ x: 1 }, { x: 3 }] });
    expect(await shown({ _id: 0, 'a.b': 0, 'list.x': 0 })).toEqual({ a: { c: 2 }, list: [{ y: 2 }, {}, 4], n: 5 });
    expect(await shown({ _id: 0, n: 1, list: { $slice: -1 } })).toEqual({ n: 5, list: [4] });
    expect(await shown({ _id: 1 })).toEqual({ _id: 1 });
    expect(await shown({ list: { $elemMatch: { x: 3 } } })).toEqual({ _id: 1, list: [{ x: 3 }] });
    expect(await shown({ _id: 0, double: { $multiply: ['$n', 2] } })).toEqual({ double: 10 });
    expect(await failure(shown({ a: 1, n: 0 }))).toMatchObject({ code: 31254 });
  });

  test('aggregations start on the indexes and are computed by mingo', async () => {
    await things().insertMany(
      range(20).map((_id) => ({ _id, kind: _id % 2 === 0 ? 'even' : 'odd', n: _id })) as never[],
    );
    const groups = await things()
      .aggregate([
        { $match: { n: { $lt: 10 } } },
        { $group: { _id: '$kind', sum: { $sum: '$n' } } },
        { $sort: { _id: 1 } },
      ])
      .toArray();
    expect(groups).toEqual([
      { _id: 'even', sum: 20 },
      { _id: 'odd', sum: 25 },
    ]);
    expect(
      await things()
        .aggregate([{ $match: {} }, { $sort: { n: -1 } }, { $skip: 1 }, { $limit: 1 }])
        .toArray(),
    ).toEqual([{ _id: 18, kind: 'even', n: 18 }]);
    expect(
      await things()
        .aggregate([{ $match: { kind: 'odd' } }, { $count: 'odds' }])
        .toArray(),
    ).toEqual([{ odds: 10 }]);
    expect(await things().distinct('kind', { n: { $gt: 3 } })).toEqual(['even', 'odd']);
    expect(
      await failure(
        things()
          .aggregate([{ $nothing: 1 }])
          .toArray(),
      ),
    ).toMatchObject({ code: 40324 });
    expect(
      await failure(
        things()
          .aggregate([{ $out: 'x' }])
          .toArray(),
      ),
    ).toMatchObject({ code: 115 });
  });

  test('null is also what is missing, and sorts below the rest', async () => {
    await things().insertMany([
      { _id: 1, a: null },
      { _id: 2 },
      { _id: 3, a: 0 },
      { _id: 4, a: 'x' },
      { _id: 5, a: [] },
      { _id: 6, a: { b: 1 } },
    ] as never[]);
    const ids = async (filter: object) =>
      (await things().find(filter).sort({ _id: 1 }).toArray()).map(({ _id }) => _id);
    expect(await ids({ a: null })).toEqual([1, 2]);
    expect(await ids({ a: { $not: { $gt: 0 } } })).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await ids({ a: { $exists: true } })).toEqual([1, 3, 4, 5, 6]);
    expect(await ids({ $or: [{ a: { $size: 0 } }, { 'a.b': 1 }] })).toEqual([5, 6]);
    expect((await things().find().sort({ a: 1, _id: 1 }).toArray()).map(({ _id }) => _id)).toEqual([5, 1, 2, 3, 4, 6]);
  });

  test('nothing scripted is run', async () => {
    await things().insertOne({ _id: 1 as never });
    expect(await failure(things().findOne({ $where: 'true' } as never))).toMatchObject({ code: 2 });
    expect(
      await failure(things().findOne({ $expr: { $function: { body: 'return true', args: [], lang: 'js' } } } as never)),
    ).toHaveProperty('code');
  });
});

describe('the catalog', () => {
  test('an index that conflicts is refused as mongod does', async () => {
    const create = (key: object, options: object) =>
      client.db('d').command({ createIndexes: 'things', indexes: [{ key, ...options }] });
    await create({ a: 1 }, { name: 'a' });
    expect(await create({ a: 1 }, { name: 'a' })).toMatchObject({
      note: 'all indexes already exist',
      numIndexesAfter: 2,
    });
    expect(await failure(create({ a: 1 }, { name: 'other' }))).toMatchObject({
      code: 85,
      codeName: 'IndexOptionsConflict',
    });
    expect(await failure(create({ a: 1 }, { name: 'a', expireAfterSeconds: 1 }))).toMatchObject({ code: 85 });
    expect(await failure(create({ b: 1 }, { name: 'a' }))).toMatchObject({
      code: 86,
      codeName: 'IndexKeySpecsConflict',
    });
    expect(await failure(create({ a: 1 }, { name: 'a', unique: true }))).toMatchObject({ code: 86 });
    expect(await failure(create({ t: 'text' }, { name: 't' }))).toMatchObject({ code: 67 });
    await things().insertMany([{ u: 1 }, { u: 1 }]);
    expect(await failure(create({ u: 1 }, { name: 'u', unique: true }))).toMatchObject({ code: 11000 });
    expect((await things().indexes()).map(({ name }) => name)).toEqual(['_id_', 'a']);
    await things().dropIndex('a');
    expect(await failure(things().dropIndex('a'))).toMatchObject({ code: 27 });
  });

  test('collections and databases come and go', async () => {
    const db = client.db('d');
    await db.createCollection('made');
    expect(await failure(db.createCollection('made'))).toMatchObject({ code: 48 });
    await things().insertOne({});
    expect((await db.listCollections().toArray()).map(({ name }) => name).sort()).toEqual(['made', 'things']);
    await db.collection('made').rename('renamed');
    await things().drop();
    expect(await db.listCollections({}, { nameOnly: true }).toArray()).toEqual([
      { name: 'renamed', type: 'collection' },
    ]);
    expect((await client.db().admin().listDatabases()).databases.map(({ name }) => name)).toEqual(['d']);
    expect(await failure(db.command({ listIndexes: 'nowhere' }))).toMatchObject({ code: 26 });
    expect(await failure(db.createCollection('capped', { capped: true, size: 100 }))).toMatchObject({ code: 115 });
  });

  test('a session is accepted and a transaction is not', async () => {
    const session = client.startSession();
    await things().insertOne({ _id: 1 as never }, { session });
    session.startTransaction();
    // The driver words code 20 in its own way.
    expect((await failure(things().insertOne({ _id: 2 as never }, { session })))['message']).toMatch(
      /does not support/,
    );
    await session.endSession();
  });
});
