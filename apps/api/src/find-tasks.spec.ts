import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { asTaskId, TaskState, type TaskId } from '@juice/contracts';
import { createApiFixture, seedInstantMs } from '../testing/api-fixture.ts';
import { exact } from '../testing/seed-examples.ts';

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
          sequence: 0,
          submittedAt: '2016-12-08T07:58:29.000Z',
          callbackDeliveredAt: '2016-12-08T08:03:08.000Z',
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
          sequence: 0,
          submittedAt: '2016-12-08T07:54:29.000Z',
        },
      ],
    });
    expect(response.text).toContain('"taskId":806769905152840693,');
  });

  test('shows where and how the last attempt ended', async () => {
    const { get, tasks } = await withSeedTasks();
    tasks.change(container, {
      attempt: 2,
      seq: 6,
      reason: 'REASON_COMMAND_EXECUTOR_FAILED',
      attempts: [
        { agentId: 'S0', agentHost: 'old' },
        { agentId: 'S1', agentHost: 'node-1', exitCode: 3 },
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
});
