import { describe, expect, test } from '@jest/globals';
import request, { type Test } from 'supertest';
import {
  commandMessage,
  defaultTenantSettings,
  ErrorCode,
  ownTenantAnswer,
  tenantAnswer,
  tenantsAnswer,
  type TenantAnswer,
} from '@juice/contracts';
import { dataOf, failureOf, startAdmin, type AdminClient } from '../testing/admin-client.ts';
import { bounds } from '../testing/api-fixture.ts';
import { parseMachinePolicy } from './machine-policy.ts';

const path = '/v1/admin/tenants/acme';
const settings = {
  name: 'Acme',
  weight: 2.5,
  quotas: { cpus: 10.5, memMb: 4096, gpus: 0, running: 5, waiting: 100, launchesPerSecond: 0.5 },
  requestsPerSecond: 20,
  burst: 40,
  callback: { events: 'terminal', scheduleSeconds: [0, 60] },
  policy: ['privileged', 'host-volumes=/data'],
  suspended: false,
};

async function show(client: AdminClient): Promise<TenantAnswer> {
  return dataOf(tenantAnswer, await client.admin('get', path).expect(200));
}

describe('a tenant’s settings', () => {
  test('are the defaults until somebody sets them', async () => {
    const client = startAdmin();
    const response = await client.admin('get', path).expect(200).expect('etag', '"0"');
    const expected = { tenantId: 'acme', ...defaultTenantSettings, callbackSecrets: [], version: 0 };
    expect(dataOf(tenantAnswer, response)).toEqual(expected);
  });

  test('are replaced as a whole by PUT, and changed in part by PATCH', async () => {
    const client = startAdmin();
    const put = await client.admin('put', path, settings).expect(200).expect('etag', '"1"');
    const at = '2016-12-08T07:58:29.000Z';
    const whole = { tenantId: 'acme', ...settings, callbackSecrets: [], version: 1, createdAt: at, updatedAt: at };
    expect(dataOf(tenantAnswer, put)).toEqual(whole);
    client.advance(1000);
    const change = { weight: 3, quotas: { cpus: null }, policy: null };
    const patched = await client.admin('patch', path, change).set('If-Match', '"1"').expect(200).expect('etag', '"2"');
    expect(dataOf(tenantAnswer, patched)).toEqual({
      ...whole,
      ...{ weight: 3, quotas: { ...settings.quotas, cpus: null }, policy: null, version: 2 },
      updatedAt: '2016-12-08T07:58:30.000Z',
    });
    const again = await client.admin('put', path, { weight: 4 }).set('If-Match', 'W/"2"').expect(200);
    expect(dataOf(tenantAnswer, again)).toMatchObject({ ...defaultTenantSettings, weight: 4, version: 3 });
  });

  test('can be sent back as they were answered', async () => {
    const client = startAdmin();
    await client.admin('put', path, settings).expect(200);
    await client.admin('post', `${path}/callback-secrets`).expect(200);
    const answer = await show(client);
    await client
      .admin('put', path, { ...answer, burst: 41 })
      .set('If-Match', '"2"')
      .expect(200);
    expect(await show(client)).toMatchObject({ ...settings, burst: 41, callbackSecrets: answer.callbackSecrets });
  });

  test('go back to the defaults by DELETE, which leaves keys and callback secrets', async () => {
    const client = startAdmin();
    const { key } = await client.newKey('acme');
    await client.admin('put', path, settings).expect(200);
    await client.admin('post', `${path}/callback-secrets`).expect(200);
    await client.admin('delete', path).set('If-Match', '"1"').expect(412);
    const reset = dataOf(tenantAnswer, await client.admin('delete', path).expect(200).expect('etag', '"3"'));
    expect(reset).toMatchObject({ ...defaultTenantSettings, callbackSecrets: [{ secretId: expect.any(String) }] });
    await client.withKey(key, 'get', '/v1/tenant').expect(200);
    await client.admin('delete', '/v1/admin/tenants/nobody').expect(200).expect('etag', '"0"');
  });
});

describe('two admins at once', () => {
  test('neither overwrites what the other has set without having seen it', async () => {
    const client = startAdmin();
    await client.admin('put', path, settings).expect(200);
    const blind = await client.admin('put', path, { weight: 9 }).expect(428);
    expect(failureOf(blind)).toMatchObject({
      status: ErrorCode.OBJECT_NOT_NULL,
      message: expect.stringContaining('header If-Match must be given, since the tenant is configured already: "1"'),
    });
    await client.admin('patch', path, { weight: 9 }).expect(428);
    const late = await client.admin('patch', path, { weight: 9 }).set('If-Match', '"0"').expect(412);
    expect(failureOf(late).message).toContain('header If-Match must be "1", the ETag of the tenant as it is now');
    expect(await show(client)).toMatchObject({ ...settings, version: 1 });
    await client.admin('patch', path, { weight: 9 }).set('If-Match', '*').expect(200);
    expect(await show(client)).toMatchObject({ weight: 9, version: 2 });
  });

  test('of two changes in the same instant the second is judged by what the first has made', async () => {
    const client = startAdmin();
    client.tenants.beforeSave(() => client.admin('put', path, settings).expect(200));
    await client.admin('put', path, { weight: 9 }).set('If-Match', '"0"').expect(412);
    expect(await show(client)).toMatchObject({ ...settings, version: 1 });
    client.tenants.beforeSave(() => client.admin('patch', path, { burst: 41 }).set('If-Match', '"1"').expect(200));
    await client.admin('patch', path, { weight: 9 }).set('If-Match', '*').expect(200);
    expect(await show(client)).toMatchObject({ ...settings, weight: 9, burst: 41, version: 3 });
  });

  test.each(['3', '"a"', '"1", "2"', '"-1"', 'null'])('If-Match: %s is refused', async (given) => {
    const client = startAdmin();
    const response = await client.admin('put', path, settings).set('If-Match', given).expect(400);
    expect(failureOf(response).details).toMatchObject([{ member: 'If-Match', code: ErrorCode.OBJECT_NOT_EQUAL }]);
    expect(await show(client)).toMatchObject({ version: 0 });
  });
});

describe('bad input', () => {
  const of = (method: 'put' | 'patch', body: object, at = path) => [method, body, at] as const;

  test.each([
    [...of('put', { wieght: 2 }), 'wieght', 'wieght must be left out: the members here are name, weight'],
    [...of('patch', { quotas: { cpu: 1 } }), 'quotas.cpu', 'quotas.cpu must be left out'],
    [...of('put', { weight: -1 }), 'weight', 'weight must be a number from 0.001 to 1000000000, not -1'],
    [...of('put', { weight: 1e300 }), 'weight', 'weight must be a number'],
    [...of('put', { quotas: { running: 'many' } }), 'quotas.running', 'must be an integer from 0'],
    [...of('put', { policy: ['all', 'everything'] }), 'policy[1]', 'policy[1] must be a word of a list of: all'],
    [...of('patch', { policy: ['host-volumes=data'] }), 'policy[0]', 'not "host-volumes=data"'],
    [...of('put', { callback: { scheduleSeconds: [1.5] } }), 'callback.scheduleSeconds[0]', 'must be an integer'],
    [...of('put', { suspended: 1 }), 'suspended', 'suspended must be true or false, not 1'],
    [...of('put', {}, '/v1/admin/tenants/-a'), 'tenantId', 'tenantId in the path must be 1 to 64 letters'],
    [...of('put', {}, `/v1/admin/tenants/${'x'.repeat(65)}`), 'tenantId', 'tenantId in the path'],
  ])('%s %j to %s', async (method, body, at, member, says) => {
    const client = startAdmin();
    const failure = failureOf(await client.admin(method, at, body).expect(400));
    expect(failure.details?.map((detail) => detail.member)).toEqual([member]);
    expect(failure.message).toContain(says);
    expect(client.audits.records).toEqual([]);
    expect(await show(client)).toMatchObject({ version: 0 });
  });

  test('every problem is told at once, and an unknown member’s value not at all', async () => {
    const client = startAdmin();
    const body = { weight: 0, burst: 0.5, [`${'x'.repeat(100)}`]: 'hunter2', policy: null };
    const response = await client.admin('put', path, body).expect(400);
    const members = failureOf(response).details?.map(({ member }) => member);
    expect(members).toEqual(['weight', 'burst', 'x'.repeat(64)]);
    expect(response.text).not.toContain('hunter2');
  });

  test.each<[string, (client: AdminClient) => Test, number]>([
    ['no body', ({ admin }) => admin('put', path), 400],
    ['a list', ({ admin }) => admin('put', path, []), 400],
    [
      'no JSON',
      ({ admin }) =>
        admin('patch', path)
          .type('application/json')
          .send('{' as unknown as object),
      400,
    ],
    [
      'another type',
      ({ admin }) =>
        admin('put', path)
          .type('text/plain')
          .send('x' as unknown as object),
      415,
    ],
    ['POST', ({ admin }) => admin('post', path, settings), 405],
  ])('%s', async (_, send, status) => {
    await send(startAdmin()).expect(status);
  });
});

describe('the list of tenants', () => {
  test('has those with settings or secrets of their own, page by page', async () => {
    const client = startAdmin();
    for (const id of ['b', 'a@x.y', 'c'])
      await client.admin('put', `/v1/admin/tenants/${id}`, { weight: 2 }).expect(200);
    await client.admin('post', '/v1/admin/tenants/d/callback-secrets').expect(200);
    await client.admin('delete', '/v1/admin/tenants/c').expect(200);
    const page = async (query: string) => {
      const answer = dataOf(tenantsAnswer, await client.admin('get', `/v1/admin/tenants?${query}`).expect(200));
      return { ids: answer.tenants.map(({ tenantId }) => tenantId), nextCursor: answer.nextCursor };
    };
    expect(await page('')).toEqual({ ids: ['a@x.y', 'b', 'd'], nextCursor: undefined });
    expect(await page('limit=2')).toEqual({ ids: ['a@x.y', 'b'], nextCursor: 'b' });
    expect(await page('limit=2&cursor=b')).toEqual({ ids: ['d'], nextCursor: undefined });
    expect(await page('limit=3')).toEqual({ ids: ['a@x.y', 'b', 'd'], nextCursor: undefined });
  });

  test.each(['limit=0', 'limit=1001', 'limit=x', 'limit=1&limit=2', 'cursor=', 'cursor=%20', 'page=2'])(
    '?%s is refused',
    async (query) => {
      const failure = failureOf(await startAdmin().admin('get', `/v1/admin/tenants?${query}`).expect(400));
      expect(failure.message).toContain(`${query.split('=')[0]} must be `);
    },
  );
});

describe('what is set takes effect', () => {
  const submit = ({ app }: AdminClient, body: object = {}) =>
    request(app)
      .post('/v1/tasks')
      .set('X-Tenant-Id', 'acme')
      .send({ taskName: 'a', commands: 'true', callbackUrl: 'http://a.test/', ...body });
  const container = { docker: { image: 'a', privileged: true } };

  test('the services are told of a change, and of nothing else', async () => {
    const client = startAdmin();
    await client.admin('get', path).expect(200);
    await client.admin('delete', path).expect(200);
    await client.admin('put', path, { policy: ['?'] }).expect(400);
    await client.newKey('acme');
    expect(client.published).toEqual([]);
    await client.admin('put', path, settings).expect(200);
    await client.admin('patch', path, { weight: 1 }).expect(428);
    await client.admin('patch', path, { weight: 1 }).set('If-Match', '*').expect(200);
    await client.admin('delete', path).expect(200);
    const told = { exchange: 'juice.commands', routingKey: 'command.tenant-changed' };
    const body = { v: 1, kind: 'tenant-changed', tenantIds: ['acme'] };
    expect(client.published).toEqual([1, 2, 3].map(() => ({ ...told, body })));
    expect(commandMessage.parse(client.published[0]?.body)).toEqual(body);
  });

  test('a broker that is away does not keep settings from being changed', async () => {
    const client = startAdmin();
    client.setBrokerDown(true);
    await client.admin('put', path, settings).expect(200);
    expect(client.warnings).toMatchObject([{ event: 'message.dropped', exchange: 'juice.commands' }]);
  });

  test('a suspended tenant submits nothing, and goes on otherwise', async () => {
    const client = startAdmin({ auth: 'header' });
    await submit(client).expect(200);
    await client.admin('put', path, { suspended: true }).expect(200);
    const failure = failureOf(await submit(client).expect(403));
    expect(failure).toMatchObject({
      status: ErrorCode.NO_PERMISSION,
      message: expect.stringContaining('is suspended'),
    });
    const [taskId] = client.tasks.stored.keys();
    const ask = (method: 'get' | 'post', at: string) => request(client.app)[method](at).set('X-Tenant-Id', 'acme');
    await ask('get', `/v1/tasks?taskIds=${taskId}`).expect(200);
    await ask('post', `/v1/tasks/kill?taskId=${taskId}`).expect(200);
    await client.admin('patch', path, { suspended: false }).set('If-Match', '*').expect(200);
    await submit(client).expect(200);
    expect(client.tasks.stored.size).toBe(2);
  });

  test('a tenant’s machine policy takes the place of the operator’s, in both directions', async () => {
    const policy = parseMachinePolicy(['privileged']) ?? undefined;
    const client = startAdmin({ auth: 'header', ...(policy !== undefined && { policy }) });
    await submit(client, { commands: null, container }).expect(200);
    await client.admin('put', path, { policy: [] }).expect(200);
    const failure = failureOf(await submit(client, { commands: null, container }).expect(400));
    expect(failure.details).toMatchObject([{ policy: 'privileged', member: 'container.docker.privileged' }]);
    const volumes = [{ containerPath: '/d', hostPath: '/data/acme' }];
    const mounting = { commands: null, container: { docker: { image: 'a' }, volumes } };
    await submit(client, mounting).expect(400);
    await client
      .admin('put', path, { policy: ['host-volumes=/data'] })
      .set('If-Match', '*')
      .expect(200);
    await submit(client, mounting).expect(200);
    await client.admin('delete', path).expect(200);
    await submit(client, { commands: null, container }).expect(200);
  });

  test('callbackEvents of tasks that name none', async () => {
    const client = startAdmin({ auth: 'header' });
    await client.admin('put', path, { callback: { events: 'terminal' } }).expect(200);
    await submit(client).expect(200);
    await submit(client, { callbackEvents: null }).expect(200);
    await submit(client, { callbackEvents: 'all' }).expect(200);
    const events = [...client.tasks.stored.values()].map(({ spec }) => spec.callbackEvents);
    expect(events).toEqual(['terminal', 'terminal', 'all']);
  });

  test('settings are read once in five seconds, not for each submission', async () => {
    const client = startAdmin({ auth: 'header' });
    for (const _ of [1, 2, 3]) await submit(client).expect(200);
    expect(client.tenants.loads).toEqual(['acme']);
    client.advance(5000);
    await submit(client).expect(200);
    expect(client.tenants.loads).toEqual(['acme', 'acme']);
  });

  test('settings that cannot be read: 503, and nothing is stored', async () => {
    const client = startAdmin({ auth: 'header' });
    client.tenants.setDown(true);
    await submit(client).expect(503).expect('retry-after', '5');
    expect(client.tasks.inserts).toEqual([]);
  });
});

test('a tenant sees what holds for it, and no secret', async () => {
  const client = startAdmin();
  const { key } = await client.newKey('acme');
  const show = async () => dataOf(ownTenantAnswer, await client.withKey(key, 'get', '/v1/tenant').expect(200));
  const { name: _, policy: __, ...defaults } = defaultTenantSettings;
  expect(await show()).toEqual({
    ...{ tenantId: 'acme', name: null, ...defaults, policy: [], callbackSecrets: [], limits: bounds },
  });
  await client.admin('put', path, settings).expect(200);
  await client.admin('post', `${path}/callback-secrets`).expect(200);
  const response = await client.withKey(key, 'get', '/v1/tenant').expect(200);
  expect(dataOf(ownTenantAnswer, response)).toMatchObject({
    ...{ ...settings, tenantId: 'acme', callbackSecrets: [{ secretId: expect.any(String) }] },
  });
  expect(response.text).not.toContain('whsec_');
});
