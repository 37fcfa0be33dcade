import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { describeWithRabbit } from '@juice/messaging/testing';
import { until, type JuiceProcess } from '@juice/trial';
import { connect } from 'amqplib';
import { makeMark, secretsIn } from './secret-marks.ts';
import { deadline, resources, startServiceWorld, type ServiceWorld } from './service-world.ts';

const bundles = join(import.meta.dirname, '../../../dist/apps');

/** Every secret that Juice is told, or makes, by what it is. The test fails where one of them is met and may not be. */
const secrets = new Map<string, string>();
function secret(name: string, value = makeMark()): string {
  secrets.set(name, value);
  return value;
}

const adminKey = secret('the bootstrap admin key', makeMark() + makeMark());
const wrongKey = secret('the secret of a key that is none');
const operatorSecret = `whsec_${Buffer.from(secret('the operator’s callback secret')).toString('base64')}`;
const agentSecret = secret('the secret of the agents’ principal');
const mesosSecret = secret('the secret of the masters’ principal');
const mongoPassword = secret('the password of MongoDB');
const amqpPassword = secret('the password of RabbitMQ');
const zookeeperPassword = secret('the password of ZooKeeper');
const envSecret = secret('a secret variable of a task');
const urlPassword = secret('a password in a URL of a tenant');
const urlToken = secret('a token in the query of a callbackUrl');
/** What a tenant has said in URLs of its own tasks, and is shown again. */
const ofUrls = ['a password in a URL of a tenant', 'a token in the query of a callbackUrl'];
const queryToken = secret('a token in the query of a request');

interface Answered {
  readonly status: number;
  readonly text: string;
}

/**
 * Marked secrets go through services in processes of their own, at log level debug, by requests that succeed and that fail.
 * None may be met in what is kept or told of them: logs, refusals, metrics, the audit trail, events, messages.
 */
describeWithRabbit('secrets', (amqpUrl) => {
  let services: ServiceWorld;
  let api: JuiceProcess;
  let scheduler: JuiceProcess;
  let callback: JuiceProcess;
  let leaders = 0;
  const heard: string[] = [];
  const inVain: string[] = [];
  const refusals: Answered[] = [];
  const answers: Answered[] = [];
  let receiver: Server;
  let hook: string;
  let tenantKey: string;
  let stopListening: () => Promise<void>;

  const asAdmin = { Authorization: `Bearer ${adminKey}` };
  const asTenant = () => ({ Authorization: `Bearer ${tenantKey}` });

  /** What it answers is kept: refusals, which hold no secret of any kind, apart from the rest. */
  async function call(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: unknown,
  ): Promise<Answered> {
    const answer = await fetch(`${api.url}${path}`, {
      method,
      headers: { ...headers, ...(body !== undefined && { 'Content-Type': 'application/json' }) },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const answered = { status: answer.status, text: await answer.text() };
    (answer.ok ? answers : refusals).push(answered);
    return answered;
  }

  async function done(...request: Parameters<typeof call>): Promise<Readonly<Record<string, unknown>>> {
    const { status, text } = await call(...request);
    expect({ status, text: status === 200 ? '' : text }).toEqual({ status: 200, text: '' });
    return (JSON.parse(text) as { data: Readonly<Record<string, unknown>> }).data;
  }

  async function refused(...request: Parameters<typeof call>): Promise<void> {
    expect((await call(...request)).status).toBeGreaterThanOrEqual(400);
  }

  const submission = (more: Readonly<Record<string, unknown>> = {}) => ({
    taskName: 'holds-secrets',
    commands: 'test -n "$PASSWORD"',
    env: [{ name: 'PASSWORD', value: envSecret, secret: true }],
    resources,
    ...more,
  });

  async function startScheduler(): Promise<void> {
    const access = { JUICE_MESOS_PRINCIPAL: 'juice', JUICE_MESOS_SECRET: mesosSecret };
    scheduler = await services.start('scheduler', 'scheduler', access);
    const leases = services.database.collection<{ url: string }>('leases');
    const port = new URL(scheduler.url).port;
    const leads = { url: { $regex: `:${port}$` } };
    await until('it to lead', async () => (await leases.findOne(leads)) !== null, deadline);
    const lease = await leases.findOne(leads);
    secret(`the secret that leader ${(leaders += 1)} answers to`, new URL(lease?.url ?? '').password);
  }

  /** Runs a service that will not come up: until it has ended, or has said this. All that it prints is kept. */
  async function runInVain(
    service: 'api' | 'scheduler' | 'callback' | 'standalone',
    env: Readonly<Record<string, string>>,
    until: string,
  ): Promise<void> {
    const child = spawn(process.execPath, [join(bundles, service, 'main.js')], {
      env: { PATH: process.env['PATH'], JUICE_LOG_LEVEL: 'debug', JUICE_PORT: '0', JUICE_HEALTH_PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        printed += chunk.toString();
        if (printed.includes(until)) child.kill('SIGKILL');
      });
    }
    await new Promise((resolve) => child.once('close', resolve));
    expect(printed).toContain(until);
    inVain.push(printed);
  }

  const printedBy = async (): Promise<string> => {
    const files = (await readdir(services.folder)).filter((name) => name.endsWith('.log'));
    return (await Promise.all(files.map((name) => readFile(join(services.folder, name), 'utf8')))).join('\n');
  };

  /** Every message that is published, whoever it is for. */
  async function listen(): Promise<() => Promise<void>> {
    const model = await connect(amqpUrl);
    const channel = await model.createChannel();
    const { queue } = await channel.assertQueue('', { exclusive: true });
    for (const exchange of ['juice.tasks', 'juice.commands', 'juice.events'])
      await channel.bindQueue(queue, exchange, '#');
    await channel.consume(queue, (message) => void heard.push(message?.content.toString() ?? ''), { noAck: true });
    return () => model.close();
  }

  beforeAll(async () => {
    receiver = createServer((request, response) => {
      request.resume();
      response.writeHead(request.url?.startsWith('/fails') === true ? 503 : 200).end();
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    services = await startServiceWorld({
      amqpUrl,
      agents: [10],
      env: {
        JUICE_LOG_LEVEL: 'debug',
        JUICE_AUTH: 'api-key',
        JUICE_ADMIN_KEY: adminKey,
        JUICE_CALLBACK_SECRET: operatorSecret,
        JUICE_CALLBACK_ALLOW: '127.0.0.0/8',
        JUICE_CALLBACK_SCHEDULE: '0s,100ms',
        JUICE_AGENT_PRINCIPAL: 'juice',
        JUICE_AGENT_SECRET: agentSecret,
      },
    });
    await startScheduler();
    api = await services.start('api', 'api');
    callback = await services.start('callback', 'callback');
    stopListening = await listen();
    const tenant = '/v1/admin/tenants/acme';
    tenantKey = String((await done('POST', `${tenant}/keys`, asAdmin, { name: 'ci' }))['key']);
    secret('a tenant’s key', tenantKey.split('_').at(-1));
    const made = await done('POST', `${tenant}/callback-secrets`, asAdmin, {});
    secret('a tenant’s callback secret', String(made['secret']).replace('whsec_', ''));
    // These two show a secret once: that is what they are for.
    answers.length = 0;
  }, 120_000);

  afterAll(async () => {
    await stopListening();
    await services.close();
    receiver.close();
  }, 60_000);

  test('requests that succeed', async () => {
    const callbackUrl = `${hook}/hook?token=${urlToken}`;
    const { taskIdStr } = await done('POST', '/v1/tasks', asTenant(), submission({ callbackUrl }));
    const failing = submission({ callbackUrl: `${hook}/fails?token=${urlToken}`, commands: 'exit 3' });
    const { taskIdStr: failed } = await done('POST', '/v1/tasks', asTenant(), failing);
    const fetching = submission({ uris: [`http://juice:${urlPassword}@127.0.0.1:1/a?token=${urlToken}`] });
    const { taskIdStr: fetched } = await done('POST', '/v1/tasks', asTenant(), fetching);
    const statusOf = async (taskId: unknown) => {
      const tasks = await done('GET', `/v1/tasks?taskIds=${String(taskId)}`, asTenant());
      return (tasks as unknown as { taskStatus: number }[])[0]?.taskStatus;
    };
    for (const [taskId, status] of [
      [taskIdStr, 2],
      [failed, 3],
      [fetched, 3],
    ] as const)
      await until(`task ${String(taskId)} to end ${status}`, async () => (await statusOf(taskId)) === status, deadline);
    const isDead = async () => (await printedBy()).includes('"callback.dead"');
    await until('the lane of the failing receiver to be dead', isDead, deadline);
    await done('GET', `/v1/tasks/${String(fetched)}`, asTenant());
    await done('POST', `/v1/tasks/${String(failed)}/rerun`, asTenant(), {});
    await done('GET', `/v1/tasks/${String(failed)}/why`, asTenant());
    await done('GET', `/v1/tasks/${String(failed)}/callbacks`, asTenant());
    await done('GET', '/v1/callbacks/dead', asTenant());
    await done('POST', '/v1/callbacks/test', asTenant(), { url: callbackUrl });
    await done('GET', '/v1/tenant', asTenant());
    await done('PUT', '/v1/admin/tenants/acme', { ...asAdmin, 'If-Match': '*' }, { weight: 2 });
    await done('POST', '/v1/admin/tenants/acme/callback-secrets', asAdmin, {});
    answers.pop();
    await done('GET', '/v1/admin/queue', asAdmin);
  }, 120_000);

  test('requests that are refused', async () => {
    for (const Authorization of [`Bearer ${wrongKey}`, `Bearer jk_0123_${wrongKey}`, `Basic ${wrongKey}`, wrongKey]) {
      await refused('GET', '/v1/tasks', { Authorization });
      await refused('GET', '/v1/admin/audit', { Authorization });
    }
    await refused('GET', '/v1/tasks', asAdmin);
    await refused('GET', '/v1/admin/audit', asTenant());
    await refused('GET', `/v1/tasks?access_token=${queryToken}`, {});
    await refused('GET', `/v1/nowhere?access_token=${queryToken}`, asTenant());
    await refused('GET', `/v1/tasks?taskIds=x&access_token=${queryToken}`, asTenant());
    const body = JSON.stringify(submission());
    await refused('POST', '/v1/tasks', asTenant(), body.slice(0, -2));
    await refused('POST', '/v1/tasks', asTenant(), `"${envSecret}"`);
    await refused('POST', '/v1/tasks', asTenant(), `${envSecret}`);
    await refused('POST', '/v1/tasks', { ...asTenant(), 'Content-Encoding': 'gzip' }, body);
    const wrongParts: readonly Readonly<Record<string, unknown>>[] = [
      { taskName: '' },
      { env: envSecret },
      { env: [envSecret] },
      { env: { name: '9', value: envSecret, secret: true } },
      { env: { name: 'A', value: envSecret, secret: envSecret.length } },
      { env: { name: 'A', value: `${envSecret}\u0000`, secret: true } },
      { env: { name: 'A', value: [envSecret], secret: true } },
      { env: { name: 'A', value: { [envSecret]: envSecret }, secret: true } },
      { env: { name: 'A', value: envSecret.repeat(10_000), secret: true } },
      { env: { name: 'A', value: envSecret, secret: true }, envs: [{ name: 'A', value: 'other' }] },
      { resources: { cpu: 1_000_000 } },
      ...['ftp', 'http', 'https', 'nonsense'].flatMap((scheme) => [
        { callbackUrl: `${scheme}://juice:${urlPassword}@example.com/hook?token=${urlToken}` },
        { callbackUrl: `${scheme}://10.0.0.1/hook?token=${urlToken}` },
      ]),
      { callbackUrl: `juice:${urlPassword}@example.com` },
      { uris: [`file://juice:${urlPassword}@/etc/passwd?token=${urlToken}`] },
      { uris: [{ value: `nonsense://juice:${urlPassword}@h/x?token=${urlToken}` }] },
    ];
    for (const part of wrongParts) {
      await refused('POST', '/v1/tasks', asTenant(), submission(part));
      const batch = await call('POST', '/v1/tasks/batch', asTenant(), { tasks: [submission(part)] });
      refusals.push(batch);
    }
    for (const url of [`ftp://juice:${urlPassword}@h/?token=${urlToken}`, `juice:${urlPassword}@h`]) {
      await refused('POST', '/v1/callbacks/test', asTenant(), { url });
      await refused('POST', '/v1/callbacks/endpoints/pause', asTenant(), { endpoint: url });
      await refused('POST', '/v1/admin/callbacks/endpoints/pause', asAdmin, { tenant: 'acme', endpoint: url });
      await refused('POST', '/v1/callbacks/replays', asTenant(), { filter: { endpoint: url }, reason: 'a try' });
    }
    await refused('PUT', '/v1/admin/tenants/acme', { ...asAdmin, 'If-Match': '"0"' }, { weight: 'much' });
    await refused('POST', '/v1/admin/tenants/acme/keys', asAdmin, { name: 7 });
  }, 120_000);

  describe('services that cannot go on, or not begin', () => {
    const mongoUrlOf = (credentials: string, database = 'juice') =>
      `mongodb://${credentials}${services.database.host}:${services.database.port}/${database}`;
    const nobody = '127.0.0.1:1';

    test('while MongoDB is gone', async () => {
      await services.mongo.kill();
      await refused('POST', '/v1/tasks', asTenant(), submission({ callbackUrl: `${hook}/hook?token=${urlToken}` }));
      await refused('POST', '/v1/tasks/batch', asTenant(), { tasks: [submission()] });
      await refused('GET', `/v1/tasks?taskIds=1&access_token=${queryToken}`, asTenant());
      await refused('GET', '/v1/admin/audit', asAdmin);
      await services.mongo.start();
      // Without its store a leader does not outlive its lease.
      await scheduler.end('SIGTERM');
      await startScheduler();
      await until('it to be ready', async () => (await fetch(`${api.url}/readyz`)).ok, deadline);
    }, 120_000);

    test('where MongoDB, RabbitMQ or ZooKeeper cannot be reached', async () => {
      const own = { JUICE_AMQP_URL: amqpUrl, JUICE_MONGO_URL: mongoUrlOf('', 'apart') };
      const unreachable = '"dependency.unreachable"';
      const mongoUrl = `mongodb://juice:${mongoPassword}@${nobody}/juice?authSource=admin`;
      await runInVain('api', { ...own, JUICE_MONGO_URL: mongoUrl }, unreachable);
      const callback = { ...own, JUICE_CALLBACK_SECRET: operatorSecret };
      await runInVain(
        'callback',
        { ...callback, JUICE_AMQP_URL: `amqp://juice:${amqpPassword}@${nobody}` },
        unreachable,
      );
      const masters = `zk://juice:${zookeeperPassword}@${nobody}/mesos`;
      await runInVain('scheduler', { ...own, JUICE_MESOS_MASTERS: masters }, unreachable);
    }, 120_000);

    test('where RabbitMQ or MongoDB does not know them', async () => {
      const refusing = amqpUrl.replace(/\/\/[^@]*@/, `//guest:${amqpPassword}@`);
      await runInVain('api', { JUICE_AMQP_URL: refusing, JUICE_MONGO_URL: mongoUrlOf('') }, 'ACCESS_REFUSED');
      const mongoUrl = mongoUrlOf(`juice:${mongoPassword}@`);
      await runInVain('api', { JUICE_AMQP_URL: amqpUrl, JUICE_MONGO_URL: mongoUrl }, 'mongodb');
    }, 120_000);

    test('where what they are configured with cannot be used', async () => {
      const wrong: readonly Readonly<Record<string, string>>[] = [
        {
          JUICE_MONGO_URL: `mongodb://juice:1234?${mongoPassword}@db/juice`,
          JUICE_AMQP_URL: `amqp://juice:1234?${amqpPassword}@mq`,
          JUICE_MESOS_MASTERS: `juice:${zookeeperPassword}@master:5050`,
          JUICE_ADMIN_KEY: `${adminKey} `.repeat(2),
          JUICE_CALLBACK_SECRET: `whsec_${operatorSecret}!`,
          JUICE_MESOS_SECRET: mesosSecret,
          JUICE_AGENT_SECRET: agentSecret,
          JUICE_MESOS_WEBUI_URL: `https:/juice:${urlPassword}@master`,
        },
        {
          JUICE_MONGO_URL: `juice:${mongoPassword}@db`,
          JUICE_AMQP_URL: `amqp:/juice:${amqpPassword}@mq`,
          JUICE_MESOS_MASTERS: `zk:/juice:${zookeeperPassword}@zk/mesos`,
          JUICE_CALLBACK_SECRET: operatorSecret.replace('_', '-'),
          JUICE_CORS_ORIGINS: `https://juice:${urlPassword}@app`,
        },
        {
          JUICE_MONGO_URL: `mongodb://juice:${mongoPassword}/juice`,
          JUICE_AMQP_URL: `amqp://juice:${amqpPassword}/juice`,
          JUICE_MESOS_MASTERS: `http://juice:${zookeeperPassword}@master:5050`,
          JUICE_CALLBACK_ALLOW: `localhost,https://juice:${urlPassword}@app`,
        },
      ];
      // Standalone reads what all of them read.
      for (const env of wrong) await runInVain('standalone', env, 'The configuration cannot be used');
      for (const service of ['api', 'scheduler', 'callback'] as const)
        await runInVain(service, wrong[0] ?? {}, 'The configuration cannot be used');
    }, 120_000);
  });

  describe('are met', () => {
    test('nowhere in what the services print', async () => {
      const printed = await printedBy();
      expect(printed).toContain('"level":"debug"');
      expect(secretsIn(printed, secrets)).toEqual([]);
      expect(inVain.map((text) => secretsIn(text, secrets))).toEqual(inVain.map(() => []));
    });

    test('nowhere in refusals; in other answers only as a tenant’s own URLs', () => {
      expect(refusals.filter(({ text }) => secretsIn(text, secrets).length > 0)).toEqual([]);
      const found = answers.flatMap(({ text }) => secretsIn(text, secrets));
      expect([...new Set(found)].sort()).toEqual(ofUrls);
    });

    test('nowhere in metrics, readiness and messages', async () => {
      for (const { url } of [api, scheduler, callback]) {
        for (const path of ['/metrics', '/readyz', '/livez'])
          expect(secretsIn(await (await fetch(`${url}${path}`)).text(), secrets)).toEqual([]);
      }
      expect(heard.length).toBeGreaterThan(0);
      expect(heard.flatMap((text) => secretsIn(text, secrets))).toEqual([]);
    });

    test('in the database only where they are kept to be used: neither in the audit trail nor in the event log', async () => {
      const collections = (await services.database.db?.collections()) ?? [];
      const found = await Promise.all(
        collections.map(async (collection) => {
          const text = (await collection.find().toArray()).map(write).join('\n');
          return [collection.collectionName, text === '' ? [] : [...secretsIn(text, secrets)].sort()] as const;
        }),
      );
      const kept = Object.fromEntries(found);
      expect(kept).toMatchObject({ audit: [], task_events: [] });
      expect(Object.fromEntries(found.filter(([, names]) => names.length > 0))).toEqual({
        tasks: [...ofUrls, 'a secret variable of a task'].sort(),
        callback_attempts: ['a token in the query of a callbackUrl'],
        callback_tests: ['a token in the query of a callbackUrl'],
        tenants: ['a tenant’s callback secret'],
        leases: ['the secret that leader 2 answers to'],
      });
      expect(await services.database.collection('audit').countDocuments()).toBeGreaterThan(0);
      expect(await services.database.collection('task_events').countDocuments()).toBeGreaterThan(0);
    });
  });
});

const write = (document: unknown): string =>
  JSON.stringify(document, (_name, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
