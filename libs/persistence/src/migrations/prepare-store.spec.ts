import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import { connectMongo, type MongoConnection } from '../connection.ts';
import { migrations, type Migration } from './migrations.ts';
import { prepareStore } from './prepare-store.ts';

let server: LocalMongo;
let conn: MongoConnection;
beforeAll(async () => {
  server = await startLocalMongo({ dataDir: null, host: '127.0.0.1', port: 0 });
});
afterAll(() => server.stop());
beforeEach(async () => {
  conn = await connectMongo(`${server.url}/migrations`, { appName: 'migrations-spec' });
});
afterEach(async () => {
  await conn.connection.dropDatabase();
  await conn.close();
});

const meta = () => conn.connection.collection<{ _id: string; schema: number; oldestReader: number }>('meta');
const noted = async () => meta().findOne({ _id: 'schema' });
const counts = () => conn.connection.collection<{ _id: string; n: number }>('things');

/** A step that changes what is not changed yet, and may break off in the midst of it. */
function step(schema: number, oldestReader = schema, crash: () => void = () => undefined): Migration {
  return {
    ...{ schema, oldestReader },
    async run() {
      for (const _id of ['a', 'b']) {
        await counts().updateOne({ _id, n: schema - 1 }, { $set: { n: schema } });
        crash();
      }
    },
  };
}

async function things(n: number): Promise<void> {
  await counts().insertMany(['a', 'b'].map((_id) => ({ _id, n })));
}
const values = async () =>
  (
    await counts()
      .find({}, { sort: { _id: 1 } })
      .toArray()
  ).map(({ n }) => n);

test('an empty database gets the present schema and its indexes', async () => {
  await prepareStore(conn);
  const last = migrations.at(-1);
  expect(await noted()).toEqual({ _id: 'schema', schema: last?.schema, oldestReader: last?.oldestReader });
  expect((await conn.connection.collection('tasks').indexes()).length).toBeGreaterThan(5);
  await prepareStore(conn);
});

test('steps count from 1 without gaps, and none asks for more than itself', () => {
  expect(migrations.map(({ schema }) => schema)).toEqual(migrations.map((_, at) => at + 1));
  for (const { schema, oldestReader } of migrations) expect(oldestReader).toBeLessThanOrEqual(schema);
});

test('steps are taken in their order, each once, by as many processes as there are', async () => {
  await things(0);
  const steps = [step(1), step(2), step(3)];
  await Promise.all([1, 2, 3, 4].map(() => prepareStore(conn, steps)));
  expect(await values()).toEqual([3, 3]);
  expect(await noted()).toMatchObject({ schema: 3, oldestReader: 3 });
});

test('one that broke off is taken up again', async () => {
  await things(1);
  await prepareStore(conn, [step(1)]);
  const crash = () => {
    throw new Error('killed');
  };
  await expect(prepareStore(conn, [step(1), step(2, 2, crash)])).rejects.toThrow('killed');
  expect(await values()).toEqual([2, 1]);
  expect(await noted()).toMatchObject({ schema: 1 });
  await prepareStore(conn, [step(1), step(2)]);
  expect(await values()).toEqual([2, 2]);
  expect(await noted()).toMatchObject({ schema: 2 });
});

test('an older version works beside a newer schema that it can read, and takes nothing back', async () => {
  await prepareStore(conn, [step(1), step(2, 1)]);
  await prepareStore(conn, [step(1)]);
  expect(await noted()).toMatchObject({ schema: 2, oldestReader: 1 });
});

test('and refuses one that it cannot', async () => {
  await prepareStore(conn, [step(1), step(2, 2)]);
  await expect(prepareStore(conn, [step(1)])).rejects.toMatchObject({
    dependency: 'mongodb',
    retryable: false,
    message: expect.stringContaining('needs a version of Juice that knows schema 2 or later; this one knows 1'),
  });
});
