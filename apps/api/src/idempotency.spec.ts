import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { defaultTenantSettings, ErrorCode, failureAnswer, parseExactJson, type TaskId } from '@juice/contracts';
import { createApiFixture } from '../testing/api-fixture.ts';
import { keyedRequest } from './request-key.ts';

// The Idempotency-Key header of POST /v1/tasks; those of batches and reruns are in their own specs.

const body = '{"taskName":"a","commands":"true","env":[{"name":"A","value":"1"},{"name":"B","value":"2"}]}';
const day = 86_400_000;

function start(settings: Parameters<typeof createApiFixture>[0] = {}) {
  const fixture = createApiFixture(settings);
  const post = (text = body, { key = 'k', tenant = 't' } = {}) =>
    request(fixture.app)
      .post('/v1/tasks')
      .set('X-Tenant-Id', tenant)
      .set('Content-Type', 'application/json')
      .set('Idempotency-Key', key)
      .send(text);
  const submit = async (text?: string, as?: { key?: string; tenant?: string }) => {
    const response = await post(text, as).expect(200);
    const { data } = parseExactJson(response.text) as { data: { taskId: TaskId } };
    return { taskId: data.taskId, text: response.text, isReplay: response.headers['idempotency-replayed'] === 'true' };
  };
  return { ...fixture, post, submit };
}

describe('the same request again', () => {
  test('is given the same answer, and stores nothing', async () => {
    const { submit, tasks, published, countStored } = start();
    const first = await submit();
    const again = await submit();
    expect(first.isReplay).toBe(false);
    expect(again).toEqual({ ...first, isReplay: true });
    expect(tasks.stored.size).toBe(1);
    expect(published).toHaveLength(1);
    expect(countStored()).toBe(1);
  });

  test('is the same however its JSON is written', async () => {
    const { submit, tasks } = start();
    const first = await submit('{"taskName":"a","commands":"true","resources":{"cpu":1,"mem":512}}');
    const again = await submit(' {"resources":{"mem":512.0,"cpu":1.0},\n"commands":"tr\\u0075e","taskName":"a"}');
    expect(again).toEqual({ ...first, isReplay: true });
    expect(tasks.stored.size).toBe(1);
  });

  test('is answered as before when the rules would refuse it now', async () => {
    const { submit, post, tenants, advance } = start();
    const first = await submit();
    // A suspended tenant submits nothing new; what it has submitted it may learn.
    await tenants.saveSettings({ tenantId: 't', version: 0 }, { ...defaultTenantSettings, suspended: true }, 0);
    advance(60_000);
    await post('{"taskName":"b","commands":"true"}', { key: 'new' }).expect(403);
    expect(await submit()).toEqual({ ...first, isReplay: true });
  });

  test('a day later is a new one', async () => {
    const { submit, advance, tasks } = start();
    const first = await submit();
    advance(day - 1);
    expect(await submit()).toEqual({ ...first, isReplay: true });
    advance(1);
    const later = await submit();
    expect(later.isReplay).toBe(false);
    expect(later.taskId).not.toBe(first.taskId);
    expect(await submit()).toEqual({ ...later, isReplay: true });
    expect(tasks.stored.size).toBe(2);
  });
});

describe('another request with the same key', () => {
  test.each([
    ['another body', '{"taskName":"b","commands":"true"}'],
    ['one member more', body.replace('}]}', '}],"x":1}')],
    ['a list in another order', body.replace('"A"', '"C"').replace('"B"', '"A"').replace('"C"', '"B"')],
    ['one that is refused in itself', '{"taskName":""}'],
  ])('%s: 409, and nothing is stored', async (_, other) => {
    const { submit, post, tasks } = start();
    await submit();
    const response = await post(other).expect(409);
    expect(failureAnswer.parse(response.body)).toMatchObject({
      status: ErrorCode.BAD_REQUEST,
      details: [{ member: 'Idempotency-Key' }],
    });
    expect(response.headers).not.toHaveProperty('idempotency-replayed');
    expect(tasks.stored.size).toBe(1);
  });

  test('on another route', async () => {
    const { submit, app, tasks } = start();
    const { taskId } = await submit();
    const send = (path: string, text: string) =>
      request(app).post(path).set('X-Tenant-Id', 't').type('json').set('Idempotency-Key', 'k').send(text);
    await send('/v1/tasks/batch', `{"tasks":[${body}]}`).expect(409);
    await send(`/v1/tasks/${taskId}/rerun`, '{"force":true}').expect(409);
    expect(tasks.stored.size).toBe(1);
  });

  test('of another tenant has nothing to do with it, whatever their names are put together', async () => {
    const { submit, tasks } = start();
    const pairs = [
      { tenant: 't', key: 'k' },
      { tenant: 'u', key: 'k' },
      { tenant: 'a', key: 'b:c' },
      { tenant: 'a:b', key: 'c' },
      { tenant: 'a', key: 'b/c' },
      { tenant: 'a', key: '#1.0' },
    ];
    const submitted = [];
    for (const pair of pairs) submitted.push(await submit(body, pair));
    expect(submitted.map(({ isReplay }) => isReplay)).toEqual(pairs.map(() => false));
    expect(tasks.stored.size).toBe(pairs.length);
  });
});

describe('at once', () => {
  test('ten thousand of the same are one task, and all are told of it', async () => {
    const { submitTask, tasks, countStored } = start({ maxWaiting: 8 });
    const parsed = JSON.parse(body) as unknown;
    const same = keyedRequest('k', { tenantId: 't', route: 'POST /v1/tasks', body: parsed });
    const submission = { tenantId: 't', body: parsed, traceparent: null, request: same };
    const outcomes = await Promise.all(Array.from({ length: 10_000 }, () => submitTask(submission)));
    const [taskId] = tasks.stored.keys();
    expect(tasks.stored.size).toBe(1);
    expect(countStored()).toBe(1);
    expect(outcomes.filter((outcome) => outcome.ok && outcome.taskId === taskId)).toHaveLength(10_000);
    expect(outcomes.filter((outcome) => outcome.ok && !outcome.isReplay)).toHaveLength(1);
  });

  test('over HTTP', async () => {
    const { submit, tasks } = start();
    const answers = await Promise.all(Array.from({ length: 50 }, () => submit()));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.filter(({ isReplay }) => !isReplay)).toHaveLength(1);
    expect(tasks.stored.size).toBe(1);
  });

  test('through several processes, all of which find the key free', async () => {
    const { submitTask, tasks } = start();
    const parsed = JSON.parse(body) as unknown;
    const same = keyedRequest('k', { tenantId: 't', route: 'POST /v1/tasks', body: parsed });
    // Requests of one hash are joined within a process: of different ones as many reach the store as there are.
    const rivals = Array.from({ length: 100 }, (_, n) => ({ ...same, hash: `${same.hash}-${n % 4}` }));
    const outcomes = await Promise.all(
      rivals.map((rival) => submitTask({ tenantId: 't', body: parsed, traceparent: null, request: rival })),
    );
    expect(tasks.stored.size).toBe(1);
    expect(outcomes.filter(({ ok }) => ok)).toHaveLength(25);
    expect(outcomes.filter((outcome) => !outcome.ok && outcome.reason === 'conflict')).toHaveLength(75);
  });
});

describe('what is not remembered', () => {
  test('a refusal: the key is free for a better request', async () => {
    const { post, submit } = start();
    await post('{"taskName":"a"}').expect(400);
    expect(await submit()).toMatchObject({ isReplay: false });
  });

  test('a failure of the store: the same request is carried out when it is back', async () => {
    const { post, submit, tasks } = start();
    tasks.setDown(true);
    await post().expect(503);
    tasks.setDown(false);
    expect(await submit()).toMatchObject({ isReplay: false });
    expect(await submit()).toMatchObject({ isReplay: true });
    expect(tasks.stored.size).toBe(1);
  });

  test('a request without a key', async () => {
    const { app, tasks } = start();
    for (let n = 0; n < 2; n += 1)
      await request(app).post('/v1/tasks').set('X-Tenant-Id', 't').type('json').send(body).expect(200);
    expect(tasks.stored.size).toBe(2);
  });
});

test.each(['x'.repeat(256), 'a\tb', 'kéy'])('%j is no key', async (key) => {
  const { app, tasks } = start();
  const sent = request(app).post('/v1/tasks').set('X-Tenant-Id', 't').type('json');
  const { body: answer } = await sent
    .set('Idempotency-Key', Buffer.from(key).toString('latin1'))
    .send(body)
    .expect(400);
  expect(failureAnswer.parse(answer)).toMatchObject({ details: [{ member: 'Idempotency-Key' }] });
  expect(tasks.stored.size).toBe(0);
});

test('a key that is given twice is none', async () => {
  const { app, tasks } = start();
  const sent = request(app).post('/v1/tasks').set('X-Tenant-Id', 't').type('json');
  const { body: answer } = await sent
    .set('Idempotency-Key', ['a', 'b'] as never)
    .send(body)
    .expect(400);
  expect(failureAnswer.parse(answer).message).toContain('once, not 2 times');
  expect(tasks.stored.size).toBe(0);
});

test.each(['x', 'x'.repeat(255), '8e03978e-40d5-43e8-bc93-6894a57f9324', '"quoted", with ~ and blanks'])(
  '%j is one',
  async (key) => {
    const { submit } = start();
    expect(await submit(body, { key })).toMatchObject({ isReplay: false });
    expect(await submit(body, { key })).toMatchObject({ isReplay: true });
  },
);
