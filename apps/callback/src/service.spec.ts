import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { DependencyFailure, productVersion, TaskState, type TaskId } from '@juice/contracts';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import { createMemoryHub, type MemoryHub } from '@juice/messaging';
import { createMetrics } from '@juice/observability';
import {
  connectMongo,
  createCallbackStores,
  createDeliveryStore,
  createReplayStore,
  createTaskStore,
  createTenantStore,
  ensureIndexes,
  type DeliveryStore,
  type MongoConnection,
  type NewReplay,
  type TaskStore,
} from '@juice/persistence';
import { Webhook } from 'standardwebhooks';
import { createCollectedLog } from '../testing/collected-log.ts';
import { idAt, storeTask, tenant, type CalledBackTask } from '../testing/lane-of.ts';
import { closedPort, startReceiver, type Reaction, type Received, type Receiver } from '../testing/receivers.ts';
import { until } from '../testing/until.ts';
import { defaultCallbackOptions, startCallback, type CallbackOptions, type CallbackService } from './service.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** The dispatcher on persistence, the embedded MongoDB, the broker in memory and real HTTP receivers. */
describe('the dispatcher', () => {
  let server: LocalMongo;
  let mongo: MongoConnection;
  let hub: MemoryHub;
  let tasks: TaskStore;
  let deliveries: DeliveryStore;
  let places = 0;
  const fatal: unknown[] = [];
  const services: CallbackService[] = [];
  const receivers: Receiver[] = [];
  const { log, of } = createCollectedLog();

  beforeAll(async () => {
    server = await startLocalMongo({ dataDir: null });
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    mongo = await connectMongo(`${server.url}/callback-${places++}`, { appName: 'callback-spec' });
    await ensureIndexes(mongo);
    tasks = createTaskStore(mongo);
    deliveries = createDeliveryStore(mongo);
    hub = createMemoryHub({ log });
  });
  afterEach(async () => {
    await Promise.all(services.splice(0).map((service) => service.stop()));
    await Promise.all(receivers.splice(0).map((receiver) => receiver.close()));
    await mongo.close();
    expect(fatal).toEqual([]);
  });

  function start(
    changes: Partial<CallbackOptions> = {},
    store: DeliveryStore = deliveries,
    now = Date.now,
  ): CallbackService {
    const quick = { longestSleepMs: 50, stopGraceMs: 50, allow: ['127.0.0.0/8'] };
    const service = startCallback(
      { ...defaultCallbackOptions(secret), ...quick, ...changes },
      {
        store,
        ...createCallbackStores(mongo),
        tenants: createTenantStore(mongo),
        broker: hub.connect(),
        log,
        now,
        metrics: createMetrics('callback'),
        onFatal: (error) => fatal.push(error),
      },
    );
    services.push(service);
    return service;
  }
  const receiver = async (react?: Reaction) => {
    const made = await startReceiver(react);
    receivers.push(made);
    return made;
  };
  const store = (url: string, tenantId = tenant): Promise<CalledBackTask> =>
    storeTask(tasks, { taskId: idAt(places++), url, atMs: Date.now(), tenantId });
  const ended = async (url: string, tenantId?: string): Promise<CalledBackTask> => {
    const task = await store(url, tenantId);
    await task.becomes(TaskState.FINISHED, Date.now());
    return task;
  };
  const laneOf = async (taskId: TaskId) => (await tasks.findTasks(tenant, [taskId]))[0]?.callback;
  const areIdle = async (made: readonly CalledBackTask[]) => {
    const found = await tasks.findTasks(
      tenant,
      made.map(({ taskId }) => taskId),
    );
    return found.every(({ callback }) => callback?.state === 'idle' && callback.pending.length === 0);
  };
  const isIdle = (task: CalledBackTask) => areIdle([task]);
  const idsOf = (received: readonly Received[]) => received.map(({ headers }) => String(headers['webhook-id']));

  test('a state arrives at the receiver, signed, in order, woken by its event', async () => {
    const { url, received } = await receiver();
    start({ longestSleepMs: 60_000 });
    await until(() => services[0]?.health.readyz() !== undefined && hubIsConsumed());
    const task = await store(`${url}/done?token=1`);
    const broker = hub.connect();
    for (const status of [TaskState.RUNNING, TaskState.FINISHED] as const) {
      await task.becomes(status, Date.now());
      const event = { v: 1, taskId: String(task.taskId), tenantId: tenant, seq: 2, status, attempt: 1 };
      const rest = { message: '', reason: null, atMs: Date.now(), callback: true };
      await broker.publish('juice.events', `task.x.${tenant}`, { ...event, ...rest });
    }
    await until(() => isIdle(task), 'the delivery');
    expect(idsOf(received)).toEqual([`${task.taskId}_2`, `${task.taskId}_3`]);
    expect(received.map(({ body }) => body)).toMatchObject([
      { taskId: task.taskId, result: 'RUNNING', sequence: 2 },
      { taskId: task.taskId, result: 'FINISHED', sequence: 3, exitCode: 0 },
    ]);
    for (const { raw, headers, url: path } of received) {
      expect(path).toBe('/done?token=1');
      expect(headers['user-agent']).toBe(`juice-callback/${productVersion}`);
      expect(() => new Webhook(secret).verify(raw, headers as Record<string, string>)).not.toThrow();
    }
    const [stored] = await tasks.findTasks(tenant, [task.taskId]);
    expect(stored).toMatchObject({ callbackAt: expect.any(Date), purgeAt: expect.any(Date) });
    await broker.close();
  });

  /** Until the queue's consumer is there, an event would wait in the queue: fine, but not what the test is about. */
  const hubIsConsumed = async () => (await services[0]?.health.readyz())?.ok === true;

  test('without events the sweep finds everything', async () => {
    const { url, received } = await receiver();
    const made = await Promise.all([ended(url), ended(url), ended(url)]);
    start();
    await until(() => areIdle(made), 'the deliveries');
    expect(received).toHaveLength(3);
  });

  test('two workers deliver each state once, and the states of a task in order', async () => {
    const { url, received } = await receiver();
    const made = await Promise.all(Array.from({ length: 20 }, () => store(url)));
    start();
    start();
    for (const status of [TaskState.RUNNING, TaskState.UNREACHABLE, TaskState.FINISHED] as const) {
      await Promise.all(made.map((task) => task.becomes(status, Date.now())));
    }
    await until(() => areIdle(made), 'the deliveries');
    const ids = idsOf(received);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { taskId } of made) {
      const seqs = received.filter(({ body }) => body['taskId'] === taskId).map(({ body }) => body['sequence']);
      expect(seqs).toEqual([2, 3, 4]);
    }
  });

  test('a worker that dies between the POST and the settling: the state is repeated under the same id', async () => {
    const { url, received } = await receiver();
    let die: (error: Error) => void = () => undefined;
    const dying: DeliveryStore = {
      ...deliveries,
      settleDelivered: () => new Promise((_, reject) => (die = reject)),
    };
    const task = await ended(url);
    start({ leaseMs: 300 }, dying);
    await until(() => received.length === 1, 'the first POST');
    start();
    await until(() => isIdle(task), 'the delivery');
    expect(new Set(idsOf(received))).toEqual(new Set([`${task.taskId}_2`]));
    expect(received.length).toBeGreaterThanOrEqual(2);
    expect(new Set(received.map(({ raw }) => raw.toString())).size).toBe(1);
    die(new DependencyFailure({ dependency: 'mongodb', operation: 'settle', retryable: false, detail: 'dead' }));
  });

  test('one endpoint that hangs holds its few places; the others are served', async () => {
    let hanging = 0;
    let most = 0;
    const tarpit = await receiver((_, response) => {
      hanging += 1;
      most = Math.max(most, hanging);
      response.on('close', () => (hanging -= 1));
    });
    const well = await receiver();
    await Promise.all(Array.from({ length: 12 }, () => ended(tarpit.url)));
    const served = await Promise.all(Array.from({ length: 12 }, () => ended(well.url)));
    start({ concurrency: 8, perEndpoint: 2 });
    await until(() => areIdle(served), 'the deliveries');
    expect(hanging).toBe(2);
    expect(most).toBe(2);
  });

  test('stopping gives up what hangs, uncharged, and another worker goes on', async () => {
    const { url, received } = await receiver((_, response, number) => (number === 1 ? undefined : void response.end()));
    const task = await ended(url);
    const service = start();
    await until(() => received.length === 1, 'the first POST');
    await service.stop();
    expect(await laneOf(task.taskId)).toMatchObject({ state: 'pending', attempt: 0 });
    expect(service.health.readyz()).toMatchObject({ ok: false });
    start();
    await until(() => isIdle(task), 'the delivery');
    expect(received.map(({ headers }) => headers['juice-attempt'])).toEqual(['1', '1']);
  });

  test.each<[string, Reaction | null, object]>([
    ['500', (_, response) => void response.writeHead(500).end(), { state: 'pending', attempt: 1 }],
    ['404', (_, response) => void response.writeHead(404).end(), { state: 'pending', attempt: 1 }],
    ['302', (_, response) => void response.writeHead(302, { location: '/' }).end(), { state: 'pending', attempt: 1 }],
    ['410', (_, response) => void response.writeHead(410).end(), { state: 'held' }],
    ['refused', null, { state: 'pending', attempt: 1 }],
  ])('after %s the lane says why and when', async (name, react, expected) => {
    const url = react === null ? `http://127.0.0.1:${await closedPort()}` : (await receiver(react)).url;
    const task = await ended(url);
    start();
    await until(async () => (await laneOf(task.taskId))?.cause !== undefined, 'the attempt');
    const cause = `${name === 'refused' ? 'connect-refused' : `status-${name}`} ${url}`;
    expect(await laneOf(task.taskId)).toMatchObject({ ...expected, cause });
  });

  test('a lane that has failed is tried again when it is due, and then delivered', async () => {
    const { url, received } = await receiver((_, response, number) => {
      response.writeHead(number < 3 ? 503 : 200).end();
    });
    const task = await ended(url);
    start({ schedule: ['0s', '20ms', '20ms', '20ms'] });
    await until(() => isIdle(task), 'the delivery');
    expect(received.map(({ headers }) => headers['juice-attempt'])).toEqual(['1', '2', '3']);
    const log = mongo.connection.collection('callback_attempts');
    await until(async () => (await log.countDocuments()) === 3, 'the log of the last attempt');
    expect(await log.find().sort({ try: 1 }).toArray()).toMatchObject([
      { try: 1, outcome: 'failed', cause: 'status-503', httpStatus: 503 },
      { try: 2, outcome: 'failed' },
      { try: 3, outcome: 'delivered', cause: null },
    ]);
  });

  test("a tenant's own secret signs beside the operator's while it takes its place, and a change is heeded at once", async () => {
    const own = 'whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=';
    const { url, received } = await receiver();
    start();
    const first = await ended(url);
    await until(() => isIdle(first), 'the first delivery');
    const now = Date.now();
    const current = { secretId: 's1', secret: own, createdAt: new Date(now), expiresAt: null };
    const signing = { secrets: [current], operatorUntil: new Date(now + 60_000) };
    await createTenantStore(mongo).saveSigning({ tenantId: tenant, version: 0 }, signing, now);
    const broker = hub.connect();
    await broker.publish('juice.commands', 'command.tenant-changed', {
      v: 1,
      kind: 'tenant-changed',
      tenantId: tenant,
    });
    const second = await ended(url);
    await until(() => isIdle(second), 'the second delivery');
    const signers = received.map(({ raw, headers }) =>
      [secret, own].filter((text) => {
        try {
          return new Webhook(text).verify(raw, headers as Record<string, string>) !== undefined;
        } catch {
          return false;
        }
      }),
    );
    expect(signers).toEqual([[secret], [secret, own]]);
    await broker.close();
  });

  test('an endpoint that fails for good is left alone, then probed once, and gets what was held when it is back', async () => {
    let isUp = false;
    let clockMs = 0;
    const { url, received } = await receiver((_, response) => void response.writeHead(isUp ? 200 : 500).end());
    const made = await Promise.all(Array.from({ length: 30 }, () => ended(url)));
    start({}, deliveries, () => Date.now() + clockMs);
    await until(() => of('breaker.opened').length > 0, 'the breaker');
    const states = async () => {
      const found = await Promise.all(made.map(({ taskId }) => laneOf(taskId)));
      return found.map((lane) => lane?.state ?? '');
    };
    await until(async () => (await states()).filter((state) => state === 'held').length >= 15, 'the held lanes');
    const before = received.length;
    expect(before).toBeLessThan(20);
    isUp = true;
    clockMs += 40_000;
    await until(() => received.length > before, 'the probe');
    await until(() => of('breaker.closed').length > 0, 'the closing');
    // What had failed by itself has a backoff of its own.
    clockMs += 60_000;
    await until(() => areIdle(made), 'the deliveries');
    const taken = idsOf(received.slice(before));
    expect(new Set(taken).size).toBe(30);
    expect(taken).toHaveLength(30);
  });

  const replay = (changes: Partial<NewReplay> = {}) =>
    createReplayStore(mongo).createReplay(
      {
        ...{ replayId: 'r1', owner: tenant, by: 'key-1', reason: 'repaired', ratePerSecond: 100, selected: 6 },
        ...{ choice: { tenantId: tenant, untilMs: Date.now() + 1 }, createdAtMs: Date.now() },
        ...changes,
      },
      { most: 1, request: null },
    );
  const replayIs = async (state: string) => (await createReplayStore(mongo).findReplay(null, 'r1'))?.state === state;
  const areDead = async (made: readonly CalledBackTask[]) => {
    const lanes = await Promise.all(made.map(({ taskId }) => laneOf(taskId)));
    return lanes.every((lane) => lane?.state === 'dead');
  };

  test('dead lanes are replayed: the same ids, marked, with tries before them again', async () => {
    let isUp = false;
    const { url, received } = await receiver((_, response) => void response.writeHead(isUp ? 200 : 500).end());
    const made = await Promise.all(Array.from({ length: 6 }, () => ended(url)));
    start({ schedule: ['0s'] });
    await until(() => areDead(made), 'the deaths');
    isUp = true;
    const before = received.length;
    await replay();
    await until(() => replayIs('done'), 'the end of the replay');
    expect(await areIdle(made)).toBe(true);
    const again = received.slice(before);
    expect(new Set(idsOf(again))).toEqual(new Set(idsOf(received.slice(0, before))));
    expect(again).toHaveLength(6);
    for (const { headers } of again) expect(headers).toMatchObject({ 'juice-replay': 'r1', 'juice-attempt': '1' });
    expect(await createReplayStore(mongo).findReplay(tenant, 'r1')).toMatchObject({
      ...{
        state: 'done',
        selected: 6,
        replayed: 6,
        delivered: 6,
        skipped: 0,
        waiting: 0,
        endedAtMs: expect.any(Number),
      },
    });
    expect(of('replay.ended').at(-1)).toMatchObject({ replayId: 'r1', state: 'done', replayed: 6, failed: 0 });
  });

  test('a worker that dies in the midst of a replay: another goes on, and each lane is replayed once', async () => {
    let isUp = false;
    const { url, received } = await receiver((_, response) => void response.writeHead(isUp ? 200 : 500).end());
    const made = await Promise.all(Array.from({ length: 6 }, () => ended(url)));
    const first = start({ schedule: ['0s'] });
    await until(() => areDead(made), 'the deaths');
    await first.stop();
    isUp = true;
    const before = received.length;
    let die: (error: Error) => void = () => undefined;
    let isArmed = false;
    const dying: DeliveryStore = {
      ...deliveries,
      async rearm(taskIds, rearming) {
        await deliveries.rearm(taskIds.slice(0, 3), rearming);
        isArmed = true;
        return new Promise((_, reject) => (die = reject));
      },
    };
    start({}, dying);
    await replay();
    await until(() => isArmed, 'the first half');
    start({}, deliveries, () => Date.now() + 15_000);
    await until(() => replayIs('done'), 'the end of the replay');
    expect(await createReplayStore(mongo).findReplay(tenant, 'r1')).toMatchObject({
      ...{ selected: 6, replayed: 6, delivered: 6, skipped: 0 },
    });
    expect(new Set(idsOf(received.slice(before))).size).toBe(6);
    expect(received.slice(before)).toHaveLength(6);
    die(new DependencyFailure({ dependency: 'mongodb', operation: 're-arm', retryable: false, detail: 'dead' }));
  });

  test('a receiver is tested when somebody asks, with the secrets of its tenant, over a connection of its own', async () => {
    const { url, received } = await receiver((_, response) => void response.writeHead(202).end('thanks'));
    start();
    const { tests } = createCallbackStores(mongo);
    const asked = { testId: 'one', tenantId: tenant, url, askedAtMs: Date.now() };
    expect(await tests.askTest(asked, { most: 1, sinceMs: 0 })).toBe(true);
    await until(async () => (await tests.readTest('one')).result !== null, 'the answer');
    expect((await tests.readTest('one')).result).toMatchObject({
      ...{ outcome: 'delivered', httpStatus: 202, body: 'thanks', webhookId: 'test_one' },
      phases: ['url', 'connect', 'response'].map((phase) => expect.objectContaining({ phase, ok: true })),
    });
    const [{ raw, headers } = { raw: Buffer.alloc(0), headers: {} }] = received;
    expect(new Webhook(secret).verify(raw, headers as Record<string, string>)).toMatchObject({ type: 'callback.test' });
    expect(of('callback.tested')).toMatchObject([{ outcome: 'delivered' }]);
  });

  test('nothing inside is called unless it is allowed', async () => {
    const { url, received } = await receiver();
    const [literal, named] = await Promise.all([ended(url), ended(url.replace('127.0.0.1', 'localhost'))]);
    start({ allow: [] });
    for (const { taskId } of [literal, named]) {
      await until(async () => (await laneOf(taskId))?.state === 'dead', 'the end of the lane');
      expect((await laneOf(taskId))?.cause).toMatch(/^forbidden-address http:/);
    }
    expect(received).toEqual([]);
    expect(of('callback.dead').length).toBeGreaterThanOrEqual(2);
  });

  test('reports what it does', async () => {
    const { url } = await receiver();
    const task = await ended(url);
    const service = start();
    await until(() => isIdle(task), 'the delivery');
    expect(service.health.readyz()).toMatchObject({ ok: true, checks: { mongodb: true, broker: true }, degraded: [] });
    const text = await service.health.metrics?.text();
    expect(text).toMatch(/juice_callback_attempt_duration_seconds_count\{.*outcome="delivered".*\} 1/);
    expect(text).toMatch(/juice_callback_delivery_delay_seconds_count\{.*\} 1/);
    expect(text).toMatch(/juice_callback_lanes_waiting\{.*\} 0/);
    expect(text).toMatch(/juice_callback_endpoints\{.*state="open".*\} 0/);
    expect(text).toMatch(/juice_callback_replayed_total\{?.*\}? 0/);
    expect(text).toMatch(/juice_callback_phase_duration_seconds_count\{.*phase="first-byte".*\} 1/);
  });
});
