import { describe, expect, test } from '@jest/globals';
import { callbackSecretsAnswer, newCallbackSecretAnswer, tenantAnswer } from '@juice/contracts';
import { dataOf, failureOf, startAdmin, type AdminClient } from '../testing/admin-client.ts';
import { seedInstantMs } from '../testing/api-fixture.ts';

const path = '/v1/admin/tenants/acme/callback-secrets';

async function create({ admin }: AdminClient, body?: object) {
  return dataOf(newCallbackSecretAnswer, await admin('post', path, body).expect(200));
}

async function list({ admin }: AdminClient) {
  return dataOf(callbackSecretsAnswer, await admin('get', path).expect(200)).callbackSecrets;
}

/** What signs at this moment, as the callback service will read it: ids, the operator's own among them. */
async function signers({ tenants }: AdminClient, afterMs: number): Promise<string[]> {
  const { secrets, operatorUntil } = await tenants.signingOf('acme');
  const nowMs = seedInstantMs + afterMs;
  const living = secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt.getTime() > nowMs);
  const isOperators = secrets.length === 0 || (operatorUntil?.getTime() ?? 0) > nowMs;
  return [...living.map(({ secretId }) => secretId), ...(isOperators ? ['operator'] : [])];
}

test('a secret is shown when it is made, is one of Standard Webhooks, and is never shown again', async () => {
  const client = startAdmin();
  const made = await create(client);
  expect(made).toEqual({
    secretId: expect.stringMatching(/^[0-9a-f]{16}$/),
    createdAt: '2016-12-08T07:58:29.000Z',
    secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
  });
  const { secret, ...facts } = made;
  expect(await list(client)).toEqual([facts]);
  const stored = await client.tenants.signingOf('acme');
  expect(stored.secrets).toMatchObject([{ secret, expiresAt: null }]);
  const everything = [
    await client.admin('get', '/v1/admin/tenants/acme'),
    await client.admin('get', '/v1/admin/audit'),
  ];
  for (const { text } of everything) expect(text).not.toContain(secret.slice(6));
});

test('the workers that sign are told of a secret that is made, and of one that is removed', async () => {
  const client = startAdmin();
  const told = {
    exchange: 'juice.commands',
    routingKey: 'command.tenant-changed',
    body: { v: 1, kind: 'tenant-changed', tenantIds: ['acme'] },
  };
  const { secretId } = await create(client);
  expect(client.published).toEqual([told]);
  await client.admin('delete', `${path}/${secretId}`).expect(200);
  expect(client.published).toEqual([told, told]);
  await client.admin('delete', `${path}/${secretId}`).expect(404);
  expect(client.published).toHaveLength(2);
});

describe('a rotation', () => {
  test('lets what signed before sign too until the overlap ends, the operator’s own included', async () => {
    const client = startAdmin();
    expect(await signers(client, 0)).toEqual(['operator']);
    const first = await create(client, { overlapSeconds: 100 });
    expect(await signers(client, 99_999)).toEqual([first.secretId, 'operator']);
    expect(await signers(client, 100_000)).toEqual([first.secretId]);
    client.advance(50_000);
    const second = await create(client, { overlapSeconds: 100 });
    expect(await signers(client, 50_000)).toEqual([second.secretId, first.secretId, 'operator']);
    expect(await signers(client, 100_000)).toEqual([second.secretId, first.secretId]);
    expect(await signers(client, 150_000)).toEqual([second.secretId]);
    expect(await list(client)).toMatchObject([
      { secretId: second.secretId },
      { secretId: first.secretId, expiresAt: '2016-12-08T08:00:59.000Z' },
    ]);
  });

  test('takes a day when nothing is said; and never prolongs what was to end sooner', async () => {
    const client = startAdmin();
    const first = await create(client);
    const second = await create(client, { overlapSeconds: 60 });
    const third = await create(client);
    expect(await signers(client, 59_999)).toEqual([third.secretId, second.secretId, first.secretId, 'operator']);
    expect(await signers(client, 60_000)).toEqual([third.secretId, second.secretId]);
    expect(await signers(client, 86_400_000)).toEqual([third.secretId]);
  });

  test('without overlap ends all others at once: the way out when one is known to others', async () => {
    const client = startAdmin();
    await create(client);
    await create(client);
    const last = await create(client, { overlapSeconds: 0 });
    expect(await signers(client, 0)).toEqual([last.secretId]);
    expect((await client.tenants.signingOf('acme')).secrets).toHaveLength(1);
  });

  test('forgets what has expired, and stops at ten that sign', async () => {
    const client = startAdmin();
    for (let n = 0; n < 10; n += 1) await create(client, { overlapSeconds: 60 });
    expect(failureOf(await client.admin('post', path).expect(409)).message).toContain('at most 10 callback secrets');
    expect(await list(client)).toHaveLength(10);
    client.advance(60_000);
    expect(await list(client)).toHaveLength(1);
    await create(client);
    expect((await client.tenants.signingOf('acme')).secrets).toHaveLength(2);
  });

  test('in the same instant as another one loses neither', async () => {
    const client = startAdmin();
    const made: string[] = [];
    client.tenants.beforeSave(async () => made.push((await create(client)).secretId));
    made.push((await create(client)).secretId);
    expect((await list(client)).map(({ secretId }) => secretId)).toEqual(made.toReversed());
  });

  test.each([
    [{ overlapSeconds: -1 }, 'overlapSeconds must be an integer from 0 to 604800, not -1'],
    [{ overlapSeconds: 604_801 }, 'overlapSeconds must be an integer from 0 to 604800'],
    [{ secret: 'whsec_mine' }, 'secret must be left out: the members here are overlapSeconds'],
  ])('%j is refused', async (body, says) => {
    const client = startAdmin();
    const response = await client.admin('post', path, body).expect(400);
    expect(failureOf(response).message).toContain(says);
    expect(response.text).not.toContain('whsec_mine');
    expect(await list(client)).toEqual([]);
  });
});

describe('a removal', () => {
  test('ends one that signs beside the current one', async () => {
    const client = startAdmin();
    const [first, second] = [await create(client), await create(client)];
    const left = await client.admin('delete', `${path}/${first.secretId}`).expect(200);
    expect(dataOf(callbackSecretsAnswer, left).callbackSecrets).toMatchObject([{ secretId: second.secretId }]);
    expect(await signers(client, 0)).toEqual([second.secretId, 'operator']);
  });

  test('of the current one is refused while others sign; of the last one gives back the operator’s', async () => {
    const client = startAdmin();
    const [first, second] = [await create(client), await create(client)];
    const failure = failureOf(await client.admin('delete', `${path}/${second.secretId}`).expect(409));
    expect(failure.message).toContain('make a new one first');
    await client.admin('delete', `${path}/${first.secretId}`).expect(200);
    await client.admin('delete', `${path}/${second.secretId}`).expect(200);
    expect(await list(client)).toEqual([]);
    expect(await signers(client, 0)).toEqual(['operator']);
    const tenant = dataOf(tenantAnswer, await client.admin('get', '/v1/admin/tenants/acme'));
    expect(tenant).toMatchObject({ version: 4, callbackSecrets: [] });
  });

  test('of one that is not there, or has expired', async () => {
    const client = startAdmin();
    const first = await create(client);
    await create(client, { overlapSeconds: 10 });
    client.advance(10_000);
    for (const id of [first.secretId, 'f'.repeat(16), '0']) await client.admin('delete', `${path}/${id}`).expect(404);
  });
});

test('a tenant that shows a key rotates its own secret, in its own name', async () => {
  const client = startAdmin();
  const { key, keyId } = await client.newKey('acme');
  await client.newKey('other');
  const response = await client.withKey(key, 'post', '/v1/tenant/callback-secrets', { overlapSeconds: 60 }).expect(200);
  const { secretId } = dataOf(newCallbackSecretAnswer, response);
  expect(await signers(client, 59_999)).toEqual([secretId, 'operator']);
  expect((await client.tenants.signingOf('other')).secrets).toEqual([]);
  expect(client.audits.records.at(-1)).toMatchObject({
    ...{ actor: keyId, action: 'callbackSecret.created', tenantId: 'acme', target: secretId, outcome: 'done' },
  });
});
