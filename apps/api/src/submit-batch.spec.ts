import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { batchAnswer, ErrorCode, failureAnswer, parseExactJson, successAnswer, type TaskId } from '@juice/contracts';
import { createApiFixture } from '../testing/api-fixture.ts';
import { until } from '../testing/until.ts';

// POST /v1/tasks/batch

const good = (name: string) => ({ taskName: name, commands: `echo ${name}` });

function start(settings: Parameters<typeof createApiFixture>[0] = {}) {
  const fixture = createApiFixture(settings);
  const post = (body: object | string, { key, tenant = 't' }: { key?: string; tenant?: string } = {}) => {
    const sent = request(fixture.app).post('/v1/tasks/batch').set('X-Tenant-Id', tenant).type('json');
    if (key !== undefined) sent.set('Idempotency-Key', key);
    return sent.send(typeof body === 'string' ? body : JSON.stringify(body));
  };
  const submit = async (body: object, as?: Parameters<typeof post>[1]) => {
    const response = await post(body, as).expect(200);
    const { data } = successAnswer(batchAnswer).strict().parse(parseExactJson(response.text));
    return { ...data, isReplay: response.headers['idempotency-replayed'] === 'true' };
  };
  const names = () => [...fixture.tasks.stored.values()].map(({ spec }) => spec.taskName);
  return { ...fixture, post, submit, names };
}

function idsOf({ results }: { results: readonly object[] }): (bigint | null)[] {
  return results.map((result) => ('taskId' in result ? (result.taskId as TaskId) : null));
}

describe('each task has an outcome of its own', () => {
  test('in their order: ids of those that are stored, what is wrong with the others', async () => {
    const { submit, names, published, tasks } = start();
    const { results, stored } = await submit({ tasks: [good('a'), { taskName: 'b' }, good('c'), 7, null] });
    expect(stored).toBe(2);
    expect(names()).toEqual(['a', 'c']);
    const [a, c] = [...tasks.stored.keys()];
    expect(results.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
    expect(results[0]).toEqual({ index: 0, taskId: a, taskIdStr: String(a) });
    expect(results[2]).toEqual({ index: 2, taskId: c, taskIdStr: String(c) });
    expect(results[1]).toMatchObject({
      index: 1,
      error: {
        status: ErrorCode.OBJECT_NOT_NULL,
        message: expect.stringContaining('exactly one of container and commands'),
        details: [{ member: 'container, commands' }],
      },
    });
    expect(results[3]).toMatchObject({ error: { details: [{ member: 'body' }] } });
    expect(published).toEqual([expect.objectContaining({ body: { v: 1, taskIds: [String(a), String(c)] } })]);
  });

  test('they share writes', async () => {
    const { submit, tasks } = start();
    const { stored } = await submit({ tasks: Array.from({ length: 1000 }, (_, n) => good(`task-${n}`)) });
    expect(stored).toBe(1000);
    expect(tasks.inserts.map(({ length }) => length)).toEqual([256, 256, 256, 232]);
  });

  test('members that are not known are passed over, as in a submission alone', async () => {
    const { submit, names } = start();
    expect(await submit({ tasks: [{ ...good('a'), ofTheOriginal: 1 }] })).toMatchObject({ stored: 1 });
    expect(names()).toEqual(['a']);
  });

  test('none of them may be valid', async () => {
    const { submit, tasks } = start();
    const { results, stored } = await submit({ tasks: [{}, { taskName: 'x'.repeat(101) }] });
    expect(stored).toBe(0);
    expect(results).toHaveLength(2);
    expect(tasks.inserts).toEqual([]);
  });

  test('of one that is wrong in many places five are told', async () => {
    const { submit } = start();
    const env = Array.from({ length: 30 }, (_, n) => ({ name: `${n}=`, value: 'secret' }));
    const { results } = await submit({ tasks: [{ ...good('a'), env }] });
    expect(results[0]).toMatchObject({ error: { message: expect.stringContaining('(and 29 more)') } });
    expect(results[0]).toHaveProperty('error.details.length', 5);
    expect(JSON.stringify(results, (_, value: unknown) => String(value))).not.toContain('secret');
  });
});

describe('all or nothing', () => {
  test('is stored when all of them are valid', async () => {
    const { submit, names } = start();
    expect((await submit({ tasks: [good('a'), good('b')], allOrNothing: true })).stored).toBe(2);
    expect(names()).toEqual(['a', 'b']);
  });

  test('of very many problems the first fifty are told', async () => {
    const { post, names } = start();
    const tasks = Array.from({ length: 100 }, () => ({ taskName: 'a' }));
    const { text } = await post({ tasks, allOrNothing: true }).expect(400);
    expect(failureAnswer.parse(JSON.parse(text)).details).toHaveLength(50);
    expect(names()).toEqual([]);
  });

  test('is refused when one is not, with every problem and where it is', async () => {
    const { post, tasks } = start();
    const response = await post({ tasks: [good('a'), { commands: 'true' }, { taskName: 'c' }], allOrNothing: true });
    expect(response.status).toBe(400);
    const { message, details } = failureAnswer.parse(response.body);
    expect(message).toMatch(/^object not null error: tasks\[1\]: taskName must be a string .*\(and 1 more\)$/);
    expect(details?.map(({ member }) => member)).toEqual(['tasks[1].taskName', 'tasks[2].container, commands']);
    expect(tasks.inserts).toEqual([]);
  });
});

describe('what is no batch', () => {
  test.each<readonly [string, object | string, string]>([
    ['no tasks', {}, 'tasks'],
    ['null', { tasks: null }, 'tasks'],
    ['an object', { tasks: good('a') }, 'tasks'],
    ['an empty list', { tasks: [] }, 'tasks'],
    ['too many', { tasks: Array.from({ length: 1001 }, () => 1) }, 'tasks'],
    ['a word for true', { tasks: [good('a')], allOrNothing: 'yes' }, 'allOrNothing'],
    ['a misspelt option', { tasks: [good('a')], allOrNothin: true }, 'allOrNothin'],
    ['a list', '[]', 'body'],
    ['no JSON', '{"tasks":', 'body'],
    ['nothing', '', 'body'],
  ])('%s', async (_, body, member) => {
    const { post, tasks } = start();
    const response = await post(body).expect(400);
    expect(failureAnswer.parse(response.body).details?.[0]?.member).toBe(member);
    expect(tasks.inserts).toEqual([]);
  });

  test('more than eight megabytes; of a single submission one is enough', async () => {
    const { post, app } = start();
    const large = (size: number) => ({ tasks: Array.from({ length: size }, () => ({ x: 'x'.repeat(1_000_000) })) });
    await post(large(9)).expect(413);
    await post(large(8)).expect(200);
    await request(app).post('/v1/tasks').set('X-Tenant-Id', 't').type('json').send(large(2)).expect(413);
  });

  test('another media type, method or tenant', async () => {
    const { app } = start();
    const send = () => request(app).post('/v1/tasks/batch');
    await send().set('X-Tenant-Id', 't').type('text/plain').send('{}').expect(415);
    await send().type('json').send('{}').expect(400);
    await request(app).get('/v1/tasks/batch').expect(405).expect('allow', 'POST');
  });
});

test('tasks are the tenant’s own', async () => {
  const { submit, app, tasks } = start();
  await submit({ tasks: [good('a')] }, { tenant: 'a' });
  const [taskId] = tasks.stored.keys();
  await request(app).get(`/v1/tasks/${taskId}`).set('X-Tenant-Id', 'b').expect(404);
});

test('a suspended tenant’s batch is refused as a whole', async () => {
  const { post, tenants, tasks } = start();
  const { settings } = await tenants.loadTenant('t');
  await tenants.saveSettings({ tenantId: 't', version: 0 }, { ...settings, suspended: true }, 0);
  await post({ tasks: [good('a'), good('b')] }).expect(403);
  await post({ tasks: [good('a'), good('b')] }, { key: 'k' }).expect(403);
  expect(tasks.inserts).toEqual([]);
});

describe('under load', () => {
  test('a batch is taken whole, or not at all', async () => {
    const { post, submitTask, tasks } = start({ maxWaiting: 2 });
    const open = tasks.stall();
    const one = () => submitTask({ tenantId: 't', body: good('x'), traceparent: null });
    const waiting = [one()];
    await until('it is being written', () => tasks.inserts.length === 1);
    waiting.push(one(), one());
    const response = await post({ tasks: [good('a'), good('b')] }).expect(503);
    expect(response.headers['retry-after']).toBe('1');
    expect(failureAnswer.parse(response.body).message).toContain('nothing was stored');
    open();
    await Promise.all(waiting);
    await post({ tasks: Array.from({ length: 10 }, () => good('a')) }).expect(200);
    expect(tasks.stored.size).toBe(13);
  });
});

describe('while the store is away', () => {
  test('from the beginning: 503, and nothing is stored', async () => {
    const { post, tasks } = start();
    tasks.setDown(true);
    const response = await post({ tasks: [good('a'), good('b')] }).expect(503);
    expect(response.headers['retry-after']).toBe('5');
    expect(tasks.stored.size).toBe(0);
  });

  const many = { tasks: Array.from({ length: 600 }, (_, n) => good(`task-${n}`)) };

  test('in between: each task is told of, those that may be stored too', async () => {
    const { submit, tasks } = start();
    tasks.failInsertsFrom(2);
    const { results, stored } = await submit(many);
    expect(stored).toBe(256);
    expect(tasks.stored.size).toBe(256);
    expect(results[256]).toMatchObject({
      index: 256,
      error: { status: ErrorCode.DATA_ACCESS, message: expect.stringContaining('may or may not be stored') },
    });
  });

  test('in between, all or nothing: 503, and how many are stored', async () => {
    const { post, tasks } = start();
    tasks.failInsertsFrom(2);
    const response = await post({ ...many, allOrNothing: true }).expect(503);
    const { message, details } = failureAnswer.parse(response.body);
    expect(message).toContain('256 of 600 tasks are stored');
    expect(message).toContain('Idempotency-Key');
    expect(details?.[1]).toMatchObject({ member: 'tasks[256]', code: ErrorCode.DATA_ACCESS });
    expect(details).toHaveLength(51);
  });

  test.each([false, true])(
    'with a key the same batch, sent again, stores what is missing (all or nothing: %s)',
    async (allOrNothing) => {
      const { post, submit, tasks, names } = start();
      const body = { ...many, allOrNothing };
      tasks.failInsertsFrom(3);
      // One write for the first task, 256 and 256 and 87 for the others: the second of those fails.
      await post(body, { key: 'k' }).expect(allOrNothing ? 503 : 200);
      expect(tasks.stored.size).toBe(257);
      tasks.failInsertsFrom(null);
      const completed = await submit(body, { key: 'k' });
      expect(completed).toMatchObject({ stored: 600, isReplay: true });
      expect(names().toSorted()).toEqual(many.tasks.map(({ taskName }) => taskName).toSorted());
      expect(await submit(body, { key: 'k' })).toEqual(completed);
      expect(tasks.stored.size).toBe(600);
      for (const [n, id] of idsOf(completed).entries())
        expect(tasks.stored.get(id as TaskId)?.spec.taskName).toBe(`task-${n}`);
    },
  );
});

describe('with an Idempotency-Key', () => {
  const mixed = { tasks: [{ taskName: 'bad' }, good('a'), { commands: 'true' }, good('b')] };

  test('the same batch has the same answer, refusals included', async () => {
    const { submit, tasks, countStored } = start();
    const first = await submit(mixed, { key: 'k' });
    const again = await submit(mixed, { key: 'k' });
    expect(first).toMatchObject({ stored: 2, isReplay: false });
    expect(again).toEqual({ ...first, isReplay: true });
    expect(tasks.stored.size).toBe(2);
    expect(countStored()).toBe(2);
  });

  test('also when the rules have changed meanwhile', async () => {
    const { submit, tenants, advance, tasks } = start();
    const privileged = { taskName: 'p', container: { docker: { image: 'busybox', privileged: true } } };
    const body = { tasks: [good('a'), privileged] };
    const first = await submit(body, { key: 'k' });
    expect(first.stored).toBe(1);
    const { settings } = await tenants.loadTenant('t');
    await tenants.saveSettings({ tenantId: 't', version: 0 }, { ...settings, policy: ['privileged'] }, 0);
    advance(60_000);
    expect(await submit(body, { key: 'k' })).toEqual({ ...first, isReplay: true });
    expect((await submit(body, { key: 'new' })).stored).toBe(2);
    expect(tasks.stored.size).toBe(3);
  });

  test('another batch is a conflict, and none of it is stored', async () => {
    const { submit, post, tasks } = start();
    await submit({ tasks: [good('a')] }, { key: 'k' });
    await post({ tasks: [good('b'), good('c')] }, { key: 'k' }).expect(409);
    await post({ tasks: [good('a')], allOrNothing: true }, { key: 'k' }).expect(409);
    await post({ tasks: [{}] }, { key: 'k' }).expect(409);
    expect(tasks.stored.size).toBe(1);
    expect((await submit({ tasks: [good('b')] }, { key: 'k', tenant: 'u' })).stored).toBe(1);
  });

  test('one that stored nothing is not remembered', async () => {
    const { submit, post } = start();
    expect((await submit({ tasks: [{}] }, { key: 'k' })).stored).toBe(0);
    await post({ tasks: [good('a'), {}], allOrNothing: true }, { key: 'k' }).expect(400);
    expect(await submit({ tasks: [good('a')] }, { key: 'k' })).toMatchObject({ stored: 1, isReplay: false });
  });

  test('many at once are one', async () => {
    const { submit, tasks } = start();
    const answers = await Promise.all(Array.from({ length: 20 }, () => submit(mixed, { key: 'k' })));
    expect(tasks.stored.size).toBe(2);
    expect(new Set(answers.map((answer) => idsOf(answer).join())).size).toBe(1);
    expect(answers.filter(({ isReplay }) => !isReplay)).toHaveLength(1);
  });
});
