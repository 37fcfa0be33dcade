import { describe, expect, test } from '@jest/globals';
import request, { type Test } from 'supertest';
import { ErrorCode, ownTenantAnswer, parseExactJson, type TaskId } from '@juice/contracts';
import { adminKey, dataOf, failureOf, startAdmin } from '../testing/admin-client.ts';
import { createApiFixture } from '../testing/api-fixture.ts';
import { keyMemoryMs } from './verify-key.ts';

// Who is let in, and who is not.

const task = { taskName: 'a', commands: 'true' };
const unknownKey = `jk_${'0'.repeat(16)}_${'0'.repeat(64)}`;

async function expectRefused(sent: Test, status: 401 | 403, says: string): Promise<void> {
  const response = await sent.expect(status);
  const failure = failureOf(response);
  expect(failure.status).toBe(ErrorCode.NO_PERMISSION);
  expect(failure.message).toContain(says);
  expect(response.headers['www-authenticate']).toBe(status === 401 ? 'Bearer' : undefined);
}

async function submittedId(sent: Test): Promise<TaskId> {
  const { data } = parseExactJson((await sent.expect(200)).text) as { data: { taskId: TaskId } };
  return data.taskId;
}

describe('where tenants show keys', () => {
  const routes: readonly (readonly ['get' | 'post', string])[] = [
    ['post', '/v1/tasks'],
    ['get', '/v1/tasks?taskIds=1'],
    ['post', '/v1/tasks/kill?taskId=1'],
    ['post', '/v1/tasks/reconcile?taskIds=1'],
    ['get', '/v1/events'],
    ['get', '/v1/tasks/1/events'],
    ['get', '/v1/tenant'],
    ['post', '/v1/tenant/callback-secrets'],
  ];

  test.each(routes)('%s %s is closed to whoever has none that works', async (method, path) => {
    const { app, tasks, keys, newKey, admin } = startAdmin();
    const send = (authorization?: string): Test => {
      const sent = request(app)[method](path).set('X-Tenant-Id', 'acme');
      return authorization === undefined ? sent : sent.set('Authorization', authorization);
    };
    const { key, keyId } = await newKey('acme');
    await expectRefused(send(), 401, 'header Authorization must be Bearer and an API key of the tenant');
    await expectRefused(send(key), 401, 'must be Bearer and an API key of the tenant');
    await expectRefused(send(`Basic ${key}`), 401, 'must be Bearer and an API key of the tenant');
    await expectRefused(send(`Bearer ${key} x`), 401, 'must be Bearer and an API key of the tenant');
    await expectRefused(send(`Bearer ${key}x`), 401, 'jk_, its id, _ and its secret');
    await expectRefused(send(`Bearer ${unknownKey}`), 401, 'an API key that is known here');
    await expectRefused(send(`Bearer ${key.slice(0, -1)}x`), 401, 'jk_');
    await expectRefused(send(`Bearer ${adminKey}`), 403, 'must carry a key of a tenant');
    await expectRefused(send(`Bearer ${(await newKey(null)).key}`), 403, 'must carry a key of a tenant');
    await expectRefused(send(`Bearer ${(await newKey('other')).key}`), 403, 'X-Tenant-Id must be other');
    await admin('delete', `/v1/admin/keys/${keyId}`).expect(200);
    await expectRefused(send(`Bearer ${key}`), 401, 'this one was revoked');
    expect(tasks.inserts).toEqual([]);
    expect(
      [...keys.stored.values()].some(({ lastUsedAt, tenantId }) => lastUsedAt !== null && tenantId === 'acme'),
    ).toBe(false);
  });

  test('the key decides the tenant; the header may agree, or be left out', async () => {
    const { app, newKey, answered, tasks } = startAdmin();
    const { key, keyId } = await newKey('acme');
    const submit = () => request(app).post('/v1/tasks').set('Authorization', `bearer  ${key}`).send(task);
    await submit().expect(200);
    await submit().set('X-Tenant-Id', ' acme ').expect(200);
    await submit().set('X-Tenant-Id', '').expect(200);
    const response = await submit().set('X-Tenant-Id', 'other').expect(403);
    expect(failureOf(response).details).toMatchObject([{ member: 'X-Tenant-Id', value: '"other"' }]);
    expect([...tasks.stored.values()].map(({ tenantId }) => tenantId)).toEqual(['acme', 'acme', 'acme']);
    expect(answered.at(-2)).toMatchObject({ tenantId: 'acme', keyId, outcome: 'ok' });
  });

  test('of two tenants, each sees and ends its own tasks alone', async () => {
    const { withKey, newKey } = startAdmin();
    const [acme, other] = [(await newKey('acme')).key, (await newKey('other')).key];
    const taskId = await submittedId(withKey(acme, 'post', '/v1/tasks', task));
    const find = async (key: string) => (await withKey(key, 'get', `/v1/tasks?taskIds=${taskId}`).expect(200)).body;
    expect(await find(acme)).toMatchObject({ data: [{ tenantId: 'acme' }] });
    expect(await find(other)).toMatchObject({ data: [] });
    const kill = await withKey(other, 'post', `/v1/tasks/kill?taskId=${taskId}`).expect(400);
    expect(failureOf(kill).status).toBe(ErrorCode.NO_RECORD);
    const asked = await withKey(other, 'post', `/v1/tasks/reconcile?taskIds=${taskId}`).expect(200);
    expect(asked.body).toMatchObject({
      data: { reconcile: 0, reconciles: [{ message: 'no such task of this tenant' }] },
    });
    expect(dataOf(ownTenantAnswer, await withKey(other, 'get', '/v1/tenant')).tenantId).toBe('other');
    expect(await find(acme)).toMatchObject({ data: [{ taskStatus: -1 }] });
  });

  test('a key expires in the midst of its use', async () => {
    const { withKey, newKey, advance } = startAdmin();
    const { key } = await newKey('acme', { expiresInSeconds: 60 });
    await withKey(key, 'get', '/v1/tenant').expect(200);
    advance(60_000);
    await expectRefused(withKey(key, 'get', '/v1/tenant'), 401, 'this one has expired');
  });

  test('no part of a key is in an answer, or in what is logged', async () => {
    const { withKey, newKey, answered, audits } = startAdmin();
    const { key } = await newKey('acme');
    const secret = key.slice(20);
    const garbled = await withKey(`${key}!`, 'get', '/v1/tenant').expect(401);
    const listed = await withKey(adminKey, 'get', '/v1/admin/tenants/acme/keys').expect(200);
    await withKey(key, 'get', '/v1/tenant').expect(200);
    for (const told of [garbled.text, listed.text, JSON.stringify(answered), JSON.stringify(audits.records)]) {
      expect(told).not.toContain(secret);
      expect(told).not.toContain(adminKey);
    }
  });

  test('while the store is away, keys cannot be judged: 503, not 401', async () => {
    const { withKey, newKey, keys, advance, setStoreKnownDown } = startAdmin();
    const { key } = await newKey('acme');
    keys.setDown(true);
    const response = await withKey(key, 'get', '/v1/tenant').expect(503).expect('retry-after', '5');
    expect(failureOf(response).status).toBe(ErrorCode.DATA_ACCESS);
    keys.setDown(false);
    await withKey(key, 'get', '/v1/tenant').expect(200);
    advance(keyMemoryMs);
    setStoreKnownDown();
    await withKey(key, 'get', '/v1/tenant').expect(503);
    expect(keys.lookups).toHaveLength(1);
  });
});

describe('where X-Tenant-Id is believed', () => {
  test('it alone decides, whatever else is sent', async () => {
    const { app, tasks } = createApiFixture();
    await request(app).post('/v1/tasks').set('X-Tenant-Id', 'acme').set('Authorization', 'Basic eDp5').send(task);
    expect([...tasks.stored.values()].map(({ tenantId }) => tenantId)).toEqual(['acme']);
  });

  test('a tenant cannot make itself a callback secret', async () => {
    const { app, tenants } = createApiFixture();
    const sent = request(app).post('/v1/tenant/callback-secrets').set('X-Tenant-Id', 'acme');
    await expectRefused(sent, 403, 'JUICE_AUTH=api-key');
    expect(await tenants.signingOf('acme')).toEqual({ secrets: [], operatorUntil: null });
  });
});

describe.each(['header', 'api-key'] as const)('the routes of admins, with JUICE_AUTH=%s', (auth) => {
  const routes: readonly (readonly ['get' | 'put' | 'patch' | 'post' | 'delete', string])[] = [
    ['get', '/v1/admin/tenants'],
    ['get', '/v1/admin/tenants/acme'],
    ['put', '/v1/admin/tenants/acme'],
    ['patch', '/v1/admin/tenants/acme'],
    ['delete', '/v1/admin/tenants/acme'],
    ['get', '/v1/admin/tenants/acme/keys'],
    ['post', '/v1/admin/tenants/acme/keys'],
    ['post', '/v1/admin/tenants/acme/keys/k/rotate'],
    ['get', '/v1/admin/tenants/acme/callback-secrets'],
    ['post', '/v1/admin/tenants/acme/callback-secrets'],
    ['delete', '/v1/admin/tenants/acme/callback-secrets/s'],
    ['delete', '/v1/admin/keys/k'],
    ['get', '/v1/admin/admin-keys'],
    ['post', '/v1/admin/admin-keys'],
    ['delete', '/v1/admin/admin-keys/k'],
    ['post', '/v1/admin/admin-keys/k/rotate'],
    ['get', '/v1/admin/audit'],
  ];

  test.each(routes)('%s %s is closed to all but admins', async (method, path) => {
    const { app, withKey, newKey, audits } = startAdmin({ auth });
    const { key } = await newKey('acme');
    const begun = audits.records.length;
    await expectRefused(request(app)[method](path).set('X-Tenant-Id', 'acme'), 401, 'must be Bearer and an admin key');
    await expectRefused(withKey(unknownKey, method, path), 401, 'an API key that is known here');
    await expectRefused(withKey(`${adminKey}x`, method, path), 401, 'must carry an API key');
    await expectRefused(withKey(key, method, path), 403, 'must carry an admin key');
    expect(audits.records).toHaveLength(begun);
  });

  test('without any admin key they say what to set, to whoever asks', async () => {
    const { app, withKey } = startAdmin({ auth, adminKey: null });
    await expectRefused(request(app).get('/v1/admin/tenants'), 403, 'set JUICE_ADMIN_KEY to at least 32');
    await expectRefused(withKey(adminKey, 'post', '/v1/admin/admin-keys'), 403, 'set JUICE_ADMIN_KEY');
  });

  test('a stored admin key opens them, also when JUICE_ADMIN_KEY is gone', async () => {
    const { newKey, keys, withKey } = startAdmin({ auth });
    const { key, keyId } = await newKey(null, { name: 'on call' });
    await withKey(key, 'get', '/v1/admin/tenants').expect(200);
    const later = startAdmin({ auth, adminKey: null });
    for (const stored of keys.stored.values()) await later.keys.addKey(stored);
    await later.withKey(key, 'get', '/v1/admin/tenants').expect(200);
    await expectRefused(later.withKey(adminKey, 'get', '/v1/admin/tenants'), 401, 'jk_');
    await later.withKey(key, 'delete', `/v1/admin/admin-keys/${keyId}`).expect(200);
    await expectRefused(later.withKey(key, 'get', '/v1/admin/tenants'), 403, 'set JUICE_ADMIN_KEY');
  });
});
