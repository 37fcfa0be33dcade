import { describe, expect, test } from '@jest/globals';
import { ErrorCode, keyFacts, keysAnswer, newKeyAnswer, type KeyFacts } from '@juice/contracts';
import { dataOf, failureOf, startAdmin, type AdminClient } from '../testing/admin-client.ts';

const owners = [
  ['a tenant', 'acme', '/v1/admin/tenants/acme/keys', '/v1/admin/keys'],
  ['an admin', null, '/v1/admin/admin-keys', '/v1/admin/admin-keys'],
] as const;

const at = '2016-12-08T07:58:29.000Z';

describe.each(owners)('keys of %s', (_, owner, path, revoking) => {
  const own = owner === null ? {} : { tenantId: owner };
  const probe = owner === null ? '/v1/admin/audit' : '/v1/tenant';
  const opens = async ({ withKey }: AdminClient, key: string): Promise<boolean> =>
    (await withKey(key, 'get', probe)).status === 200;
  const list = async ({ admin }: AdminClient): Promise<KeyFacts[]> =>
    dataOf(keysAnswer, await admin('get', path).expect(200)).keys;

  test('are shown whole when they are made, and never again', async () => {
    const client = startAdmin();
    const made = await client.newKey(owner, { name: 'ci', expiresInSeconds: 3600 });
    const { key, ...facts } = made;
    expect(key).toBe(`jk_${made.keyId}_${key.slice(20)}`);
    expect(facts).toEqual({
      ...{ keyId: made.keyId, ...own, name: 'ci', state: 'active', createdAt: at, createdBy: 'bootstrap' },
      expiresAt: '2016-12-08T08:58:29.000Z',
    });
    expect(await list(client)).toEqual([facts]);
    expect(JSON.stringify([await list(client), [...client.keys.stored]])).not.toContain(key.slice(20));
    expect(await opens(client, key)).toBe(true);
  });

  test('may be several; a key made by a key says by which', async () => {
    const client = startAdmin();
    const first = await client.newKey(owner);
    client.advance(1000);
    const admin = owner === null ? first : await client.newKey(null);
    const second = dataOf(newKeyAnswer, await client.withKey(admin.key, 'post', path).expect(200));
    expect(second).toMatchObject({ ...own, createdBy: admin.keyId, state: 'active' });
    expect(second.key).not.toBe(first.key);
    expect((await list(client)).map(({ keyId }) => keyId)).toEqual([second.keyId, first.keyId]);
    expect([await opens(client, first.key), await opens(client, second.key)]).toEqual([true, true]);
  });

  test('are revoked at once here, for good, and stay listed', async () => {
    const client = startAdmin();
    const { key, keyId } = await client.newKey(owner);
    expect(await opens(client, key)).toBe(true);
    const revoke = async () => dataOf(keyFacts, await client.admin('delete', `${revoking}/${keyId}`).expect(200));
    const revoked = await revoke();
    expect(revoked).toMatchObject({ keyId, ...own, state: 'revoked', revokedAt: at });
    expect(await opens(client, key)).toBe(false);
    client.advance(1000);
    expect(await revoke()).toEqual(revoked);
    expect(await list(client)).toEqual([revoked]);
  });

  test('are rotated: the old one goes on until the overlap ends', async () => {
    const client = startAdmin();
    const old = await client.newKey(owner);
    const rotate = `${path}/${old.keyId}/rotate`;
    const rotated = dataOf(newKeyAnswer, await client.admin('post', rotate, { name: 'next', overlapSeconds: 60 }));
    expect(rotated).toMatchObject({
      ...{ ...own, name: 'next', state: 'active' },
      replaced: { keyId: old.keyId, state: 'active', expiresAt: '2016-12-08T07:59:29.000Z' },
    });
    expect(rotated.expiresAt).toBeUndefined();
    client.advance(59_999);
    expect([await opens(client, old.key), await opens(client, rotated.key)]).toEqual([true, true]);
    client.advance(1);
    expect([await opens(client, old.key), await opens(client, rotated.key)]).toEqual([false, true]);
    expect((await list(client)).map(({ state }) => state)).toEqual(['active', 'expired']);
    const late = await client.admin('post', rotate).expect(409);
    expect(failureOf(late).message).toContain('this one has expired; make a new one');
  });

  test('are rotated within a day when nothing is said, at once when it is, and never later than they end', async () => {
    const client = startAdmin();
    const expiry = async (body: object | undefined, made: object): Promise<string | undefined> => {
      const { keyId } = await client.newKey(owner, made);
      const sent = await client.admin('post', `${path}/${keyId}/rotate`, body).expect(200);
      return dataOf(newKeyAnswer, sent).replaced?.expiresAt;
    };
    expect(await expiry(undefined, {})).toBe('2016-12-09T07:58:29.000Z');
    expect(await expiry({ overlapSeconds: 0 }, {})).toBe(at);
    expect(await expiry({ overlapSeconds: 600 }, { expiresInSeconds: 60 })).toBe('2016-12-08T07:59:29.000Z');
  });

  test('that are not there cannot be rotated or revoked, nor can those of others', async () => {
    const client = startAdmin();
    const others = [await client.newKey(owner === null ? 'acme' : null), await client.newKey('other')];
    const ids = [others[0]?.keyId, ...(owner === null ? [others[1]?.keyId] : []), 'f'.repeat(16), '%24ne', 'x'];
    for (const keyId of ids) {
      const failure = failureOf(await client.admin('delete', `${revoking}/${keyId}`).expect(404));
      expect(failure).toMatchObject({ status: ErrorCode.NO_RECORD, details: [{ member: 'keyId' }] });
    }
    for (const { keyId } of others) await client.admin('post', `${path}/${keyId}/rotate`).expect(404);
    expect([...client.keys.stored.values()].filter((key) => key.revokedAt ?? key.expiresAt)).toEqual([]);
    expect(await list(client)).toEqual([]);
  });

  test('are at most a hundred that work', async () => {
    const client = startAdmin();
    const made = [];
    for (let n = 0; n < 100; n += 1) made.push(await client.newKey(owner));
    const failure = failureOf(await client.admin('post', path).expect(409));
    expect(failure.message).toContain('at most 100 keys that work');
    await client.admin('post', `${path}/${made[0]?.keyId}/rotate`).expect(409);
    await client.admin('delete', `${revoking}/${made[0]?.keyId}`).expect(200);
    await client.newKey(owner);
    expect(await list(client)).toHaveLength(101);
  });

  test.each([
    [{ name: ' ' }, 'name must be a name of at most 200 characters, not blank'],
    [{ expiresInSeconds: 1 }, 'expiresInSeconds must be an integer from 60 to 315360000, not 1'],
    [{ expiresAt: at }, 'expiresAt must be left out: the members here are name, expiresInSeconds'],
    [{ scope: 'admin' }, 'scope must be left out'],
  ])('are not made of %j', async (body, says) => {
    const client = startAdmin();
    expect(failureOf(await client.admin('post', path, body).expect(400)).message).toContain(says);
    const { keyId } = await client.newKey(owner);
    expect(failureOf(await client.admin('post', `${path}/${keyId}/rotate`, body).expect(400)).message).toContain(
      says.replace(/name, expiresInSeconds$/, 'name, expiresInSeconds, overlapSeconds'),
    );
    expect(await list(client)).toHaveLength(1);
  });
});

test('a crash between the two writes of a rotation leaves both keys working', async () => {
  const client = startAdmin();
  const old = await client.newKey('acme');
  client.keys.expireKey = () => Promise.reject(new Error('the process ends'));
  await client.admin('post', `/v1/admin/tenants/acme/keys/${old.keyId}/rotate`).expect(500);
  await client.withKey(old.key, 'get', '/v1/tenant').expect(200);
  expect([...client.keys.stored.values()].map(({ expiresAt }) => expiresAt)).toEqual([null, null]);
  expect(client.audits.records.at(-1)).toMatchObject({ action: 'key.rotated', outcome: 'begun' });
});

test('when a key was last used is told to the minute', async () => {
  const client = startAdmin();
  const { key } = await client.newKey('acme');
  const lastUsed = async () => {
    const { keys } = dataOf(keysAnswer, await client.admin('get', '/v1/admin/tenants/acme/keys'));
    return keys[0]?.lastUsedAt;
  };
  expect(await lastUsed()).toBeUndefined();
  for (const expected of ['07:58:29', '07:58:29', '07:59:29']) {
    await client.withKey(key, 'get', '/v1/tenant').expect(200);
    expect(await lastUsed()).toBe(`2016-12-08T${expected}.000Z`);
    client.advance(30_000);
  }
});
