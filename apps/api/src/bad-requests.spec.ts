import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import request, { type Test } from 'supertest';
import { ErrorCode, failureAnswer, type ErrorCodeName } from '@juice/contracts';
import { startAdmin } from '../testing/admin-client.ts';
import { createApiFixture } from '../testing/api-fixture.ts';

// Requests that are wrong before their content is looked at: tenant, media type, size, JSON, ids, routes, methods.

const fixture = createApiFixture();
const valid = '{"taskName":"a","commands":"true"}';

afterEach(() => {
  expect(fixture.tasks.inserts).toEqual([]);
});

async function expectRefusal(sent: Test, status: number, code: ErrorCodeName, member: string): Promise<string> {
  const response = await sent.expect(status).expect('content-type', 'application/json; charset=utf-8');
  const answer = failureAnswer.parse(response.body);
  expect(answer.status).toBe(ErrorCode[code]);
  expect(answer.details?.[0]?.member).toBe(member);
  expect(answer.requestId).toBe(response.headers['x-request-id']);
  expect(response.text).not.toMatch(/ at .*\.ts|node_modules/);
  return answer.message;
}

const post = (path = '/v1/tasks'): Test => request(fixture.app).post(path).set('X-Tenant-Id', 't');
// Bodies go out as they are, buffers too.
const json = (): Test =>
  post()
    .set('Content-Type', 'application/json')
    .serialize((body: unknown) => body as string);

describe('the tenant', () => {
  const anonymous: readonly (readonly [string, () => Test])[] = [
    ['submit', () => request(fixture.app).post('/v1/tasks').set('Content-Type', 'application/json')],
    ['find', () => request(fixture.app).get('/v1/tasks?taskIds=1')],
    ['kill', () => request(fixture.app).post('/v1/tasks/kill?taskId=1')],
    ['reconcile', () => request(fixture.app).post('/v1/tasks/reconcile?taskIds=1')],
  ];

  test.each(anonymous)('%s wants one', async (_, send) => {
    await expectRefusal(send(), 400, 'OBJECT_NOT_NULL', 'X-Tenant-Id');
    await expectRefusal(send().set('X-Tenant-Id', '  '), 400, 'OBJECT_NOT_NULL', 'X-Tenant-Id');
  });

  test.each(['a b', '-a', '.', 'a/b', 'a*', '#', 'ä', 'x'.repeat(65), '10002, 10003'])('%j is none', async (tenant) => {
    const sent = request(fixture.app)
      .get('/v1/tasks?taskIds=1')
      .set('X-Tenant-Id', Buffer.from(tenant).toString('latin1'));
    await expectRefusal(sent, 400, 'OBJECT_NOT_EQUAL', 'X-Tenant-Id');
  });

  test.each(['10002', ' 10002 ', 'team-a.b_c:d@e', 'x'.repeat(64)])('%j is one', async (tenant) => {
    await request(fixture.app).get('/v1/tasks?taskIds=1').set('X-Tenant-Id', tenant).expect(200);
  });
});

describe('the body', () => {
  const unparsable: readonly (readonly [string, string | Buffer])[] = [
    ['empty', ''],
    ['blank', '  '],
    ['cut off', '{"taskName":"a"'],
    ['text', 'taskName=a'],
    ['a number', '5'],
    ['null', 'null'],
    ['a string', '"a"'],
    ['a list', `[${valid}]`],
    ['two objects', `${valid}${valid}`],
    ['with a trailing comma', '{"taskName":"a",}'],
    ['with NaN', '{"taskName":"a","retry":NaN}'],
    ['with a __proto__', '{"taskName":"a","commands":"true","__proto__":{"x":1}}'],
    ['with a __proto__ deep inside', '{"taskName":"a","commands":"true","x":[{"\\u005f_proto__":1}]}'],
    ['not UTF-8', Buffer.from('{"taskName":"\xff","commands":"true"}', 'latin1')],
    ['nested too deeply', `{"taskName":"a","commands":"true","x":${'['.repeat(40)}${']'.repeat(40)}}`],
    ['nested very deeply', `{"x":${'['.repeat(200_000)}`],
    ['nested very deeply, with an id', `{"id":12345678901234567890,"x":${'{"a":'.repeat(100_000)}`],
    ['of half a million lists', `[${'[],'.repeat(300_000)}1]`],
  ];

  test.each(unparsable)('%s', async (_, body) => {
    await expectRefusal(json().send(body), 400, 'PARSE', 'body');
  });

  test('is refused above a megabyte, packed or not', async () => {
    const large = `{"taskName":"a","commands":"${'x'.repeat(1_100_000)}"}`;
    const message = await expectRefusal(json().send(large), 413, 'BAD_REQUEST', 'body');
    expect(message).toContain('the body must be at most 1048576 bytes');
    await expectRefusal(json().set('Content-Encoding', 'gzip').send(gzipSync(large)), 413, 'BAD_REQUEST', 'body');
  });

  test('is refused when it is not packed as it says', async () => {
    await expectRefusal(json().set('Content-Encoding', 'gzip').send(Buffer.from(valid)), 400, 'BAD_REQUEST', 'body');
    const zip = json().set('Content-Encoding', 'zip').send(valid);
    const message = await expectRefusal(zip, 415, 'BAD_REQUEST', 'Content-Encoding');
    expect(message).toContain('must be gzip, deflate, br or identity, not "zip"');
  });

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/xml',
    'application/json-patch+json',
    'application/json; charset=gbk',
    'multipart/form-data; boundary=x',
    ';',
  ])('%s is no JSON', async (type) => {
    const message = await expectRefusal(
      post().set('Content-Type', type).send(valid),
      415,
      'BAD_REQUEST',
      'Content-Type',
    );
    expect(message).toContain('application/json');
  });
});

test.each([
  'application/json',
  'application/json; charset=UTF-8',
  'application/json;charset="utf-8"',
  'Application/JSON; foo=bar',
  undefined,
])('a body of type %s is taken', async (type) => {
  const { app, tasks } = createApiFixture();
  const sent = request(app).post('/v1/tasks').set('X-Tenant-Id', 't');
  if (type !== undefined) sent.set('Content-Type', type);
  sent.serialize((body: unknown) => String(body));
  // Without a type supertest would send its own.
  if (type === undefined) sent.on('request', ({ req }) => req?.removeHeader('content-type'));
  await sent.send(`\uFEFF${valid}`).expect(200);
  expect(tasks.stored.size).toBe(1);
});

describe('ids', () => {
  const get = (query: string): Test => request(fixture.app).get(`/v1/tasks${query}`).set('X-Tenant-Id', 't');

  test.each(['', '?', '?taskIds', '?taskIds=', '?taskIds=%20', '?taskId=1', '?taskIds[]=1', '?taskids=1'])(
    'none in %j',
    async (query) => {
      await expectRefusal(get(query), 400, 'OBJECT_NOT_NULL', 'taskIds');
    },
  );

  test.each([
    'abc',
    '1,abc',
    '1,,2',
    ',1',
    '1,',
    '1;2',
    '0',
    '-1',
    '1.5',
    '1e3',
    '0x10',
    '9223372036854775808',
    '1'.repeat(400),
    'null',
    '%00',
    '%zz',
    '%E0%A4%A',
    '%F0%9F%98%80',
    '１',
  ])('%j is no list of ids', async (ids) => {
    await expectRefusal(get(`?taskIds=${encodeURI(ids).replaceAll('%25', '%')}`), 400, 'DATA_FORMAT', 'taskIds');
  });

  test('a path that is not percent-encoded UTF-8', async () => {
    const message = await expectRefusal(
      request(fixture.app).get('/v1/tasks/%ff').set('X-Tenant-Id', 't'),
      400,
      'BAD_REQUEST',
      'path',
    );
    expect(message).toContain('the path must be percent-encoded UTF-8');
  });

  test('twice the parameter, or too many ids', async () => {
    await expectRefusal(get('?taskIds=1&taskIds=2'), 400, 'BAD_REQUEST', 'taskIds');
    const ids = Array.from({ length: 1001 }, (_, n) => n + 1).join(',');
    await expectRefusal(get(`?taskIds=${ids}`), 400, 'BAD_REQUEST', 'taskIds');
  });

  test.each(['', '?taskId=', '?id=1'])('none to kill in %j', async (query) => {
    await expectRefusal(post(`/v1/tasks/kill${query}`), 400, 'OBJECT_NOT_NULL', 'taskId');
  });

  test.each(['x', '1,2', '-1', '9223372036854775808'])('nothing to kill in %j', async (id) => {
    await expectRefusal(post(`/v1/tasks/kill?taskId=${id}`), 400, 'DATA_FORMAT', 'taskId');
    await expectRefusal(post(`/v1/tasks/reconcile?taskIds=${id.replace(',', ',,')}`), 400, 'DATA_FORMAT', 'taskIds');
  });

  test('an unknown one cannot be killed', async () => {
    await expectRefusal(post('/v1/tasks/kill?taskId=9223372036854775807'), 400, 'NO_RECORD', 'taskId');
  });
});

test.each([
  ...['/v1/tasks/1', '/v1/tasks/1/why', '/v1/tenant', '/v1/callbacks/1_2', '/v1/callbacks/1/explain'],
  ...['/v1/callbacks/replays/x', '/v1/admin/callbacks/1', '/v1/admin/queue', '/v1/admin/status', '/v1/admin/switches'],
  ...[
    '/v1/admin/tenants/t',
    '/v1/admin/tenants/t/keys',
    '/v1/admin/tenants/t/callback-secrets',
    '/v1/admin/admin-keys',
  ],
])('GET %s has no parameters, and says so to who gives one', async (path) => {
  const { admin } = startAdmin({ auth: 'header' });
  const sent = admin('get', `${path}?limit=5`).set('X-Tenant-Id', 't');
  expect(await expectRefusal(sent, 400, 'OBJECT_NOT_EQUAL', 'limit')).toContain('limit must be left out');
});

// Who asks for a dry run where there is none must not act.
test.each([
  ['post', '/v1/tasks/batch'],
  ['post', '/v1/tasks/1/rerun'],
  ['post', '/v1/tenant/callback-secrets'],
  ['post', '/v1/callbacks/replays'],
  ['post', '/v1/callbacks/replays/x/cancel'],
  ['post', '/v1/callbacks/endpoints/pause'],
  ['post', '/v1/callbacks/test'],
  ['post', '/v1/admin/callbacks/replays'],
  ['post', '/v1/admin/tenants/t/keys'],
  ['post', '/v1/admin/tenants/t/keys/k/rotate'],
  ['delete', '/v1/admin/keys/k'],
  ['post', '/v1/admin/admin-keys'],
  ['delete', '/v1/admin/admin-keys/k'],
  ['put', '/v1/admin/tenants/t'],
  ['patch', '/v1/admin/tenants/t'],
  ['delete', '/v1/admin/tenants/t'],
  ['post', '/v1/admin/tenants/t/callback-secrets'],
  ['delete', '/v1/admin/tenants/t/callback-secrets/s'],
  ['put', '/v1/admin/switches/stop-intake'],
  ['post', '/v1/admin/poison/redrive'],
] as const)('%s %s takes nothing in its query', async (method, path) => {
  const { admin } = startAdmin({ auth: 'header' });
  const sent = admin(method, `${path}?dryRun=true`, method === 'delete' ? undefined : {}).set('X-Tenant-Id', 't');
  expect(await expectRefusal(sent, 400, 'OBJECT_NOT_EQUAL', 'dryRun')).toContain('dryRun must be left out');
});

describe('routes and methods', () => {
  test.each([
    '/',
    '/v1',
    '/v2/tasks',
    '/v1/tasks/5/nothing',
    '/v1/tasks/kill/5',
    '/favicon.ico',
    '/%zz',
    '/..%2f..%2fetc',
    '//v1//tasks',
  ])('there is no %s', async (path) => {
    await expectRefusal(request(fixture.app).get(path), 404, 'BAD_REQUEST', 'path');
  });

  test.each([
    ['put', '/v1/tasks', 'GET, HEAD, POST'],
    ['delete', '/v1/tasks', 'GET, HEAD, POST'],
    ['options', '/v1/tasks', 'GET, HEAD, POST'],
    ['get', '/v1/tasks/kill', 'POST'],
    ['patch', '/v1/tasks/reconcile', 'POST'],
    ['post', '/readyz', 'GET, HEAD'],
  ] as const)('%s is not for %s', async (method, path, allow) => {
    const sent = request(fixture.app)[method](path);
    await expectRefusal(sent.expect('allow', allow), 405, 'BAD_REQUEST', 'method');
  });
});
