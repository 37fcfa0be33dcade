import { Writable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from '@jest/globals';
import { parseExactJson, tasksSubmittedMessage, TaskState, type TaskId } from '@juice/contracts';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import { createMemoryBroker, type Broker } from '@juice/messaging';
import { createLogger, createMetrics } from '@juice/observability';
import {
  connectMongo,
  createLeaseStore,
  createTaskStore,
  ensureIndexes,
  type MongoConnection,
  type TaskStore,
} from '@juice/persistence';
import { until } from '../testing/until.ts';
import { defaultApiOptions, startApi, type Api } from './service.ts';

// The whole service over the real stores on the embedded database, and the in-memory broker.

let database: LocalMongo;
let mongo: MongoConnection;
let tasks: TaskStore;
let broker: Broker;
let api: Api;
let lines: string[];

const stream = new Writable({
  write(line: Buffer, _encoding, done) {
    lines.push(line.toString());
    done();
  },
});

beforeAll(async () => {
  database = await startLocalMongo({ dataDir: null, host: '127.0.0.1', port: 0 });
  mongo = await connectMongo(database.url, { appName: 'api-spec', serverSelectionTimeoutMs: 500 });
  await ensureIndexes(mongo);
  tasks = createTaskStore(mongo);
});
afterAll(async () => {
  await mongo.close();
  await database.stop();
});

beforeEach(async () => {
  lines = [];
  const log = createLogger({ service: 'api', level: 'debug', stream });
  broker = createMemoryBroker({ log });
  const options = { ...defaultApiOptions(), port: 0, timeZone: 'Asia/Shanghai' };
  api = await startApi(options, {
    tasks,
    leases: createLeaseStore(mongo),
    store: mongo,
    broker,
    log,
    metrics: createMetrics('api'),
  });
});
afterEach(async () => {
  await api.stop();
  await broker.close();
});

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: unknown;
}

async function call(method: string, path: string, body?: unknown, tenant = '10002'): Promise<Answer> {
  const headers = { 'X-Tenant-Id': tenant, 'Content-Type': 'application/json' };
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(`${api.url}${path}`, { method, headers, ...sent });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: /^[{[]/.test(text) ? parseExactJson(text) : text,
  };
}

async function submit(body: object = {}): Promise<TaskId> {
  const { body: answer } = await call('POST', '/v1/tasks', { taskName: 'demo', commands: 'true', ...body });
  return (answer as { data: { taskId: TaskId } }).data.taskId;
}

/** The http.answered lines of a route; the line may be written a moment after its answer has arrived. */
function answered(path: string): Promise<Record<string, unknown>[]> {
  return until(`a request of ${path} is logged`, () => {
    const read = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const found = read.filter(({ event, route }) => event === 'http.answered' && route === path);
    return found.length > 0 && found;
  });
}

describe('a task, from its submission on', () => {
  test('is stored with all of it, told to the scheduler, and found', async () => {
    const messages: unknown[] = [];
    const consumer = await broker.consume('juice.scheduler.tasks', { prefetch: 10 }, (delivery) => {
      messages.push(delivery.body);
      delivery.ack();
    });
    const env = { name: 'MODE', value: 'dev' };
    const taskId = await submit({ env, resources: { cpu: 0.5, mem: 300 }, callbackUrl: 'http://localhost:9/cb' });
    expect(taskId > 2n ** 53n).toBe(true);
    await until('the message arrives', () => messages.length > 0);
    expect(messages.map((message) => tasksSubmittedMessage.parse(message).taskIds)).toEqual([[taskId]]);

    const [stored] = await tasks.findTasks('10002', [taskId]);
    expect(stored).toMatchObject({
      _id: taskId,
      status: TaskState.NOT_START,
      spec: { env: [env], resources: { cpus: 0.5, memMb: 300 } },
      callback: { url: 'http://localhost:9/cb', events: 'all' },
    });
    const { text, body } = await call('GET', `/v1/tasks?taskIds=${taskId}`);
    expect(text).toContain(`"taskId":${taskId},`);
    expect(body).toMatchObject({
      status: 0,
      data: [{ taskId, taskIdStr: String(taskId), taskStatus: -1, tenantId: '10002', commands: 'true' }],
    });
    expect(text).toMatch(/"submitAt":"[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d [AP]M"/);
    await consumer.cancel();
  });

  test('is another tenant’s to neither see nor kill', async () => {
    const taskId = await submit();
    expect((await call('GET', `/v1/tasks?taskIds=${taskId}`, undefined, 'other')).body).toMatchObject({ data: [] });
    expect(await call('POST', `/v1/tasks/kill?taskId=${taskId}`, undefined, 'other')).toMatchObject({
      status: 400,
      body: { status: -2127560608 },
    });
    expect(await tasks.findTasks('10002', [taskId])).toMatchObject([{ status: TaskState.NOT_START }]);
  });

  test('is killed once, and has ended by that for good', async () => {
    const taskId = await submit();
    const kill = async () => (await call('POST', `/v1/tasks/kill?taskId=${taskId}`)).body;
    expect(await kill()).toMatchObject({
      data: { submitKill: true, resultMessage: 'task is killed', currentStatus: 6 },
    });
    expect(await kill()).toMatchObject({ data: { submitKill: false, currentStatus: 6 } });
    const { body } = await call('GET', `/v1/tasks?taskIds=${taskId}`);
    expect(body).toMatchObject({ data: [{ taskStatus: 6, message: 'task is killed', finishAt: expect.any(String) }] });
  });

  test('leaves one line for each request, without what was sent', async () => {
    const taskId = await submit({ env: { name: 'PASSWORD', value: 'hunter2' }, commands: 'echo hunter2' });
    await call('GET', `/v1/tasks?taskIds=${taskId}`);
    const [posted] = await answered('/v1/tasks');
    expect(posted).toMatchObject({
      ...{ level: 'info', method: 'POST', status: 200, outcome: 'ok', tenantId: '10002', taskId: String(taskId) },
      ...{
        requestId: expect.any(String),
        traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
        durationMs: expect.any(Number),
      },
    });
    expect(lines.join('')).not.toContain('hunter2');
  });
});

test('many submissions at once get ids of their own', async () => {
  const ids = await Promise.all(Array.from({ length: 200 }, () => submit()));
  expect(new Set(ids).size).toBe(200);
  expect(await tasks.findTasks('10002', ids)).toHaveLength(200);
});

test('liveness, readiness and metrics', async () => {
  expect(await call('GET', '/livez')).toMatchObject({ status: 200, body: { status: 0 } });
  expect(await call('GET', '/readyz')).toMatchObject({
    status: 200,
    body: { ok: true, checks: { mongodb: true, workerNumber: true, broker: true }, degraded: [] },
  });
  await submit();
  await answered('/v1/tasks');
  const { text } = await call('GET', '/metrics');
  expect(text).toMatch(/juice_task_submitted_total\{service="api"\} 1/);
  expect(text).toMatch(/juice_http_answered_duration_seconds_count\{[^}]*route="\/v1\/tasks"[^}]*\} 1/);
});

test('without the broker it is ready all the same, but degraded', async () => {
  await broker.close();
  expect(await call('GET', '/readyz')).toMatchObject({
    status: 200,
    body: { ok: true, checks: { broker: false }, degraded: [expect.stringContaining('broker')] },
  });
  expect(await submit()).toEqual(expect.any(BigInt));
});

test('two services in one installation have different worker numbers', async () => {
  const log = createLogger({ service: 'api', level: 'silent' });
  const other = await startApi(
    { ...defaultApiOptions(), port: 0 },
    { tasks, leases: createLeaseStore(mongo), store: mongo, broker, log, metrics: createMetrics('api') },
  );
  const here = await submit();
  const response = await fetch(`${other.url}/v1/tasks`, {
    method: 'POST',
    headers: { 'X-Tenant-Id': 't', 'Content-Type': 'application/json' },
    body: '{"taskName":"a","commands":"true"}',
  });
  const { data } = parseExactJson(await response.text()) as { data: { taskId: bigint } };
  const workerOf = (id: bigint): bigint => (id >> 12n) & 1023n;
  expect(workerOf(data.taskId)).not.toBe(workerOf(here));
  await other.stop();
});

test('a port that is taken is an error, and leaves no worker number behind', async () => {
  const log = createLogger({ service: 'api', level: 'silent' });
  const leases = createLeaseStore(mongo);
  const released: string[] = [];
  const watched = {
    ...leases,
    release: (name: string, holder: string, epoch: number) =>
      leases.release(name, holder, epoch).then(() => void released.push(name)),
  };
  const starting = startApi(
    { ...defaultApiOptions(), port: api.port },
    { tasks, leases: watched, store: mongo, broker, log, metrics: createMetrics('api') },
  );
  await expect(starting).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(released).toHaveLength(1);
});
