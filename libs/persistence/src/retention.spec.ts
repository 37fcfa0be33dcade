import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import {
  connectMongo,
  createAuditStore,
  createEndpointStore,
  createKeyStore,
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
