import { Writable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from '@jest/globals';
import {
  parseExactJson,
  productVersion,
  serviceNames,
  tasksSubmittedMessage,
  TaskState,
  type StatusAnswer,
  type TaskId,
} from '@juice/contracts';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import { createMemoryBroker, type Broker } from '@juice/messaging';
import { createLogger, createMetrics } from '@juice/observability';
import { connectMongo, ensureIndexes, type MongoConnection, type TaskStore } from '@juice/persistence';
import { announceProcess } from '@juice/runtime';
import { openEventStream } from '@juice/trial';
import { noFiles, noLeader, sandboxOf } from '../testing/api-fixture.ts';
import { until } from '../testing/until.ts';
import type { SandboxFiles } from './read-log.ts';
import { createApiStores } from './api-stores.ts';
import { defaultApiOptions, startApi, type Api, type ApiDeps } from './service.ts';

// The whole service over the real stores on the embedded database, and the in-memory broker.

let database: LocalMongo;
let mongo: MongoConnection;
let tasks: TaskStore;
let stores: ReturnType<typeof createApiStores> & Pick<ApiDeps, 'leader' | 'files'>;
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
  mongo = await connectMongo(database.url, { appName: 'api-spec' });
  await ensureIndexes(mongo);
  stores = { ...createApiStores(mongo), leader: noLeader, files: noFiles };
  ({ tasks } = stores);
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
    ...stores,
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
    const taskId = await submit({ env, resources: { cpu: 0.5, mem: 300 }, callbackUrl: 'http://localhost:9999/cb' });
    expect(taskId > 2n ** 53n).toBe(true);
    await until('the message arrives', () => messages.length > 0);
    expect(messages.map((message) => tasksSubmittedMessage.parse(message).taskIds)).toEqual([[taskId]]);

    const [stored] = await tasks.findTasks('10002', [taskId]);
    expect(stored).toMatchObject({
      _id: taskId,
      status: TaskState.NOT_START,
      spec: { env: [env], resources: { cpus: 0.5, memMb: 300 } },
      callback: { url: 'http://localhost:9999/cb', events: 'all' },
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

test('a stream goes on in another process, behind what the first has shown', async () => {
  const writer = await stores.eventLog.open(1, Date.now());
  if (writer === 'fenced') throw new Error('nobody else writes');
  const taskId = await submit();
  const next = async (seq: number, status: TaskState): Promise<void> => {
    const facts = { attempt: 1, message: '', reason: null, atMs: Date.now() };
    await writer.append([{ taskId, tenantId: '10002', seq, status, ...facts }], Date.now());
    await broker.publish('juice.events', 'task.ANY.10002', {});
  };
  const open = (at: Api, lastEventId: string | null) =>
    openEventStream(`${at.url}/v1/tasks/${taskId}/events`, { tenantId: '10002', lastEventId });
  const first = await open(api, '0-0');
  await next(1, TaskState.STAGING);
  await next(2, TaskState.RUNNING);
  await until('both to be shown', () => first.events().length === 2);
  const { text } = await call('GET', '/metrics');
  expect(text).toMatch(/juice_event_streams\{service="api"\} 1/);
  await api.stop();
  expect(await first.ended).toBe('ended');
  await next(3, TaskState.RUNNING);
  api = await startApi(
    { ...defaultApiOptions(), port: 0 },
    {
      ...stores,
      broker,
      ...{ log: createLogger({ service: 'api', level: 'silent' }), metrics: createMetrics('api') },
    },
  );
  const second = await open(api, first.lastEventId());
  await until('the third to be shown', () => second.events().length === 1);
  await tasks.requestKill('10002', taskId, Date.now());
  await next(4, TaskState.KILLED);
  expect(await second.ended).toBe('ended');
  expect([...first.events(), ...second.events()].map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  expect(second.frames.at(-1)).toMatchObject({ event: 'end', data: { taskId, taskStatusName: 'KILLED' } });
  expect((await call('GET', '/v1/tasks/1/events')).status).toBe(404);
});

/** Such an answer has no end of its own while its task runs: the service waited for all of its grace, and then cut the client off. */
test('a log that is followed ends in order when the service stops, long before its grace', async () => {
  await mongo.connection.collection('tasks').deleteMany({});
  const taskId = await submit();
  const attempt = {
    n: 1,
    state: 'running',
    agentId: 'S1',
    agentHost: 'node-1',
    launchedAt: new Date(),
    ...sandboxOf(1),
  };
  await mongo.connection.collection('tasks').updateMany({}, { $set: { attempts: [attempt] } });
  const files: SandboxFiles = {
    size: () => Promise.resolve(3),
    read: (_of, _file, { offset }) => Promise.resolve(Buffer.from('abc').subarray(offset)),
  };
  const log = createLogger({ service: 'api', level: 'silent' });
  const serving = await startApi(
    { ...defaultApiOptions(), port: 0, stopGraceMs: 60_000 },
    { ...stores, files, broker, log, metrics: createMetrics('api') },
  );
  const answer = await fetch(`${serving.url}/v1/tasks/${taskId}/logs/stdout?follow=true`, {
    headers: { 'X-Tenant-Id': '10002' },
  });
  expect(answer.status).toBe(200);
  await serving.stop();
  expect(await answer.text()).toBe('abc');
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

test('how many tasks a write stored together, and how many the broker has no message of yet, is measured', async () => {
  const confirms: (() => void)[] = [];
  const slow = { ...broker, isUp: () => true, publish: () => new Promise<void>((resolve) => confirms.push(resolve)) };
  const log = createLogger({ service: 'api', level: 'silent' });
  const metrics = createMetrics('api');
  const options = { ...defaultApiOptions(), port: 0 };
  const other = await startApi(options, { ...stores, broker: slow, log, metrics });
  const headers = { 'X-Tenant-Id': '10002', 'Content-Type': 'application/json' };
  const body = JSON.stringify({ tasks: Array.from({ length: 5 }, () => ({ taskName: 'a', commands: 'true' })) });
  const response = await fetch(`${other.url}/v1/tasks/batch`, { method: 'POST', headers, body });
  expect(response.status).toBe(200);
  const text = await metrics.text();
  expect(text).toMatch(/juice_task_group_size_bucket\{[^}]*le="4"[^}]*\} 0/);
  expect(text).toMatch(/juice_task_group_size_bucket\{[^}]*le="8"[^}]*\} 1/);
  expect(text).toMatch(/juice_task_group_size_sum\{service="api"\} 5/);
  expect(text).toMatch(/juice_tasks_unannounced\{service="api"\} 5/);
  for (const confirm of confirms) confirm();
  await other.stop();
  expect(await metrics.text()).toMatch(/juice_tasks_unannounced\{service="api"\} 0/);
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
    { ...stores, broker, log, metrics: createMetrics('api') },
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

test('the additive routes, on the real store', async () => {
  await mongo.connection.collection('tasks').deleteMany({});
  const batch = Array.from({ length: 5 }, (_, n) => ({
    taskName: `job-${n}`,
    commands: 'true',
    labels: { team: n === 4 ? 'blue' : 'red' },
    callbackUrl: 'http://localhost:9999/cb',
  }));
  expect((await call('POST', '/v1/tasks/batch', { tasks: batch, allOrNothing: true })).body).toMatchObject({
    data: { stored: 5 },
  });
  const page = (query: string) =>
    call('GET', `/v1/tasks?${query}`).then(({ body }) => body as { data: { tasks: object[]; nextCursor?: string } });
  const first = await page('status=waiting&namePrefix=job-&label=team:red&limit=3');
  expect(first.data.tasks).toMatchObject([3, 2, 1].map((n) => ({ taskName: `job-${n}`, labels: { team: 'red' } })));
  const rest = await page(`status=waiting&namePrefix=job-&label=team:red&limit=3&cursor=${first.data.nextCursor}`);
  expect(rest.data).toMatchObject({ tasks: [{ taskName: 'job-0' }] });
  const taskId = String(Reflect.get(rest.data.tasks[0] ?? {}, 'taskIdStr'));
  const filter = { labels: { team: 'red' } };
  expect((await call('POST', '/v1/tasks/kill', { filter, dryRun: true })).body).toMatchObject({ data: { matched: 4 } });
  expect((await call('POST', '/v1/tasks/kill', { filter })).body).toMatchObject({ data: { killed: 4, remaining: 0 } });
  expect(await call('GET', `/v1/tasks/${taskId}`)).toMatchObject({
    status: 200,
    body: {
      data: {
        taskStatus: 6,
        timeline: [{ taskStatus: -1 }, { taskStatus: 6 }],
        spec: { taskName: 'job-0', labels: [{ key: 'team', value: 'red' }] },
      },
    },
  });
  expect(await call('GET', `/v1/tasks/${taskId}/callbacks`)).toMatchObject({
    status: 200,
    body: { data: { lane: { url: 'http://localhost:9999/cb', pending: [{ taskStatus: 6 }] }, tries: [] } },
  });
  expect((await call('POST', `/v1/tasks/${taskId}/rerun`, {})).body).toMatchObject({
    data: { rerunOfStr: taskId },
  });
  for (const [method, path] of [
    ['GET', `/v1/tasks/${taskId}`],
    ['GET', `/v1/tasks/${taskId}/callbacks`],
    ['POST', `/v1/tasks/${taskId}/rerun`],
  ] as const) {
    const foreign = await call(method, path, method === 'POST' ? {} : undefined, 'other');
    const absent = await call(method, path.replace(taskId, '77'), method === 'POST' ? {} : undefined, 'other');
    expect([foreign.status, absent.status]).toEqual([404, 404]);
    const messageOf = ({ body }: Answer) => (body as { message: string }).message;
    expect(messageOf(foreign).replace(taskId, '77')).toBe(messageOf(absent));
  }
});

test('operators see which processes run, until these have stopped', async () => {
  const adminKey = 'an-admin-key-of-thirty-two-characters';
  const log = createLogger({ service: 'api', level: 'silent' });
  const options = { ...defaultApiOptions(), adminKey, port: 0 };
  const other = await startApi(options, { ...stores, broker, log, metrics: createMetrics('api') });
  const read = async () => {
    const headers = { Authorization: `Bearer ${adminKey}` };
    const answer = await (await fetch(`${other.url}/v1/admin/status`, { headers })).json();
    return (answer as { data: StatusAnswer }).data;
  };
  const notes = stores.processes;
  const announced = serviceNames.map((service) => announceProcess({ service, host: 'here', notes }));
  await until('all are seen', async () => (await read()).processes?.count === 3);
  const { api: self, processes } = await read();
  expect(self).toMatchObject({ version: productVersion });
  const version = { version: productVersion, node: process.version };
  const seen = { host: 'here', ...version, since: expect.any(String), seenAt: expect.any(String) };
  expect(processes).toEqual({
    count: 3,
    processes: ['api', 'callback', 'scheduler'].map((service) => ({ service, ...seen })),
  });
  await Promise.all(announced.map((each) => each.stop()));
  expect((await read()).processes).toEqual({ count: 0, processes: [] });
  await other.stop();
});

test('a port that is taken is an error, and leaves no worker number behind', async () => {
  const log = createLogger({ service: 'api', level: 'silent' });
  const { leases } = stores;
  const released: string[] = [];
  const watched = {
    ...leases,
    release: (name: string, holder: string, epoch: number) =>
      leases.release(name, holder, epoch).then(() => void released.push(name)),
  };
  const starting = startApi(
    { ...defaultApiOptions(), port: api.port },
    { ...stores, leases: watched, broker, log, metrics: createMetrics('api') },
  );
  await expect(starting).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(released).toHaveLength(1);
});
