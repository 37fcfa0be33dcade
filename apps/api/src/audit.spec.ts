import { describe, expect, test } from '@jest/globals';
import { auditAnswer, ErrorCode } from '@juice/contracts';
import { dataOf, failureOf, startAdmin, type AdminClient } from '../testing/admin-client.ts';

const tenant = '/v1/admin/tenants/acme';

async function trail({ admin }: AdminClient, query = '') {
  return dataOf(auditAnswer, await admin('get', `/v1/admin/audit${query}`).expect(200));
}

test('every action is told: who, what, of whom, with what, and what came of it', async () => {
  const client = startAdmin();
  await client.admin('put', tenant, { weight: 2 }).set('X-Request-Id', 'change-42').expect(200);
  await client.admin('patch', tenant, { weight: 3 }).expect(428);
  const key = await client.newKey('acme', { name: 'ci' });
  const adminKey = await client.newKey(null, { expiresInSeconds: 60 });
  const rotated = await client.withKey(adminKey.key, 'post', `${tenant}/keys/${key.keyId}/rotate`).expect(200);
  const next = (rotated.body as { data: { keyId: string } }).data.keyId;
  await client.admin('delete', `/v1/admin/keys/${key.keyId}`).expect(200);
  await client.admin('delete', '/v1/admin/keys/nothing').expect(404);
  const made = await client.admin('post', `${tenant}/callback-secrets`).expect(200);
  const { secretId } = (made.body as { data: { secretId: string } }).data;
  await client.admin('delete', `${tenant}/callback-secrets/${secretId}`).expect(200);
  await client.admin('delete', tenant).expect(200);

  const by = { at: '2016-12-08T07:58:29.000Z', actor: 'bootstrap', requestId: 'request-1' };
  const acme = { ...by, tenantId: 'acme', outcome: 'done' };
  const known = { auditId: expect.any(String), remoteAddress: expect.stringMatching(/127\.0\.0\.1$/) };
  const expected = [
    { ...acme, action: 'tenant.reset', target: 'acme', detail: { version: 4 } },
    { ...acme, action: 'callbackSecret.removed', target: secretId, detail: {} },
    { ...acme, action: 'callbackSecret.created', target: secretId, detail: { overlapSeconds: 86_400 } },
    {
      ...{ ...by, action: 'key.revoked', target: 'nothing', outcome: 'refused' },
      detail: { why: expect.stringContaining('there is none with "nothing"') },
    },
    { ...acme, action: 'key.revoked', target: key.keyId, detail: {} },
    {
      ...{ ...acme, actor: adminKey.keyId, action: 'key.rotated', target: key.keyId },
      detail: { name: null, expiresAt: null, newKeyId: next, overlapSeconds: 86_400 },
    },
    {
      ...{ ...by, outcome: 'done', action: 'key.created', target: adminKey.keyId },
      detail: { name: null, expiresAt: '2016-12-08T07:59:29.000Z' },
    },
    { ...acme, action: 'key.created', target: key.keyId, detail: { name: 'ci', expiresAt: null } },
    {
      ...{ ...acme, action: 'tenant.changed', target: 'acme', outcome: 'refused' },
      detail: { kind: 'merge', given: { weight: 3 }, why: expect.stringContaining('If-Match must be given') },
    },
    {
      ...{ ...acme, requestId: 'change-42', action: 'tenant.changed', target: 'acme' },
      detail: { kind: 'replace', given: { weight: 2 }, version: 1 },
    },
  ];
  expect((await trail(client)).records).toEqual(expected.map((record) => ({ ...known, ...record })));
});

describe('the trail', () => {
  test('is searched by tenant, actor, action and time, page by page', async () => {
    const client = startAdmin();
    const { keyId, key } = await client.newKey(null);
    client.advance(1000);
    await client.withKey(key, 'put', tenant, {}).expect(200);
    client.advance(1000);
    await client.admin('put', '/v1/admin/tenants/other', {}).expect(200);
    const found = async (query: string) => {
      const { records, nextCursor } = await trail(client, query);
      return [...records.map(({ target }) => target), ...(nextCursor === undefined ? [] : ['…'])];
    };
    expect(await found('')).toEqual(['other', 'acme', keyId]);
    expect(await found('?tenant=acme')).toEqual(['acme']);
    expect(await found(`?actor=${keyId}`)).toEqual(['acme']);
    expect(await found('?actor=bootstrap&action=tenant.changed')).toEqual(['other']);
    expect(await found('?since=2016-12-08T07:58:30Z')).toEqual(['other', 'acme']);
    expect(await found('?since=2016-12-08T15:58:31%2B08:00')).toEqual(['other']);
    expect(await found('?limit=2')).toEqual(['other', 'acme', '…']);
    const { nextCursor } = await trail(client, '?limit=2');
    expect(await found(`?limit=2&cursor=${nextCursor}`)).toEqual([keyId]);
  });

  test.each([
    ['since=yesterday', 'since must be an instant, such as 2026-01-31T00:00:00Z, not "yesterday"'],
    ['action=key.stolen', 'action must be one of tenant.changed, '],
    ['tenant=a%20b', 'tenant must be 1 to 64 letters'],
    ['tennant=acme', 'tennant must be left out: the members here are tenant, actor, action, since, cursor, limit'],
    ['limit=5000', 'limit must be an integer from 1 to 1000, not "5000"'],
    ['cursor=%7B%7D', 'cursor must be nextCursor of the page before'],
  ])('?%s is refused', async (query, says) => {
    const response = await startAdmin().admin('get', `/v1/admin/audit?${query}`).expect(400);
    expect(failureOf(response).message).toContain(says);
  });

  test('looking is no action', async () => {
    const client = startAdmin();
    for (const path of ['/v1/admin/tenants', tenant, `${tenant}/keys`, '/v1/admin/admin-keys', '/v1/admin/audit'])
      await client.admin('get', path).expect(200);
    expect((await trail(client)).records).toEqual([]);
  });
});

describe('while the trail cannot be written', () => {
  const actions = [
    ['put', tenant],
    ['delete', tenant],
    ['post', `${tenant}/keys`],
    ['post', `${tenant}/callback-secrets`],
    ['post', '/v1/admin/admin-keys'],
  ] as const;

  test.each(actions)('%s %s: without its intent it is not begun', async (method, path) => {
    const client = startAdmin();
    client.audits.setFailing('begin');
    const response = await client.admin(method, path, method === 'put' ? { weight: 2 } : undefined).expect(503);
    expect(failureOf(response).status).toBe(ErrorCode.DATA_ACCESS);
    expect(await client.tenants.loadTenant('acme')).toMatchObject({ version: 0 });
    expect(client.keys.stored.size).toBe(0);
    expect(client.published).toEqual([]);
  });

  test.each(actions)(
    '%s %s: without its outcome it is not told as done, and its intent remains',
    async (method, path) => {
      const client = startAdmin();
      client.audits.setFailing('end');
      const response = await client.admin(method, path, method === 'put' ? { weight: 2 } : undefined).expect(503);
      expect(failureOf(response).message).toContain('may or may not be stored');
      expect(response.text).not.toMatch(/jk_|whsec_/);
      expect(client.audits.records).toMatchObject([{ outcome: 'begun' }]);
    },
  );

  test('an action whose own write fails stays begun', async () => {
    const client = startAdmin();
    client.tenants.setDown(true);
    await client.admin('put', tenant, { weight: 2 }).expect(503);
    expect(client.audits.records).toMatchObject([{ action: 'tenant.changed', outcome: 'begun' }]);
  });
});
