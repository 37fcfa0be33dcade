import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startLocalMesos, type LocalMesos } from '@juice/local-mesos';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import { connectBroker } from '@juice/messaging';
import { describeWithRabbit, removeTopology, uniquePrefix } from '@juice/messaging/testing';
import { connectMongo, createLeaseStore, prepareStore, type MongoConnection } from '@juice/persistence';
import { loadConfig } from '@juice/runtime';
import { doctorConfigSchema } from './config.ts';
import { runDoctor } from './doctor-command.ts';
import { examineAll } from './examine-all.ts';
import type { Finding } from './finding.ts';

const callbackSecret = `whsec_${Buffer.from('a secret for these tests').toString('base64')}`;
const mesosSecret = 'the-secret-of-the-principal';
const adminKey = 'an-admin-key-for-these-tests-alone';

/** `check: verdict` of each. */
function verdicts(findings: readonly Finding[]): Record<string, string> {
  return Object.fromEntries(findings.map(({ check, verdict }) => [check, verdict]));
}

describeWithRabbit('the doctor', (amqpUrl) => {
  describe('the doctor, with all parts there', () => {
    let mongo: LocalMongo;
    let mesos: LocalMesos;
    let folder: string;
    let conn: MongoConnection;
    let brokerPrefix: string;

    beforeAll(async () => {
      mongo = await startLocalMongo({ dataDir: null, host: '127.0.0.1', port: 0 });
      folder = mkdtempSync(join(tmpdir(), 'juice-doctor-'));
      const credentials = { principal: 'juice', secret: mesosSecret };
      mesos = await startLocalMesos({ dataDir: folder, agents: [], executor: 'simulated', followers: 1, credentials });
    });
    afterAll(async () => {
      await mesos.stop();
      rmSync(folder, { recursive: true });
      await mongo.stop();
    });
    beforeEach(async () => {
      brokerPrefix = uniquePrefix('doctor');
      conn = await connectMongo(`${mongo.url}/doctor`, { appName: 'doctor-spec' });
    });
    afterEach(async () => {
      await conn.connection.dropDatabase();
      await conn.close();
      await removeTopology(amqpUrl, brokerPrefix);
    });

    const examine = (env: Readonly<Record<string, string>> = {}, limitMs = 5_000): Promise<readonly Finding[]> => {
      const parts = { JUICE_MONGO_URL: `${mongo.url}/doctor`, JUICE_AMQP_URL: amqpUrl };
      return examineAll(loadConfig(doctorConfigSchema, { ...parts, ...env }), { brokerPrefix, limitMs });
    };

    test('before anything has started nothing is wrong, and nothing is made', async () => {
      const before = await examine();
      expect(verdicts(before)).toMatchObject({
        'mongodb.connection': 'ok',
        'mongodb.server': 'warning',
        'mongodb.clock': 'ok',
        'mongodb.schema': 'ok',
        'mongodb.indexes': 'ok',
        'scheduler.lease': 'ok',
        'rabbitmq.connection': 'ok',
        'rabbitmq.version': 'ok',
        'rabbitmq.topology': 'ok',
        'mesos.masters': 'skipped',
        'mesos.leader': 'skipped',
        'callback.secret': 'warning',
        'admin.key': 'skipped',
      });
      expect(await conn.connection.listCollections()).toEqual([]);
      expect(verdicts(await examine())).toEqual(verdicts(before));
    });

    test('what services have made is as it should be, and their secrets are not shown', async () => {
      await prepareStore(conn);
      const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
      await (await connectBroker(amqpUrl, { log: silent, prefix: brokerPrefix })).close();
      const findings = await examine({ JUICE_CALLBACK_SECRET: callbackSecret, JUICE_ADMIN_KEY: adminKey });
      const found = Object.fromEntries(findings.map((finding) => [finding.check, finding.found]));
      expect(found).toMatchObject({
        'mongodb.indexes': 'all are there',
        'rabbitmq.topology': 'all 8 exchanges and queues are there',
      });
      expect(verdicts(findings)).toMatchObject({ 'callback.secret': 'ok', 'admin.key': 'ok' });
      expect(JSON.stringify(findings)).not.toContain(callbackSecret);
      expect(JSON.stringify(findings)).not.toContain(adminKey);
    });

    test('Mesos is told by any of its masters, with the credentials that it takes', async () => {
      const masters = { JUICE_MESOS_MASTERS: String(mesos.followerUrls[0]), JUICE_MESOS_ROLE: 'batch' };
      const principal = { JUICE_MESOS_PRINCIPAL: 'juice', JUICE_MESOS_SECRET: mesosSecret };
      const findings = await examine({ ...masters, ...principal });
      const found = Object.fromEntries(findings.map((finding) => [finding.check, finding.found]));
      expect(found).toMatchObject({
        'mesos.masters': `${mesos.followerUrls[0]} leads to ${mesos.url}; ${mesos.url} leads`,
        'mesos.leader': mesos.url,
        'mesos.version': 'Mesos 1.12.0',
        'mesos.roles': 'offers are asked for with role batch',
      });
      expect(verdicts(findings)).toMatchObject({ 'mesos.masters': 'ok', 'mesos.leader': 'ok', 'mesos.clock': 'ok' });
      expect(JSON.stringify(findings)).not.toContain(mesosSecret);
      expect(verdicts(await examine(masters))).toMatchObject({ 'mesos.masters': 'wrong', 'mesos.leader': 'skipped' });
    });

    test('who leads is told, and whether the lease is renewed', async () => {
      const leases = createLeaseStore(conn);
      await leases.take('scheduler', 'one', 'http://api:lease-secret@one:8081', null);
      const lead = async (limitMs: number) =>
        (await examine({ JUICE_LEASE: '1s' }, limitMs)).find(({ check }) => check === 'scheduler.lease');
      expect(await lead(1_000)).toMatchObject({
        verdict: 'warning',
        found: expect.stringContaining('one held the lead last'),
      });
      const over = new AbortController();
      const renewing = (async () => {
        while (!over.signal.aborted) await leases.renew('scheduler', 'one', 1);
      })();
      const renewed = await lead(5_000);
      over.abort();
      await renewing;
      expect(renewed).toMatchObject({ verdict: 'ok', found: 'one leads, epoch 1, at http://one:8081' });
    });

    test('a database of a newer version and an index in the way are wrong', async () => {
      const meta = conn.connection.collection<{ _id: string; schema: number; oldestReader: number }>('meta');
      await meta.insertOne({ _id: 'schema', schema: 1_000, oldestReader: 999 });
      await conn.connection.collection('tasks').createIndex({ idem: 1 });
      const findings = await examine();
      expect(verdicts(findings)).toMatchObject({ 'mongodb.schema': 'wrong', 'mongodb.indexes': 'wrong' });
    });
  });
});

describe('the doctor, with nothing to be reached', () => {
  /** Take connections, and never answer. */
  const silent: Server[] = [];
  afterEach(() => Promise.all(silent.splice(0).map((server) => new Promise((resolve) => server.close(resolve)))));

  async function portOf(kind: 'closed' | 'silent'): Promise<number> {
    const server = createServer((socket) => socket.on('error', () => undefined).resume());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    if (kind === 'silent') silent.push(server);
    else await new Promise((resolve) => server.close(resolve));
    return port;
  }

  test.each([
    ['closed', (port: number) => `http://127.0.0.1:${port}`],
    ['silent', (port: number) => `http://127.0.0.1:${port}`],
    ['closed', (port: number) => `zk://juice:pa%40ss-word@127.0.0.1:${port}/mesos`],
    ['silent', (port: number) => `zk://juice:pa%40ss-word@127.0.0.1:${port}/mesos`],
  ] as const)('says so within its limits, without passwords (%s)', async (kind, mesosAt) => {
    const password = 'pa%40ss-word';
    const env = {
      JUICE_MONGO_URL: `mongodb://juice:${password}@127.0.0.1:${await portOf(kind)}/juice`,
      JUICE_AMQP_URL: `amqp://juice:${password}@127.0.0.1:${await portOf(kind)}`,
      JUICE_MESOS_MASTERS: mesosAt(await portOf(kind)),
      JUICE_CALLBACK_SECRET: callbackSecret,
    };
    const lines: string[] = [];
    const host = { env, say: (line: string) => void lines.push(line), complain: () => undefined };
    expect(await runDoctor(['--json'], host, { limitMs: 500 })).toBe(1);
    const findings = lines.map((line) => JSON.parse(line) as Finding);
    expect(verdicts(findings)).toMatchObject({
      'mongodb.connection': 'wrong',
      'mongodb.schema': 'skipped',
      'rabbitmq.connection': 'wrong',
      'rabbitmq.topology': 'skipped',
      'mesos.masters': 'wrong',
    });
    expect(findings).toHaveLength(16);
    for (const secret of [password, 'pa@ss-word', callbackSecret]) expect(lines.join()).not.toContain(secret);
    for (const { verdict, advice } of findings) expect(verdict === 'wrong' && advice === null).toBe(false);
  });
});
