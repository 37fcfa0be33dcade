import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { commandMessage, parseExactJson, type TaskId } from '@juice/contracts';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import { createMemoryBroker, type Broker } from '@juice/messaging';
import { createLogger, createMetrics } from '@juice/observability';
import { connectMongo, ensureIndexes, type MongoConnection } from '@juice/persistence';
import { noFiles, noLeader } from '../testing/api-fixture.ts';
import { until } from '../testing/until.ts';
import { createApiStores } from './api-stores.ts';
import { defaultApiOptions, startApi, type Api, type ApiOptions } from './service.ts';

// Two whole services over one embedded database, and the in-memory broker.

let database: LocalMongo;
let mongo: MongoConnection;
let stores: ReturnType<typeof createApiStores>;
let broker: Broker;
const log = createLogger({ service: 'api', level: 'silent' });

beforeAll(async () => {
  database = await startLocalMongo({ dataDir: null, host: '127.0.0.1', port: 0 });
  mongo = await connectMongo(database.url, { appName: 'api-spec' });
  await ensureIndexes(mongo);
  stores = createApiStores(mongo);
  broker = createMemoryBroker({ log });
});
afterAll(async () => {
  await broker.close();
  await mongo.close();
  await database.stop();
});

function start(options: Partial<ApiOptions> = {}): Promise<Api> {
  return startApi(
    { ...defaultApiOptions(), port: 0, ...options },
    { ...stores, leader: noLeader, files: noFiles, broker, log, metrics: createMetrics('api') },
  );
}

describe('the same request through two services at once', () => {
  let here: Api;
  let there: Api;

  beforeEach(async () => {
    await mongo.connection.collection('tasks').deleteMany({});
    [here, there] = [await start(), await start()];
  });
  afterEach(() => Promise.all([here.stop(), there.stop()]));

  /** Forty times, every other one at the other service. */
  function send(path: string, body: (n: number) => object) {
    return Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const response = await fetch(`${(n % 2 === 0 ? here : there).url}${path}`, {
          method: 'POST',
          headers: { 'X-Tenant-Id': '10002', 'Content-Type': 'application/json', 'Idempotency-Key': 'k' },
          body: JSON.stringify(body(n)),
        });
        const isReplay = response.headers.get('idempotency-replayed') === 'true';
        return { status: response.status, text: await response.text(), isReplay };
      }),
    );
  }

  const storedCount = () => mongo.connection.collection('tasks').countDocuments({});
  const one = (name: string) => ({ taskName: name, commands: 'true' });

  test('is one task, and one answer', async () => {
    const answers = await send('/v1/tasks', () => one('a'));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ isReplay }) => !isReplay)).toHaveLength(1);
    expect(await storedCount()).toBe(1);
  });

  test('is one batch, each of its tasks stored once', async () => {
    const batch = { tasks: [one('a'), { taskName: '' }, one('b'), one('c')] };
    const answers = await send('/v1/tasks/batch', () => batch);
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(await storedCount()).toBe(3);
  });

  test('with two bodies is the task of one of them; the other is a conflict', async () => {
    const answers = await send('/v1/tasks', (n) => one(n % 3 === 0 ? 'a' : 'b'));
    const byStatus = (status: number) => answers.flatMap((one, n) => (one.status === status ? [n % 3 === 0] : []));
    expect(answers.every(({ status }) => status === 200 || status === 409)).toBe(true);
    expect(new Set(byStatus(200)).size).toBe(1);
    expect(new Set(byStatus(409)).size).toBe(1);
    expect(await storedCount()).toBe(1);
  });
});

describe('with keys, on two services over one database', () => {
  const adminKey = 'an-admin-key-of-thirty-two-characters';
  const keyed = { auth: 'api-key', adminKey } as const;
  let here: Api;
  let there: Api;

  beforeEach(async () => {
    for (const name of ['tenants', 'api_keys', 'audit']) await mongo.connection.collection(name).deleteMany({});
    [here, there] = [await start(keyed), await start(keyed)];
  });
  afterEach(async () => {
    await here.stop();
    await there.stop();
  });

  async function ask(at: Api, method: string, path: string, given: { key: string; body?: object; ifMatch?: string }) {
    const headers = {
      Authorization: `Bearer ${given.key}`,
      ...(given.body !== undefined && { 'Content-Type': 'application/json' }),
      ...(given.ifMatch !== undefined && { 'If-Match': given.ifMatch }),
    };
    const body = given.body === undefined ? {} : { body: JSON.stringify(given.body) };
    const response = await fetch(`${at.url}${path}`, { method, headers, ...body });
    const { data, message } = parseExactJson(await response.text()) as {
      data: Record<string, unknown>;
      message: string;
    };
    return { status: response.status, etag: response.headers.get('etag'), data, message };
  }

  test('a key made at one opens the other, for its tenant alone, until it is revoked', async () => {
    const made = await ask(here, 'POST', '/v1/admin/tenants/acme/keys', { key: adminKey });
    const key = String(made.data['key']);
    const submitted = await ask(there, 'POST', '/v1/tasks', { key, body: { taskName: 'a', commands: 'true' } });
    expect(submitted.status).toBe(200);
    expect(await stores.tasks.findTasks('acme', [submitted.data['taskId'] as TaskId])).toHaveLength(1);
    expect(await ask(there, 'GET', '/v1/admin/tenants', { key })).toMatchObject({ status: 403 });
    const revoked = await ask(there, 'DELETE', `/v1/admin/keys/${String(made.data['keyId'])}`, { key: adminKey });
    expect(revoked).toMatchObject({ status: 200, data: { state: 'revoked' } });
    expect(await ask(there, 'GET', '/v1/tenant', { key })).toMatchObject({ status: 401 });
  });

  test('settings are changed under their version, told to the scheduler, and audited', async () => {
    const commands: unknown[] = [];
    const consumer = await broker.consume('juice.scheduler.commands', { prefetch: 10 }, (delivery) => {
      commands.push(delivery.body);
      delivery.ack();
    });
    const path = '/v1/admin/tenants/acme';
    const put = await ask(here, 'PUT', path, { key: adminKey, body: { weight: 2.5, policy: ['privileged'] } });
    expect(put).toMatchObject({ status: 200, etag: '"1"', data: { weight: 2.5, version: 1 } });
    expect(await ask(there, 'PUT', path, { key: adminKey, body: { weight: 9 }, ifMatch: '"0"' })).toMatchObject({
      status: 412,
    });
    const patch = await ask(there, 'PATCH', path, { key: adminKey, body: { suspended: true }, ifMatch: '"1"' });
    expect(patch).toMatchObject({ etag: '"2"', data: { weight: 2.5, policy: ['privileged'], suspended: true } });
    await until('both changes are told', () => commands.length === 2);
    expect(commands.map((command) => commandMessage.parse(command))).toEqual(
      [1, 2].map(() => ({ v: 1, kind: 'tenant-changed', tenantIds: ['acme'] })),
    );
    const { data } = await ask(here, 'GET', '/v1/admin/audit?tenant=acme', { key: adminKey });
    expect(data['records']).toMatchObject([
      { outcome: 'done', detail: { given: { suspended: true }, version: 2 } },
      { outcome: 'refused', detail: { given: { weight: 9 } } },
      { outcome: 'done', actor: 'bootstrap', action: 'tenant.changed', detail: { version: 1 } },
    ]);
    await consumer.cancel();
  });

  test('a callback secret is kept for those who sign, and told to nobody else', async () => {
    const made = await ask(here, 'POST', '/v1/admin/tenants/acme/callback-secrets', { key: adminKey });
    const shown = await ask(there, 'GET', '/v1/admin/tenants/acme', { key: adminKey });
    expect(shown.data).toMatchObject({ version: 1, callbackSecrets: [{ secretId: made.data['secretId'] }] });
    expect(JSON.stringify(shown)).not.toContain('whsec_');
    expect((await stores.tenants.signingOf('acme')).secrets).toMatchObject([{ secret: made.data['secret'] }]);
  });
});
