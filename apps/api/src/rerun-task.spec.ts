import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import {
  ErrorCode,
  failureAnswer,
  parseExactJson,
  rerunAnswer,
  successAnswer,
  TaskState,
  type TaskId,
} from '@juice/contracts';
import { createApiFixture } from '../testing/api-fixture.ts';

// POST /v1/tasks/{taskId}/rerun

const source = {
  taskName: 'a',
  commands: 'echo $MODE',
  callbackUrl: 'http://localhost/hook',
  env: [
    { name: 'MODE', value: 'dev' },
    { name: 'LEVEL', value: '1' },
  ],
  resources: { cpu: 2, mem: 1024 },
  uris: [{ value: 'http://files/b', executable: true, outputFile: 'bin/b' }],
  labels: { team: 'red' },
  retry: 2,
};

async function start(body: object = source, status: TaskState = TaskState.FAILED) {
  const fixture = createApiFixture();
  const { app, tasks, published } = fixture;
  await request(app).post('/v1/tasks').set('X-Tenant-Id', 't').send(body).expect(200);
  const [taskId] = tasks.stored.keys();
  if (taskId === undefined) throw new Error('nothing was stored');
  tasks.change(taskId, { status, message: 'Command exited with status 1' });
  published.length = 0;
  const post = (changes?: object | string, as: { id?: TaskId; tenant?: string; key?: string } = {}) => {
    const sent = request(app)
      .post(`/v1/tasks/${as.id ?? taskId}/rerun`)
      .set('X-Tenant-Id', as.tenant ?? 't');
    if (as.key !== undefined) sent.set('Idempotency-Key', as.key);
    if (changes === undefined) return sent;
    return sent.type('json').send(typeof changes === 'string' ? changes : JSON.stringify(changes));
  };
  const rerun = async (changes?: object, key?: string) => {
    const response = await post(changes, { ...(key !== undefined && { key }) }).expect(200);
    const { data } = successAnswer(rerunAnswer).strict().parse(parseExactJson(response.text));
    const stored = tasks.stored.get(data.taskId as TaskId);
    if (stored === undefined) throw new Error('the answer’s task is not stored');
    return { ...data, spec: stored.spec, isReplay: response.headers['idempotency-replayed'] === 'true' };
  };
  const specOf = () => tasks.stored.get(taskId)?.spec;
  return { ...fixture, taskId, post, rerun, specOf };
}

test('is a new task of the same spec, which says what it repeats', async () => {
  const { app, rerun, specOf, taskId, published, countStored } = await start();
  const again = await rerun();
  expect(again.taskId).not.toBe(taskId);
  expect(again).toMatchObject({ rerunOf: taskId, rerunOfStr: String(taskId), taskIdStr: String(again.taskId) });
  expect(again.spec).toEqual(specOf());
  expect(published).toMatchObject([{ exchange: 'juice.tasks', body: { taskIds: [String(again.taskId)] } }]);
  expect(countStored()).toBe(2);
  const { text } = await request(app).get(`/v1/tasks/${again.taskId}`).set('X-Tenant-Id', 't').expect(200);
  expect(parseExactJson(text)).toMatchObject({
    data: { rerunOf: taskId, rerunOfStr: String(taskId), taskStatus: -1, attempt: 0 },
  });
  // The one that it repeats is as it was.
  const shown = await request(app).get(`/v1/tasks?taskIds=${taskId}`).set('X-Tenant-Id', 't').expect(200);
  expect(shown.text).toContain('"taskStatus":3');
  expect(shown.text).not.toContain('rerunOf');
});

describe('with something different', () => {
  test.each<readonly [string, object, object]>([
    ['a command', { commands: 'true' }, { commands: 'true', container: null }],
    ['a program', { commands: ['a', 'b c'] }, { commands: "a 'b c'", argv: ['a', 'b c'] }],
    ['resources, those named', { resources: { mem: 2048 } }, { resources: { cpus: 2, memMb: 2048 } }],
    ['resources by default', { resources: null }, { resources: { cpus: 1, memMb: 512 } }],
    [
      'variables, those named',
      { env: { name: 'MODE', value: 'live' } },
      {
        env: [
          { name: 'MODE', value: 'live' },
          { name: 'LEVEL', value: '1' },
        ],
      },
    ],
    ['no variables but these', { env: null, envs: [{ name: 'X', value: '' }] }, { env: [{ name: 'X', value: '' }] }],
    ['no callback', { callbackUrl: null }, { callbackUrl: null }],
    ['other labels', { labels: { tier: 'low' } }, { labels: [{ key: 'tier', value: 'low' }] }],
    ['no labels', { labels: null }, { labels: [] }],
    ['nothing fetched', { uris: [] }, { uris: [] }],
    ['retries', { retry: 0 }, { retry: 0 }],
  ])('%s', async (_, changes, expected) => {
    const { rerun, specOf } = await start();
    const before = specOf();
    const { spec } = await rerun(changes);
    expect(spec).toMatchObject(expected);
    const changed = new Set([...Object.keys(changes), 'argv', 'fetching', 'env']);
    for (const [name, value] of Object.entries(before ?? {}))
      if (!changed.has(name) && !(name in expected))
        expect([name, spec[name as keyof typeof spec]]).toEqual([name, value]);
  });

  test('a command in the place of a container, and its arguments with it', async () => {
    const { rerun } = await start({ taskName: 'a', container: { docker: { image: 'busybox' } }, args: ['x'] });
    expect((await rerun({ commands: 'true' })).spec).toMatchObject({ commands: 'true', container: null, args: [] });
    expect((await rerun({ args: ['y'] })).spec).toMatchObject({
      args: ['y'],
      container: { docker: { image: 'busybox' } },
    });
  });

  test.each<readonly [object | string, string]>([
    [{ taskName: '' }, 'taskName'],
    [{ resources: { cpu: 17 } }, 'resources.cpu'],
    [{ commands: 'a', container: { docker: { image: 'b' } } }, 'container, commands'],
    [{ comands: 'a' }, 'comands'],
    [{ force: 'yes' }, 'force'],
    [{ uris: ['file:///etc/passwd'] }, 'uris[0]'],
    ['[]', 'body'],
    ['{', 'body'],
  ])('%j is refused', async (changes, member) => {
    const { post, tasks } = await start();
    const { body } = await post(changes).expect(400);
    expect(failureAnswer.parse(body).details?.[0]?.member).toBe(member);
    expect(tasks.stored.size).toBe(1);
  });
});

describe('of a task that has not ended', () => {
  test.each([TaskState.NOT_START, TaskState.RUNNING, TaskState.UNREACHABLE])(
    '%d: 409, unless forced',
    async (status) => {
      const { post, rerun, tasks } = await start(source, status);
      const { body } = await post().expect(409);
      expect(failureAnswer.parse(body).message).toContain('"force": true');
      expect(tasks.stored.size).toBe(1);
      const { spec } = await rerun({ force: true });
      expect(spec).not.toHaveProperty('force');
      expect(tasks.stored.size).toBe(2);
    },
  );
});

test('there is none of another tenant, and none that does not exist: the same 404', async () => {
  const { post, taskId, tasks } = await start();
  const missing = (taskId + 1n) as TaskId;
  const foreign = failureAnswer.parse((await post({}, { tenant: 'other' }).expect(404)).body);
  const absent = failureAnswer.parse((await post({}, { id: missing }).expect(404)).body);
  expect(foreign.status).toBe(ErrorCode.NO_RECORD);
  expect(foreign.message.replace(String(taskId), String(missing))).toBe(absent.message);
  expect(tasks.stored.size).toBe(1);
});

describe('with an Idempotency-Key', () => {
  test('the same request again is one task, also when its source could not be run again by now', async () => {
    const { rerun, tasks, taskId } = await start();
    const first = await rerun({ retry: 1 }, 'k');
    expect(first.isReplay).toBe(false);
    tasks.change(taskId, { status: TaskState.RUNNING });
    expect(await rerun({ retry: 1 }, 'k')).toEqual({ ...first, isReplay: true });
    expect(tasks.stored.size).toBe(2);
  });

  test('another body, or another task: 409', async () => {
    const { rerun, post, tasks } = await start();
    const { taskId } = await rerun({}, 'k');
    await post({ retry: 1 }, { key: 'k' }).expect(409);
    tasks.change(taskId as TaskId, { status: TaskState.FINISHED });
    await post({}, { key: 'k', id: taskId as TaskId }).expect(409);
    expect(tasks.stored.size).toBe(2);
  });

  test('many at once are one', async () => {
    const { rerun, tasks } = await start();
    const answers = await Promise.all(Array.from({ length: 20 }, () => rerun({}, 'k')));
    expect(new Set(answers.map(({ taskId }) => taskId)).size).toBe(1);
    expect(tasks.stored.size).toBe(2);
  });
});

test('while the store is away: 503', async () => {
  const { post, tasks } = await start();
  tasks.setDown(true);
  await post().expect(503).expect('retry-after', '5');
});

test('another media type or method', async () => {
  const { app, taskId } = await start();
  const path = `/v1/tasks/${taskId}/rerun`;
  await request(app).post(path).set('X-Tenant-Id', 't').type('text/plain').send('{}').expect(415);
  await request(app).get(path).expect(405).expect('allow', 'POST');
});
