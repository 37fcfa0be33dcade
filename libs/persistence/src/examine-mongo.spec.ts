import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import { compareIndexes } from './collections.ts';
import { connectMongo, type MongoConnection } from './connection.ts';
import { examineMongo } from './examine-mongo.ts';
import { prepareStore, readSchema } from './migrations/prepare-store.ts';

let server: LocalMongo;
let conn: MongoConnection;
beforeAll(async () => {
  server = await startLocalMongo({ dataDir: null, host: '127.0.0.1', port: 0 });
});
afterAll(() => server.stop());
beforeEach(async () => {
  conn = await connectMongo(`${server.url}/examined`, { appName: 'examine-spec' });
});
afterEach(async () => {
  await conn.connection.dropDatabase();
  await conn.close();
});

test('an empty database has schema 0, misses every index, and stays empty', async () => {
  expect(await readSchema(conn)).toMatchObject({ schema: 0, oldestReader: 0 });
  const { missing, different } = await compareIndexes(conn);
  expect(missing).toContain('tasks {"tenantId":1,"_id":-1}');
  expect(different).toEqual([]);
  expect(await conn.connection.listCollections()).toEqual([]);
});

test('a prepared one has the schema that is known, and every index', async () => {
  await prepareStore(conn);
  const { schema, known } = await readSchema(conn);
  expect(schema).toBe(known);
  expect(await compareIndexes(conn)).toEqual({ missing: [], different: [] });
});

test('an index that is gone, and one with other options, are named', async () => {
  await prepareStore(conn);
  const tasks = conn.connection.collection('tasks');
  await tasks.dropIndex('tenantId_1__id_-1');
  await tasks.dropIndex('idem_1');
  await tasks.createIndex({ idem: 1 });
  expect(await compareIndexes(conn)).toEqual({
    missing: ['tasks {"tenantId":1,"_id":-1}'],
    different: ['tasks {"idem":1}'],
  });
});

test('the server’s clock is compared with ours at the middle of the round trip', async () => {
  expect(await examineMongo(conn)).toMatchObject({ kind: 'standalone', setName: null, wireVersion: 21 });
  const clocks = [Date.now() - 60_000, Date.now() - 59_000];
  const { aheadMs, doubtMs } = await examineMongo(conn, () => clocks.shift() ?? 0);
  expect(doubtMs).toBe(500);
  expect(aheadMs).toBeGreaterThan(59_000);
  expect(aheadMs).toBeLessThan(65_000);
});
