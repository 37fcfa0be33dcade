import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import {
  ErrorCode,
  failureAnswer,
  parseExactJson,
  successAnswer,
  taskDetail,
  TaskState,
  type TaskId,
} from '@juice/contracts';
import { createApiFixture, seedInstantMs, sandboxOf } from '../testing/api-fixture.ts';
import type { FoundAttempt } from './find-tasks.ts';
import { openPolicy } from './machine-policy.ts';

// GET /v1/tasks/{taskId}

async function start(body: object = {}) {
  const fixture = createApiFixture({ policy: openPolicy });
  const { app, tasks } = fixture;
  await request(app)
    .post('/v1/tasks')
    .set('X-Tenant-Id', 't')
    .send({ taskName: 'a', commands: 'true', ...body })
    .expect(200);
  const [taskId] = tasks.stored.keys();
  if (taskId === undefined) throw new Error('nothing was stored');
  const get = (id: TaskId | string = taskId, tenant = 't') =>
    request(app).get(`/v1/tasks/${id}`).set('X-Tenant-Id', tenant);
  const show = async () =>
    successAnswer(taskDetail)
      .strict()
      .parse(parseExactJson((await get().expect(200)).text)).data;
  return { ...fixture, taskId, get, show };
}

test('shows the entry, every attempt, and how it came to this', async () => {
  const { tasks, taskId, show } = await start();
  const at = (ms: number) => new Date(seedInstantMs + ms);
  const attempt = (n: number): FoundAttempt => ({
    ...sandboxOf(n),
    n,
    agentId: 'S1',
    agentHost: `node-${n}`,
    launchedAt: at(n),
    endedAt: at(n + 1),
    state: 'TASK_FAILED',
  });
  tasks.change(taskId, {
    status: TaskState.RUNNING,
    seq: 3,
    attempt: 30,
    attempts: Array.from({ length: 30 }, (_, n) => attempt(n + 1)),
    history: [
      { seq: 2, status: TaskState.NOT_START, at: at(5), attempt: 1, message: 'again', reason: 'AGENT_REMOVED' },
      { seq: 3, status: TaskState.RUNNING, at: at(9), attempt: 2, message: '', reason: null },
    ],
  });
  const shown = await show();
  expect(shown).toMatchObject({ taskId, taskIdStr: String(taskId), taskStatus: 1, taskName: 'a', sequence: 3 });
  expect(shown.attempts.map(({ number }) => number)).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
  expect(shown.timeline).toEqual([
    {
      ...{ sequence: 0, taskStatus: -1, taskStatusName: 'NOT_START', at: at(0).toISOString() },
      ...{ attempt: 0, message: '' },
    },
    {
      ...{ sequence: 2, taskStatus: -1, taskStatusName: 'NOT_START', at: at(5).toISOString() },
      ...{ attempt: 1, message: 'again', reason: 'AGENT_REMOVED' },
    },
    {
      ...{ sequence: 3, taskStatus: 1, taskStatusName: 'RUNNING', at: at(9).toISOString() },
      ...{ attempt: 2, message: '' },
    },
  ]);
});

test('shows what was submitted, in the words of a submission', async () => {
  const submitted = {
    taskName: 'a',
    commands: undefined,
    container: {
      docker: { image: 'busybox', net: 'HOST', privileged: true, parameters: [{ key: 'cap-add', value: 'ALL' }] },
      volumes: [{ containerPath: '/in', hostPath: '/data', dvo: 'RO' }],
    },
    args: ['x'],
    resources: { cpu: 2, mem: 1024, ports: 1 },
    env: [{ name: 'MODE', value: 'dev' }],
    constraints: { field: 'hostname', values: ['a'] },
    callbackUrl: 'http://localhost/hook',
    retry: 2,
    maxRunSeconds: 60,
    uris: ['http://files/a.tgz', { value: 'http://files/b', executable: true, outputFile: 'bin/b' }],
    labels: { team: 'red' },
  };
  const { show } = await start(submitted);
  expect((await show()).spec).toEqual({
    taskName: 'a',
    callbackUrl: 'http://localhost/hook',
    callbackEvents: 'all',
    container: {
      type: 'DOCKER',
      docker: {
        ...submitted.container.docker,
        forcePullImage: true,
        portMappings: [],
      },
      volumes: [{ containerPath: '/in', hostPath: '/data', dvo: 'RO' }],
    },
    resources: { role: '*', cpu: 2, mem: 1024, disk: 0, gpus: 0, ports: 1 },
    env: [{ name: 'MODE', value: 'dev' }],
    args: ['x'],
    uris: [
      { value: 'http://files/a.tgz', extract: true, executable: false, cache: false },
      { value: 'http://files/b', extract: false, executable: true, cache: false, outputFile: 'bin/b' },
    ],
    labels: [{ key: 'team', value: 'red' }],
    constraints: [{ field: 'HOSTNAME', values: ['a'] }],
    priority: 0,
    retry: 2,
    maxRunSeconds: 60,
  });
});

test('never shows what a secret variable holds', async () => {
  const env = [
    { name: 'PASSWORD', value: 'hunter2', secret: true },
    { name: 'MODE', value: 'dev', secret: false },
  ];
  const envs = [{ name: 'TOKEN', value: 'hunter2', secret: true }];
  const { tasks, taskId, show, get, app, answered } = await start({ env, envs });
  expect(tasks.stored.get(taskId)?.spec.env).toEqual([
    { name: 'PASSWORD', value: 'hunter2', secret: true },
    { name: 'MODE', value: 'dev' },
    { name: 'TOKEN', value: 'hunter2', secret: true },
  ]);
  expect((await show()).spec['env']).toEqual([
    { name: 'PASSWORD', secret: true },
    { name: 'MODE', value: 'dev' },
    { name: 'TOKEN', secret: true },
  ]);
  const listed = await request(app).get('/v1/tasks?limit=9').set('X-Tenant-Id', 't').expect(200);
  const found = await request(app).get(`/v1/tasks?taskIds=${taskId}`).set('X-Tenant-Id', 't').expect(200);
  for (const text of [(await get()).text, listed.text, found.text, JSON.stringify(answered)])
    expect(text).not.toContain('hunter2');
});

test('a rerun has what its secret variables hold, and a new value of one is secret too', async () => {
  const { tasks, taskId, app } = await start({ env: { name: 'PASSWORD', value: 'hunter2', secret: true } });
  const rerun = async (body: object) => {
    await request(app)
      .post(`/v1/tasks/${taskId}/rerun`)
      .set('X-Tenant-Id', 't')
      .send({ force: true, ...body })
      .expect(200);
    return [...tasks.stored.values()].at(-1)?.spec.env;
  };
  expect(await rerun({})).toEqual([{ name: 'PASSWORD', value: 'hunter2', secret: true }]);
  const env = { name: 'PASSWORD', value: 'hunter3' };
  expect(await rerun({ env })).toEqual([{ ...env, secret: true }]);
  expect(await rerun({ env: { ...env, secret: false } })).toEqual([env]);
});

describe('what cannot be shown', () => {
  test('a task that there is not, and one of another tenant', async () => {
    const { taskId, get } = await start();
    for (const [id, tenant] of [
      [taskId + 1n, 't'],
      [taskId, 'other'],
      ['9223372036854775807', 't'],
    ] as const) {
      const { body } = await get(String(id), tenant).expect(404);
      expect(failureAnswer.parse(body)).toMatchObject({
        status: ErrorCode.NO_RECORD,
        details: [{ member: 'taskId', value: String(id) }],
      });
    }
  });

  test.each(['abc', '0', '-1', '1.5', '1,2', '9223372036854775808', '%20', '1e3'])('%s is no id', async (id) => {
    const { get } = await start();
    const { body } = await get(id).expect(400);
    expect(failureAnswer.parse(body)).toMatchObject({
      status: ErrorCode.DATA_FORMAT,
      details: [{ member: 'taskId' }],
    });
  });

  test.each(['post', 'put', 'delete', 'options'] as const)('%s is for none of it', async (method) => {
    const { app, taskId } = await start();
    await request(app)[method](`/v1/tasks/${taskId}`).expect(405).expect('allow', 'GET, HEAD');
    await request(app)[method](`/v1/tasks/${taskId}/callbacks`).expect(405).expect('allow', 'GET, HEAD');
  });
});

test('the original’s words are no ids', async () => {
  const { app } = await start();
  await request(app).get('/v1/tasks/kill').expect(405).expect('allow', 'POST');
  await request(app).get('/v1/tasks/reconcile').expect(405).expect('allow', 'POST');
  await request(app).get('/v1/tasks/batch').expect(405).expect('allow', 'POST');
});

test('HEAD is answered like GET, and the log has the route and the task', async () => {
  const { app, taskId, answered } = await start();
  await request(app).head(`/v1/tasks/${taskId}`).set('X-Tenant-Id', 't').expect(200);
  expect(answered.at(-1)).toMatchObject({ route: '/v1/tasks/{taskId}', taskId: String(taskId), outcome: 'ok' });
});
