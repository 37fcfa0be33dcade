import { createServer } from 'node:net';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { startLocalMongo } from '@juice/local-mongo';
import { idAt, newTask, startMs } from '../testing/sample-tasks.ts';
import { connectMongo, createLeaseStore, createTaskStore, type MongoConnection } from './index.ts';
import { withinDeadline } from './mongo-failure.ts';

const options = { appName: 'juice-test', serverSelectionTimeoutMs: 200 };
// Time enough to reach a server that is there, on a machine with other work.
const patient = { ...options, serverSelectionTimeoutMs: 3_000 };
const lost = { code: 'DEPENDENCY_FAILURE', dependency: 'mongodb', retryable: true };

describe('a connection that cannot be made', () => {
  test('nobody listens: it may be worth another try', async () => {
    await expect(connectMongo(`mongodb://127.0.0.1:${await closedPort()}/juice`, options)).rejects.toMatchObject({
      ...lost,
      operation: 'connect',
    });
  });

  test('a URL that is none: it is not', async () => {
    await expect(connectMongo('mongodb://', options)).rejects.toMatchObject({ ...lost, retryable: false });
  });
});

test('a server that goes away: every operation fails as retryable, and the connection says it is down', async () => {
  const server = await startLocalMongo({ dataDir: null, host: '127.0.0.1', port: 0 });
  let conn: MongoConnection | null = null;
  try {
    conn = await connectMongo(server.url, patient);
    expect(conn.isUp()).toBe(true);
    await server.stop();
    const tasks = createTaskStore(conn);
    const operations = [
      conn.ping(),
      tasks.insertTasks([newTask(idAt(1))]),
      tasks.findTasks('acme', [idAt(1)]),
      tasks.requestKill('acme', idAt(1), startMs),
      tasks.requestKills('acme', [idAt(1)], startMs),
      tasks.listTasks('acme', { filter: {}, before: null, limit: 1 }),
      tasks.chooseTasks('acme', { filter: {}, before: null, limit: 1 }),
      tasks.countTasks('acme', { filter: {}, before: null }),
      tasks.callbackAttempts('acme', idAt(1), { before: null, limit: 1 }),
      tasks.findRequests(['acme/a']),
      tasks.releaseKeys(startMs, 1),
      createLeaseStore(conn).read('scheduler'),
      tasks.liveTasks(10)[Symbol.asyncIterator]().next(),
    ];
    await Promise.all(operations.map((operation) => expect(operation).rejects.toMatchObject(lost)));
    expect(conn.isUp()).toBe(false);
  } finally {
    await conn?.close();
    await server.stop();
  }
});

describe('a deadline', () => {
  afterEach(() => void jest.useRealTimers());

  test('work that is over in time is not affected', async () => {
    await expect(withinDeadline('insert', 10, Promise.resolve(1))).resolves.toBe(1);
    await expect(withinDeadline('insert', 10, Promise.reject(new RangeError()))).rejects.toThrow(RangeError);
  });

  test('work that is not is a retryable failure', async () => {
    jest.useFakeTimers();
    const late = withinDeadline('insert', 10, new Promise(() => undefined));
    jest.advanceTimersByTime(10);
    await expect(late).rejects.toMatchObject({ ...lost, operation: 'insert' });
  });
});

async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
