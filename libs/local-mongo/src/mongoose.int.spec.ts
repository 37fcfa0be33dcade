import { afterAll, beforeAll, expect, test } from '@jest/globals';
import mongoose, { type Connection } from 'mongoose';
import { startLocalMongo, type LocalMongo } from './index.ts';

let server: LocalMongo;
let connection: Connection;
beforeAll(async () => {
  server = await startLocalMongo({ dataDir: null });
  connection = await mongoose.createConnection(`${server.url}/shop`).asPromise();
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

test('mongoose makes indexes, validates, saves, finds and populates', async () => {
  const Owner = connection.model('Owner', new mongoose.Schema({ name: { type: String, unique: true } }));
  const Thing = connection.model(
    'Thing',
    new mongoose.Schema(
      { owner: { type: mongoose.Types.ObjectId, ref: 'Owner' }, tags: [String], n: { type: Number, min: 0 } },
      { timestamps: true },
    ),
  );
  await Promise.all([Owner.init(), Thing.init()]);
  const owner = await Owner.create({ name: 'o' });
  await expect(Owner.create({ name: 'o' })).rejects.toMatchObject({ code: 11000 });
  const thing = await Thing.create({ owner: owner._id, tags: ['a'], n: 1 });
  thing.tags.push('b');
  thing.n = 2;
  await thing.save();
  const found = await Thing.findOne({ tags: 'b', n: { $gte: 2 } })
    .populate<{ owner: { name: string } }>('owner')
    .lean();
  expect(found).toMatchObject({ tags: ['a', 'b'], n: 2, owner: { name: 'o' } });
  expect(
    await Thing.findByIdAndUpdate(thing._id, { $pull: { tags: 'a' } }, { returnDocument: 'after' }).lean(),
  ).toMatchObject({
    tags: ['b'],
  });
  expect(await Thing.countDocuments({ owner: owner._id })).toBe(1);
  expect(await Thing.deleteMany({})).toMatchObject({ deletedCount: 1 });
});

test('a connection string may name a Unix socket', async () => {
  const socketPath = `${server.url.replace(/\W/g, '')}.sock`;
  const local = await startLocalMongo({ dataDir: null, socketPath: `/tmp/${socketPath}` });
  const other = await mongoose.createConnection(`${local.url}/d`).asPromise();
  expect(await other.db?.admin().ping()).toEqual({ ok: 1 });
  await other.close();
  await local.stop();
});
