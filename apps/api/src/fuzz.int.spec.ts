import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { failureAnswer, parseExactJson, type TaskId, type TaskSpec } from '@juice/contracts';
import { nothingAsked } from '@juice/contracts/testing';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import { createMemoryBroker, type Broker } from '@juice/messaging';
import { createLogger, createMetrics } from '@juice/observability';
import { connectMongo, createTaskStore, ensureIndexes, type MongoConnection, type TaskStore } from '@juice/persistence';
import { noFiles, noLeader } from '../testing/api-fixture.ts';
import { submissionParts, type Part } from '../testing/submission-parts.ts';
import { createApiStores } from './api-stores.ts';
import { defaultApiOptions, startApi, type Api } from './service.ts';

// Requests at random to the whole service, many at a time, over its real stores: what is right is stored once
// and as it was meant, what is wrong is refused by its name, what is no request at all is answered all the same.

/** `JUICE_TEST_FUZZ=10000` makes it ten thousand; every run has to be bearable. */
const size = Number(process.env['JUICE_TEST_FUZZ'] ?? 1_000);
const seed = 20_161_208;
const atATime = 32;

let database: LocalMongo;
let mongo: MongoConnection;
let tasks: TaskStore;
let broker: Broker;
let api: Api;
const rejections: unknown[] = [];
const onRejection = (reason: unknown): void => void rejections.push(reason);

beforeAll(async () => {
  process.on('unhandledRejection', onRejection);
  database = await startLocalMongo({ dataDir: null, host: '127.0.0.1', port: 0 });
  mongo = await connectMongo(database.url, { appName: 'api-fuzz' });
  await ensureIndexes(mongo);
  tasks = createTaskStore(mongo);
  const log = createLogger({ service: 'api', level: 'silent' });
  broker = createMemoryBroker({ log });
  const allow = ['all'];
  api = await startApi(
    { ...defaultApiOptions(), port: 0, allow },
    {
      ...createApiStores(mongo),
      ...{ leader: noLeader, files: noFiles, broker, log, metrics: createMetrics('api') },
    },
  );
});
afterAll(async () => {
  await api.stop();
  await broker.close();
  await mongo.close();
  await database.stop();
  process.off('unhandledRejection', onRejection);
});

/** Plays all of them, so many at a time. */
async function play<T>(all: readonly T[], one: (item: T) => Promise<void>): Promise<void> {
  const left = [...all.values()].reverse();
  const worker = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) await one(next);
  };
  await Promise.all(Array.from({ length: atATime }, worker));
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function send(
  method: string,
  path: string,
  body?: string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const answer = await fetch(`${api.url}${path}`, {
    method,
    headers: { 'x-tenant-id': 't', ...json, ...headers },
    ...(body !== undefined && { body }),
    signal: AbortSignal.timeout(30_000),
  });
  return { status: answer.status, text: await answer.text() };
}

function count(tenantId: string): Promise<number> {
  return mongo.connection.collection('tasks').countDocuments({ tenantId });
}

function bodyOf(parts: readonly Part[]): object {
  return Object.assign({}, ...parts.map(({ body }) => body)) as object;
}

async function submit(parts: readonly Part[], stored: Map<TaskId, Partial<TaskSpec>>): Promise<void> {
  const blamed = parts.flatMap((part) => ('blames' in part ? [part.blames] : []));
  const { status, text } = await send('POST', '/v1/tasks', JSON.stringify(bodyOf(parts)));
  if (blamed.length === 0) {
    expect([status, text]).toEqual([200, expect.any(String)]);
    const { data } = parseExactJson(text) as { data: { taskId: TaskId } };
    expect(stored.has(data.taskId)).toBe(false);
    stored.set(data.taskId, Object.assign({}, ...parts.map((part) => ('means' in part ? part.means : {}))));
  } else {
    expect(status).toBe(400);
    const { details = [] } = failureAnswer.parse(JSON.parse(text));
    expect(details.map(({ member }) => member).toSorted()).toEqual(blamed.toSorted());
  }
}

const collect = ((): (() => void) => {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
})();

function heapBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

describe('requests at random', () => {
  test('of submissions, each is stored once as it was meant, or refused by what is wrong with it', async () => {
    const stored = new Map<TaskId, Partial<TaskSpec>>();
    const samples = fc.sample(submissionParts, { numRuns: Math.ceil(0.7 * size), seed });
    await play(samples, (parts) => submit(parts, stored));
    expect(await count('t')).toBe(stored.size);
    // Some of each kind, or the oracle had nothing to say.
    expect(stored.size / samples.length).toBeGreaterThan(0.15);
    expect(stored.size / samples.length).toBeLessThan(0.85);
    const ids = [...stored.keys()];
    for (let from = 0; from < ids.length; from += 1_000) {
      for (const { _id, spec } of await tasks.findTasks('t', ids.slice(from, from + 1_000)))
        expect(spec).toEqual({ ...nothingAsked, ...stored.get(_id) });
    }
  }, 240_000);

  test('of anything at all, each is answered with the envelope, and stores what it is given an id for', async () => {
    const path = fc.oneof(
      fc.constantFrom('/v1/tasks', '/v1/tasks/batch', '/v1/tasks/kill', '/v1/tasks/reconcile', '/v1/tenant', '/docs'),
      fc.constantFrom(
        '/v1/tasks/1',
        '/v1/tasks/1/why',
        '/v1/tasks/1/rerun',
        '/v1/tasks/1/logs/stdout',
        '/v1/admin/queue',
      ),
      fc.webPath(),
    );
    const query = fc.oneof(
      fc.constant(''),
      fc.webQueryParameters().map((text) => `?${text}`),
      fc
        .constantFrom('taskIds', 'taskId', 'limit', 'cursor', 'status', 'offset', 'label')
        .chain((name) =>
          fc.string({ unit: 'binary', maxLength: 40 }).map((value) => `?${name}=${encodeURIComponent(value)}`),
        ),
    );
    const method = fc.constantFrom('GET', 'POST', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS');
    const text = fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary' }),
      submissionParts.map((parts) => JSON.stringify({ tasks: [bodyOf(parts)] })),
      submissionParts.map((parts) => JSON.stringify(bodyOf(parts)).slice(0, -1)),
    );
    const header = fc.stringMatching(/^[ -~]{0,40}$/);
    const headers = fc.oneof(
      fc.constant({ 'x-tenant-id': 'any' }),
      fc.record(
        { 'x-tenant-id': header, 'idempotency-key': header, traceparent: header, authorization: header },
        { requiredKeys: [] },
      ),
    );
    const anything = fc.tuple(method, path, query, text, headers);
    const before = await mongo.connection.collection('tasks').countDocuments({});
    let stored = 0;
    await play(
      fc.sample(anything, { numRuns: Math.ceil(0.3 * size), seed }),
      async ([method, path, query, body, headers]) => {
        const isRead = method === 'GET';
        const { status, text } = await send(method, path + query, isRead ? undefined : body, headers);
        // 503: who asks about the queue while nobody leads.
        if (status >= 500) expect([status, path]).toEqual([503, '/v1/admin/queue']);
        if (status === 204 || path === '/docs') return;
        const answer = parseExactJson(text) as { status: number; data?: { taskId?: bigint; stored?: number } };
        if (status !== 200) return void failureAnswer.parse(JSON.parse(text));
        expect(answer.status).toBe(0);
        if (method === 'POST' && answer.data?.taskId !== undefined && path === '/v1/tasks') stored += 1;
        stored += answer.data?.stored ?? 0;
      },
    );
    expect(await mongo.connection.collection('tasks').countDocuments({})).toBe(before + stored);
  }, 120_000);

  test('leave nothing behind in memory, and nothing unhandled', async () => {
    const round = async (): Promise<void> => {
      const samples = fc.sample(submissionParts, { numRuns: 250, seed });
      await play(samples, async (parts) => {
        await send('POST', '/v1/tasks', JSON.stringify(bodyOf(parts)).slice(0, -1));
        await send('GET', '/v1/tasks?limit=5');
      });
    };
    const grown: number[] = [];
    for (let n = 0; n < 11; n += 1) {
      const before = heapBytes();
      await round();
      grown.push(heapBytes() - before);
    }
    // What is kept on purpose (caches, code that is compiled late) comes less and less, to nothing after some fifteen rounds;
    // what leaks comes in all: half a kilobyte of each of the 500 requests would be seen. The first four are to warm up.
    const later = grown.slice(4).toSorted((one, other) => one - other);
    const [median = NaN] = later.slice(3);
    expect(median).toBeLessThan(250_000);
    expect(rejections).toEqual([]);
  }, 240_000);
});
