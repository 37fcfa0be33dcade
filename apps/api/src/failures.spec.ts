import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { asTaskId, type TaskId } from '@juice/contracts';
import { createApiFixture, seedInstantMs } from '../testing/api-fixture.ts';
import { until } from '../testing/until.ts';
import { createTaskIdSource } from './task-ids.ts';

// What a tenant sees while something of ours is away.

const body = { taskName: 'a', commands: 'true' };

function start(settings: Parameters<typeof createApiFixture>[0] = {}) {
  const fixture = createApiFixture(settings);
  const submit = () => request(fixture.app).post('/v1/tasks').set('X-Tenant-Id', 't').send(body);
  return { ...fixture, submit };
}

describe('while the store is away', () => {
  test.each([
    ['post', '/v1/tasks'],
    ['get', '/v1/tasks?taskIds=1'],
    ['post', '/v1/tasks/kill?taskId=1'],
    ['post', '/v1/tasks/reconcile?taskIds=1'],
  ] as const)('%s %s answers 503 with the original’s code, and when to come back', async (method, path) => {
    const { app, tasks, answered } = start();
    tasks.setDown(true);
    const sent = request(app)[method](path).set('X-Tenant-Id', 't');
    const response = await (method === 'post' ? sent.send(body) : sent).expect(503).expect('retry-after', '5');
    expect(response.body).toMatchObject({
      status: -2127552258,
      message: expect.stringMatching(/^data access error: /),
      requestId: 'request-1',
    });
    expect(response.text).not.toContain('mongodb');
    expect(answered).toMatchObject([{ level: 'warn', outcome: 'failed', error: { code: 'DEPENDENCY_FAILURE' } }]);
  });
});

test('while the store is known to be away nobody waits for it', async () => {
  const { submit, setStoreKnownDown, tasks } = start();
  setStoreKnownDown();
  const response = await submit().expect(503).expect('retry-after', '5');
  expect(response.body).toMatchObject({ status: -2127552258, message: expect.stringContaining('nothing was stored') });
  expect(tasks.inserts).toEqual([]);
});

describe('while the broker is away', () => {
  test('submitting and killing work as ever; one warning, not one for each', async () => {
    const { app, submit, setBrokerDown, tasks, warnings } = start();
    setBrokerDown(true);
    for (const _ of [1, 2, 3]) await submit().expect(200);
    const [taskId] = tasks.stored.keys();
    await request(app).post(`/v1/tasks/kill?taskId=${taskId}`).set('X-Tenant-Id', 't').expect(200);
    expect(warnings).toMatchObject([{ event: 'message.dropped', exchange: 'juice.tasks', count: 1 }]);
  });
});

describe('under load', () => {
  test('concurrent submissions share a write, and are answered only when it is done', async () => {
    const { submitTask, tasks, published } = start();
    const open = tasks.stall();
    let answered = 0;
    const submitted = Array.from({ length: 50 }, async () => {
      const outcome = await submitTask({ tenantId: 't', body, traceparent: null });
      answered += 1;
      return outcome;
    });
    await until('the first are being stored', () => tasks.inserts.length > 0);
    const late = submitTask({ tenantId: 't', body, traceparent: null });
    await new Promise(setImmediate);
    expect(answered).toBe(0);
    expect(published).toEqual([]);
    open();
    const ids = (await Promise.all([...submitted, late])).map((outcome) => (outcome.ok ? outcome.taskId : null));
    expect(tasks.inserts.map((ids) => ids.length)).toEqual([50, 1]);
    expect(new Set(ids)).toEqual(new Set(tasks.stored.keys()));
    expect(published.map(({ body }) => (body as { taskIds: string[] }).taskIds.length)).toEqual([50, 1]);
  });

  test('when too many wait already, the next is told at once', async () => {
    const { submit, submitTask, tasks } = start({ maxWaiting: 2 });
    const open = tasks.stall();
    const inFlight = submitTask({ tenantId: 't', body, traceparent: null });
    await until('the first is being stored', () => tasks.inserts.length > 0);
    const waiting = [1, 2].map(() => submitTask({ tenantId: 't', body, traceparent: null }));
    const response = await submit().expect(503).expect('retry-after', '1');
    expect(response.body).toMatchObject({
      status: -2127552258,
      message: expect.stringContaining('nothing was stored'),
    });
    open();
    expect(await Promise.all([inFlight, ...waiting])).toMatchObject([{ ok: true }, { ok: true }, { ok: true }]);
  });

  test('one bad write fails its own submissions, not the next', async () => {
    const { submit, tasks } = start();
    tasks.setDown(true);
    await submit().expect(503);
    tasks.setDown(false);
    await submit().expect(200);
  });
});

describe('an id that is taken', () => {
  test('is replaced, for the task concerned alone, and never handed out', async () => {
    const { submitTask, tasks } = start();
    const twin = createTaskIdSource({ now: () => seedInstantMs });
    const [first, second] = [twin(7), twin(7)];
    tasks.taken.add(second);
    const submitted = await Promise.all([1, 2, 3].map(() => submitTask({ tenantId: 't', body, traceparent: null })));
    const ids = submitted.map((outcome) => (outcome.ok ? outcome.taskId : asTaskId(1n)));
    expect(tasks.inserts.map((inserted) => inserted.length)).toEqual([3, 1]);
    expect(ids[0]).toBe(first);
    expect(ids).not.toContain(second);
    expect(new Set(ids)).toEqual(new Set(tasks.stored.keys()));
  });

  test('five times in a row is a failure', async () => {
    const { submit, tasks } = start();
    const has = (): boolean => true;
    Object.assign(tasks.taken, { has } satisfies Partial<Set<TaskId>>);
    await submit().expect(503);
    expect(tasks.inserts).toHaveLength(5);
  });
});

test('a bug is a bare 500: its detail is in the log alone', async () => {
  const { app, tasks, answered } = start();
  Object.assign(tasks, { findTasks: () => Promise.reject(new TypeError('secret detail')) });
  const response = await request(app).get('/v1/tasks?taskIds=1').set('X-Tenant-Id', 't').expect(500);
  expect(response.body).toEqual({
    status: -2127560704,
    message: 'internal service error: see the log for this requestId',
    details: [{ member: 'request', code: -2127560704, message: 'see the log for this requestId' }],
    requestId: 'request-1',
  });
  expect(answered).toMatchObject([{ level: 'error', status: 500, error: { message: 'secret detail' } }]);
});
