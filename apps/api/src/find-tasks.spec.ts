import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { asTaskId, TaskState, type TaskId } from '@juice/contracts';
import { createApiFixture, seedInstantMs, sandboxOf } from '../testing/api-fixture.ts';
import { exact } from '../testing/seed-examples.ts';
import type { FoundAttempt } from './find-tasks.ts';

describe('GET /v1/tasks', () => {
  const container = asTaskId(806769905152840693n) as TaskId;
  const commands = asTaskId(806769905152840695n) as TaskId;

  async function withSeedTasks() {
    const fixture = createApiFixture();
    const { tasks, app } = fixture;
    const spec = {
      callbackEvents: 'all',
      resources: {},
      env: [],
      args: [],
      uris: [],
      constraints: [],
      priority: 0,
      retry: 0,
      expireSeconds: null,
      maxRunSeconds: null,
      killGraceSeconds: null,
    };
    const docker = { docker: { image: 'dockerhub.XXXX.com/juice-test' } };
    const callbackUrl = 'http://localhost:9999/v1/callback';
    const base = { tenantId: '10002', expireAtMs: 0, traceparent: null };
    await tasks.insertTasks([
      {
        ...base,
        taskId: container,
        submitAtMs: seedInstantMs,
        spec: { ...spec, taskName: 'test-docker', callbackUrl, commands: null, container: docker } as never,
      },
      {
        ...base,
        taskId: commands,
        submitAtMs: seedInstantMs - 240_000,
        spec: {
          ...spec,
          taskName: 'test-commands',
          callbackUrl,
          commands: '/home/app/entrypoint.sh',
          container: null,
        } as never,
      },
    ]);
    tasks.change(container, {
      status: TaskState.FINISHED,
      message: 'Container exited with status 0',
      callbackAt: new Date(seedInstantMs + 279_000),
    });
    tasks.change(commands, { status: TaskState.FAILED, message: 'Container exited with status 0' });
    const get = (query: string, tenant = '10002') => request(app).get(`/v1/tasks${query}`).set('X-Tenant-Id', tenant);
    return { ...fixture, get };
  }

  test('answers the seed’s example, member by member', async () => {
    const { get } = await withSeedTasks();
    const response = await get(`?taskIds=${container},${commands}`).expect(200);
    expect(exact(response)).toEqual({
      status: 0,
      message: 'OK',
      data: [
        {
          taskId: 806769905152840693n,
          taskName: 'test-docker',
          tenantId: '10002',
          dockerImage: 'dockerhub.XXXX.com/juice-test',
          taskStatus: 2,
          message: 'Container exited with status 0',
          callbackAt: 'Dec 8, 2016 4:03:08 PM',
          callbackUrl: 'http://localhost:9999/v1/callback',
          submitAt: 'Dec 8, 2016 3:58:29 PM',
          retry: 0,
          taskIdStr: '806769905152840693',
          taskStatusName: 'FINISHED',
          attempt: 0,
          attempts: [],
          sequence: 0,
          submittedAt: '2016-12-08T07:58:29.000Z',
          callbackDeliveredAt: '2016-12-08T08:03:08.000Z',
          callbackState: 'idle',
        },
        {
          taskId: 806769905152840695n,
          taskName: 'test-commands',
          tenantId: '10002',
          commands: '/home/app/entrypoint.sh',
          taskStatus: 3,
          message: 'Container exited with status 0',
          callbackUrl: 'http://localhost:9999/v1/callback',
          submitAt: 'Dec 8, 2016 3:54:29 PM',
          retry: 0,
          taskIdStr: '806769905152840695',
          taskStatusName: 'FAILED',
          attempt: 0,
          attempts: [],
          sequence: 0,
          submittedAt: '2016-12-08T07:54:29.000Z',
          callbackState: 'idle',
        },
      ],
    });
    expect(response.text).toContain('"taskId":806769905152840693,');
  });

  test('tells how the callbacks stand, and why', async () => {
    const { get, tasks } = await withSeedTasks();
    const lane = { url: 'http://localhost:9999/', events: 'all', pending: [], attempt: 1 } as const;
    tasks.change(commands, { callback: { ...lane, state: 'dead', cause: 'forbidden-address http://10.0.0.1' } });
    const { data } = exact(await get(`?taskIds=${commands}`).expect(200)) as { data: unknown[] };
    expect(data).toEqual([
      expect.objectContaining({ callbackState: 'dead', callbackCause: 'forbidden-address http://10.0.0.1' }),
    ]);
  });

  test('shows labels and the list of arguments as they were given', async () => {
    const { app, submitTask } = createApiFixture();
    const labels = { team: 'render', 'a.b$c': '', constructor: 'x' };
    const body = { taskName: 'a', commands: ['./run', 'a b'], labels };
    const submitted = await submitTask({ tenantId: 't', body, traceparent: null });
    const taskIds = submitted.ok ? String(submitted.taskId) : '';
    const response = await request(app).get(`/v1/tasks?taskIds=${taskIds}`).set('X-Tenant-Id', 't').expect(200);
    const { data } = exact(response) as { data: object[] };
    expect(data[0]).toMatchObject({ commands: "./run 'a b'", argv: ['./run', 'a b'] });
    expect(data[0]).toHaveProperty('labels', labels);
    expect(data[0]).not.toHaveProperty('dockerImage');
  });

  test('shows where and how the last attempt ended', async () => {
    const { get, tasks } = await withSeedTasks();
    tasks.change(container, {
      attempt: 2,
      seq: 6,
      reason: 'REASON_COMMAND_EXECUTOR_FAILED',
      attempts: [
        attempt(1, { agentId: 'S0', agentHost: 'old' }),
        attempt(2, { agentId: 'S1', agentHost: 'node-1', exitCode: 3 }),
      ],
      startedAt: new Date(seedInstantMs + 1500),
      finishAt: new Date(seedInstantMs + 61_500),
    });
    const { data } = exact(await get(`?taskIds=${container}`)) as { data: object[] };
    expect(data[0]).toMatchObject({
      agentId: 'S1',
      agentHost: 'node-1',
      exitCode: 3,
      attempt: 2,
      sequence: 6,
      reason: 'REASON_COMMAND_EXECUTOR_FAILED',
      finishAt: 'Dec 8, 2016 3:59:30 PM',
      startedAt: '2016-12-08T07:58:30.500Z',
      finishedAt: '2016-12-08T07:59:30.500Z',
    });
  });

  test('lists the attempts: where each was, how it ended, and what it cost', async () => {
    const { get, tasks } = await withSeedTasks();
    const ended = { startedAt: new Date(seedInstantMs + 2000), endedAt: new Date(seedInstantMs + 3000) };
    const failed = {
      ...ended,
      state: 'TASK_FAILED',
      message: 'Command exited with status 3',
      exitCode: 3,
      free: false,
    };
    const lost = { ...ended, state: 'TASK_LOST', reason: 'AGENT_REMOVED', message: '', exitCode: null, free: true };
    tasks.change(container, { attempt: 3, attempts: [attempt(1, failed), attempt(2, lost), attempt(3)] });
    const read = async () => (exact(await get(`?taskIds=${container}`)) as { data: { attempts: object[] }[] }).data[0];
    const times = { launchedAt: '2016-12-08T07:58:30.000Z', startedAt: '2016-12-08T07:58:31.000Z' };
    const endedAt = '2016-12-08T07:58:32.000Z';
    expect((await read())?.attempts).toEqual([
      {
        ...{ number: 1, agentHost: 'node-1', state: 'TASK_FAILED', message: 'Command exited with status 3' },
        ...{ ...times, endedAt, exitCode: 3, failure: 'counted' },
      },
      {
        ...{ number: 2, agentHost: 'node-1', state: 'TASK_LOST', reason: 'AGENT_REMOVED', message: '' },
        ...{ ...times, endedAt, failure: 'free' },
      },
      { number: 3, agentHost: 'node-1', state: 'launching', launchedAt: '2016-12-08T07:58:30.000Z' },
    ]);
    const killed = { ...ended, state: 'TASK_KILLED', free: false };
    tasks.change(container, { status: TaskState.KILLED, attempt: 1, attempts: [attempt(1, killed)] });
    expect((await read())?.attempts[0]).not.toHaveProperty('failure');
    tasks.change(container, { attempts: Array.from({ length: 30 }, (_, at) => attempt(at + 1)) });
    expect((await read())?.attempts).toHaveLength(20);
    expect((await read())?.attempts.at(-1)).toMatchObject({ number: 30 });
  });

  test('keeps the order asked for, leaves out what is unknown or another tenant’s, allows blanks, counts repeats once', async () => {
    const { get } = await withSeedTasks();
    const { data } = exact(await get(`?taskIds=%20${commands}%20,%20777,${container},${commands}`)) as {
      data: { taskId: bigint }[];
    };
    expect(data.map(({ taskId }) => taskId)).toEqual([commands, container]);
    expect(exact(await get(`?taskIds=${container}`, 'someone-else').expect(200))).toMatchObject({ data: [] });
  });

  test('answers HEAD like GET, without a body', async () => {
    const { app } = await withSeedTasks();
    const response = await request(app).head(`/v1/tasks?taskIds=${container}`).set('X-Tenant-Id', '10002').expect(200);
    expect(response.text).toBeUndefined();
    expect(Number(response.headers['content-length'])).toBeGreaterThan(100);
  });

  test('more than one answer should hold is refused, and less in any number is not', async () => {
    const { app } = createApiFixture();
    const submit = async (count: number, commands: string): Promise<string[]> => {
      const tasks = Array.from({ length: count }, () => ({ taskName: 'a', commands }));
      const { body } = await request(app).post('/v1/tasks/batch').set('X-Tenant-Id', 't').send({ tasks }).expect(200);
      return (body as { data: { results: { taskIdStr: string }[] } }).data.results.map(({ taskIdStr }) => taskIdStr);
    };
    const get = (ids: readonly string[]) =>
      request(app)
        .get(`/v1/tasks?taskIds=${ids.join(',')}`)
        .set('X-Tenant-Id', 't');
    const find = async (ids: readonly string[]): Promise<string[]> =>
      ((await get(ids).expect(200)).body as { data: { taskIdStr: string }[] }).data.map(({ taskIdStr }) => taskIdStr);
    const large: string[] = [];
    for (let parts = 0; parts < 3; parts += 1) large.push(...(await submit(100, `true ${'x'.repeat(60_000)}`)));
    const { body } = await get(large).expect(400);
    expect(body).toMatchObject({
      message: expect.stringContaining('no more than 16 MiB, not 300 of this size'),
      details: [{ member: 'taskIds' }],
    });
    expect(await find(large.slice(0, 200))).toEqual(large.slice(0, 200));
    const small = await submit(700, 'true');
    expect(await find(small)).toEqual(small);
  });
});

function attempt(n: number, facts: Partial<FoundAttempt> = {}): FoundAttempt {
  const launchedAt = new Date(seedInstantMs + 1000);
  return { ...sandboxOf(n), n, agentId: 'S1', agentHost: 'node-1', launchedAt, state: 'launching', ...facts };
}
