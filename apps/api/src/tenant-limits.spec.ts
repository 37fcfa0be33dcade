import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { ErrorCode, TaskState } from '@juice/contracts';
import { failureOf, startAdmin } from '../testing/admin-client.ts';
import { createApiFixture } from '../testing/api-fixture.ts';

const task = { taskName: 'a', commands: 'true' };

function start(settings: Parameters<typeof createApiFixture>[0]) {
  const fixture = createApiFixture(settings);
  const post = (path: string, body: object, tenant = 't') =>
    request(fixture.app).post(path).set('X-Tenant-Id', tenant).send(body);
  const get = (tenant = 't') => request(fixture.app).get('/v1/tasks?status=RUNNING').set('X-Tenant-Id', tenant);
  return { ...fixture, post, get, submit: (tenant = 't') => post('/v1/tasks', task, tenant) };
}

describe('requests of a tenant', () => {
  test('as many as its pace allows are answered and told what is left; more are 429 until it has waited', async () => {
    const { get, advance } = start({ tenants: { requestsPerSecond: 0.5, burst: 2 } });
    const first = await get().expect(200);
    expect(first.headers).toMatchObject({
      'ratelimit-policy': '2;w=4',
      'ratelimit-limit': '2',
      'ratelimit-remaining': '1',
      'ratelimit-reset': '2',
    });
    await get().expect(200).expect('ratelimit-remaining', '0');
    const refused = await get().expect(429).expect('retry-after', '2').expect('ratelimit-remaining', '0');
    expect(failureOf(refused)).toMatchObject({
      status: ErrorCode.LIMIT_REACHED,
      message: expect.stringContaining('0.5 requests a second'),
      details: [{ member: 'requestsPerSecond', value: '0.5' }],
    });
    advance(2_000);
    await get().expect(200);
    await get().expect(429);
  });

  test('of one tenant cost another nothing, and without a pace there is no header', async () => {
    const { get } = start({ tenants: { requestsPerSecond: 1, burst: 1 } });
    await get('a').expect(200);
    await get('a').expect(429);
    await get('b').expect(200);
    const free = await start({}).get().expect(200);
    expect(Object.keys(free.headers).filter((name) => name.startsWith('ratelimit'))).toEqual([]);
  });

  test('what is refused is not carried out', async () => {
    const { submit, tasks } = start({ tenants: { requestsPerSecond: 1, burst: 1 } });
    await submit().expect(200);
    await submit().expect(429);
    expect(tasks.stored.size).toBe(1);
  });

  test('a pace of its own goes before the operator’s, once it is set', async () => {
    const client = startAdmin({ auth: 'header', tenants: { requestsPerSecond: 1000 } });
    const get = () => request(client.app).get('/v1/tasks?status=RUNNING').set('X-Tenant-Id', 'acme');
    await get().expect(200).expect('ratelimit-limit', '2000');
    await client.admin('put', '/v1/admin/tenants/acme', { requestsPerSecond: 0.1, burst: 1 }).expect(200);
    await get().expect(429).expect('ratelimit-policy', '1;w=10');
    await client.admin('get', '/v1/admin/tenants/acme').expect(200);
  });
});

describe('waiting tasks of a tenant', () => {
  test('up to its limit are stored; one more is 429, says the limit and the usage, and is not stored', async () => {
    const { submit, tasks, advance } = start({ tenants: { mostWaiting: 2 } });
    await submit().expect(200);
    await submit().expect(200);
    const refused = await submit().expect(429).expect('retry-after', '1');
    expect(failureOf(refused)).toMatchObject({
      status: ErrorCode.LIMIT_REACHED,
      message: expect.stringMatching(/may have 2 tasks waiting and has 2/),
      details: [{ member: 'quotas.waiting', value: '2' }],
    });
    expect(tasks.stored.size).toBe(2);
    await submit('other').expect(200);

    const [launched] = tasks.stored.keys();
    if (launched !== undefined) tasks.change(launched, { status: TaskState.RUNNING });
    advance(1_000);
    await submit().expect(200);
    await submit().expect(429);
  });

  test('many at once are no way around it', async () => {
    const { submit, tasks } = start({ tenants: { mostWaiting: 5 } });
    const answers = await Promise.all(Array.from({ length: 20 }, () => submit()));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(5);
    expect(tasks.stored.size).toBe(5);
  });

  test('a batch fits as a whole, or nothing of it is stored', async () => {
    const { post, tasks } = start({ tenants: { mostWaiting: 3 } });
    await post('/v1/tasks/batch', { tasks: [task, task] }).expect(200);
    const refused = await post('/v1/tasks/batch', { tasks: [task, { taskName: '' }, task] }).expect(429);
    expect(failureOf(refused).message).toMatch(/has 2: 2 more must wait/);
    expect(tasks.stored.size).toBe(2);
    await post('/v1/tasks/batch', { tasks: [task, { taskName: '' }] }).expect(200);
    expect(tasks.stored.size).toBe(3);
  });

  test('what was stored before is answered again, limit or not', async () => {
    const { post, tasks } = start({ tenants: { mostWaiting: 1 } });
    const keyed = (key: string) => post('/v1/tasks', task).set('Idempotency-Key', key);
    await keyed('k').expect(200);
    await keyed('k').expect(200).expect('idempotency-replayed', 'true');
    await keyed('other').expect(429);
    const batch = (key: string) => post('/v1/tasks/batch', { tasks: [task] }).set('Idempotency-Key', key);
    await batch('b').expect(429);
    expect(tasks.stored.size).toBe(1);
  });

  test('a rerun is a submission too', async () => {
    const { post, submit, tasks } = start({ tenants: { mostWaiting: 1 } });
    await submit().expect(200);
    const [taskId] = tasks.stored.keys();
    if (taskId !== undefined) tasks.change(taskId, { status: TaskState.FINISHED });
    await post(`/v1/tasks/${taskId}/rerun`, {}).expect(429);
  });

  test('a limit of 0 stops a tenant', async () => {
    const { submit } = start({ tenants: { mostWaiting: 0 } });
    await submit().expect(429);
  });
});
