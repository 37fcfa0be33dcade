import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TaskState, type RetentionOptions, type TaskId } from '@juice/contracts';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import { idAt, newTask, tenant } from '../testing/sample-tasks.ts';
import {
  connectMongo,
  createAuditStore,
  createCallbackStores,
  createDeliveryStore,
  createEndpointStore,
  createKeyStore,
  createQuarantineStore,
  createTaskStore,
  createUsageStore,
  ensureIndexes,
  plainEndpointState,
  unknownEndpoint,
  type MongoConnection,
} from './index.ts';

// When documents are removed by the database itself: the stores do not tell.

let server: LocalMongo;
let conn: MongoConnection;

beforeAll(async () => {
  server = await startLocalMongo({ dataDir: null, host: '127.0.0.1', port: 0 });
  conn = await connectMongo(server.url, { appName: 'juice-retention' });
  await ensureIndexes(conn);
});
afterAll(async () => {
  await conn.close();
  await server.stop();
});

const day = 86_400_000;
const atMs = Date.UTC(2026, 0, 31);

async function purgeAfterMs(collection: string): Promise<readonly (number | null)[]> {
  const found = await conn.connection.collection(collection).find().sort({ _id: 1 }).toArray();
  return found.map(({ purgeAt }) => (purgeAt instanceof Date ? purgeAt.getTime() - atMs : null));
}

test('a key is kept while it works, and ninety days more', async () => {
  const keys = createKeyStore(conn);
  const facts = { tenantId: 'acme', hash: '', name: null, createdAt: new Date(atMs), createdBy: 'bootstrap' };
  for (const keyId of ['endless', 'revoked', 'rotated']) await keys.addKey({ keyId, ...facts, expiresAt: null });
  for (const keyId of ['short', 'short-revoked'])
    await keys.addKey({ keyId, ...facts, expiresAt: new Date(atMs + 10 * day) });
  await keys.revokeKey('revoked', atMs);
  await keys.revokeKey('short-revoked', atMs + day);
  await keys.expireKey('rotated', atMs + day);
  expect(await purgeAfterMs('api_keys')).toEqual([null, 90 * day, 91 * day, 100 * day, 91 * day]);
});

test('an endpoint is forgotten a day after it could be called, and never while it cannot', async () => {
  const endpoints = createEndpointStore(conn);
  const breaker = {
    openedAtMs: atMs,
    untilMs: atMs,
    reason: 'timeout',
    seen: { consecutive: 1, failed: 1, attempts: 1 },
  };
  const gone = { atMs, reason: 'status-410' };
  for (const [name, changes] of Object.entries({
    'a open': { breaker },
    'b plain': {},
    'c gone': { gone },
    'd waits': { waitUntilMs: atMs + day },
  }))
    await endpoints.saveEndpoint(unknownEndpoint(name), { ...plainEndpointState, ...changes }, atMs);
  await endpoints.pauseEndpoint('e paused', { by: 'k1', reason: null, atMs, isOperators: true });
  await endpoints.pauseEndpoint('f resumed', { by: 'k1', reason: null, atMs, isOperators: true });
  await endpoints.resumeEndpoint('f resumed', { atMs, isOperators: true });
  expect(await purgeAfterMs('endpoints')).toEqual([null, day, null, 2 * day, null, day]);
});

test('a record of the audit trail is kept for more than a year, whatever its outcome', async () => {
  const audits = createAuditStore(conn);
  const auditId = await audits.beginAudit({
    ...{ atMs, actor: 'bootstrap', action: 'key.revoked', tenantId: null, target: 'k1', detail: {} },
    ...{ requestId: 'request-1', remoteAddress: null },
  });
  await audits.endAudit(auditId, 'done', {});
  expect(await purgeAfterMs('audit')).toEqual([400 * day]);
});

test.each<[keyof RetentionOptions, string, (options: RetentionOptions) => unknown]>([
  ['taskRetentionMs', 'tasks', (options) => createTaskStore(conn, options)],
  ['taskRetentionMs', 'deliveries', (options) => createDeliveryStore(conn, options)],
  ['attemptRetentionMs', 'deliveries', (options) => createDeliveryStore(conn, options)],
  ['replayRetentionMs', 'callbacks', (options) => createCallbackStores(conn, options)],
  ['quarantineRetentionMs', 'quarantine', (options) => createQuarantineStore(conn, options)],
  ['auditRetentionMs', 'audit', (options) => createAuditStore(conn, options)],
  ['usageRetentionMs', 'usage', (options) => createUsageStore(conn, options)],
])('%s of %s is a day at least: keys of requests are kept for so long', (what, _store, make) => {
  expect(() => make({ [what]: day - 1 })).toThrow(`${what} must be at least 86400000, not 86399999`);
  expect(() => make({ [what]: day })).not.toThrow();
});

test('what is kept for as long as it is told, whatever the rest is', async () => {
  await createAuditStore(conn, { auditRetentionMs: 2 * day }).beginAudit({
    ...{ atMs, actor: 'bootstrap', action: 'tenant.reset', tenantId: 'kept', target: 'kept' },
    ...{ detail: {}, requestId: 'r1', remoteAddress: null },
  });
  await createQuarantineStore(conn, { quarantineRetentionMs: 3 * day }).put({
    ...{ key: 'k', kind: 'update', atMs, epoch: 1, detail: 'unreadable', record: '{}' },
    ...{ taskId: null, mesosTaskId: null, agentId: null },
  });
  await createDeliveryStore(conn, { attemptRetentionMs: 5 * day }).logAttempt({
    ...{ taskId: 1n as TaskId, tenantId: 't', seq: 1, try: 1, status: TaskState.FINISHED, url: 'https://a.example/' },
    ...{
      startedAtMs: atMs,
      durationMs: 1,
      outcome: 'delivered',
      httpStatus: 200,
      cause: null,
      detail: null,
      phases: {},
    },
  });
  const tasks = createTaskStore(conn, { taskRetentionMs: 7 * day });
  await tasks.insertTasks([newTask(idAt(1))]);
  await tasks.requestKill(tenant, idAt(1), atMs);
  expect(await purgeAfterMs('tasks')).toEqual([7 * day]);
  expect(await purgeAfterMs('audit')).toContain(2 * day);
  expect(await purgeAfterMs('quarantine')).toEqual([3 * day]);
  expect(await purgeAfterMs('callback_attempts')).toEqual([5 * day]);
});
