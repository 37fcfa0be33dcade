import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { asTaskId, parseExactJson, taskIdTimeMs, TaskState, type TaskId } from '@juice/contracts';
import { createApiFixture, seedInstantMs } from '../testing/api-fixture.ts';

// The seed's own requests and answers, and the bodies of the original's Java client.

const demoContainer = `{
   "callbackUrl":"http://www.XXXXXXXX.com/v5/tasks/callback",
   "taskName":"demo-container",
   "env":{"name":"environment","value":"dev"},
    "args":["this is a test"],
    "container":{
        "docker":{
            "image":"dockerhub.XXXX.com/demo-slice"
        },
        "type":"DOCKER"
    }
}`;
const demoCommands = `{
    "callbackUrl":"http://www.XXXXXXXX.com/v5/tasks/callback",
    "taskName":"demo-commands",
    "env":{"name":"environment","value":"dev"},
    "commands":"/home/app/entrypoint.sh"
}`;

function start(settings: Parameters<typeof createApiFixture>[0] = {}) {
  const fixture = createApiFixture(settings);
  const submit = (body: string) =>
    request(fixture.app)
      .post('/v1/tasks')
      .set('X-Tenant-Id', '10002')
      .set('Content-Type', 'application/json')
      .send(body);
  const only = () => {
    const [task] = fixture.tasks.stored.values();
    if (task === undefined) throw new Error('nothing was stored');
    return task;
  };
  return { ...fixture, submit, only };
}

/** The exact answer; supertest's own parser would round ids. */
function exact(response: { text: string }): unknown {
  return parseExactJson(response.text);
}

describe('POST /v1/tasks', () => {
  test('answers the id as an exact number, with the same as text', async () => {
    const { submit, only } = start();
    const response = await submit(demoContainer).expect(200).expect('content-type', 'application/json; charset=utf-8');
    const { taskId } = only();
    expect(response.text).toBe(`{"status":0,"message":"OK","data":{"taskId":${taskId},"taskIdStr":"${taskId}"}}`);
    expect(taskId > 2n ** 53n).toBe(true);
    // The time within the id is that of the seed's example, to the second.
    expect(Math.floor(taskIdTimeMs(taskId) / 1000)).toBe(Math.floor(seedInstantMs / 1000));
    expect(Math.floor(taskIdTimeMs(806769905152840693n as TaskId) / 1000)).toBe(Math.floor(seedInstantMs / 1000));
  });

  test('stores what was asked for, with the defaults filled in', async () => {
    const { submit, only } = start();
    await submit(demoContainer).expect(200);
    expect(only()).toEqual({
      taskId: expect.any(BigInt),
      tenantId: '10002',
      submitAtMs: seedInstantMs,
      expireAtMs: seedInstantMs + 86_400_000,
      traceparent: expect.stringMatching(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/),
      spec: {
        taskName: 'demo-container',
        callbackUrl: 'http://www.XXXXXXXX.com/v5/tasks/callback',
        callbackEvents: 'all',
        commands: null,
        container: {
          type: 'DOCKER',
          docker: {
            image: 'dockerhub.XXXX.com/demo-slice',
            forcePullImage: true,
            privileged: false,
            net: 'BRIDGE',
            parameters: [],
            portMappings: [],
          },
          volumes: [],
        },
        resources: { role: '*', cpus: 1, memMb: 512, diskMb: 0, gpus: 0, ports: 0 },
        env: [{ name: 'environment', value: 'dev' }],
        args: ['this is a test'],
        uris: [],
        constraints: [],
        priority: 0,
        retry: 0,
      },
    });
  });

  test('tells the scheduler once the task is stored', async () => {
    const { submit, only, published } = start();
    await submit(demoCommands).expect(200);
    expect(only().spec).toMatchObject({ commands: '/home/app/entrypoint.sh', container: null });
    expect(published).toEqual([
      {
        exchange: 'juice.tasks',
        routingKey: 'tasks.submitted',
        body: { v: 1, taskIds: [String(only().taskId)] },
      },
    ]);
  });

  test('takes what the Java client sends: its names, its doubles, its nulls, and members it never heard of', async () => {
    const { submit, only } = start();
    await submit(
      JSON.stringify({
        taskName: 'sdk',
        runMode: 'COMMAND',
        type: 1,
        commands: 'true',
        container: null,
        callbackUrl: null,
        env: null,
        envs: [
          { name: 'A', value: '1', extra: { deep: [1] } },
          { name: 'B', value: '' },
        ],
        args: null,
        uris: ['http://files.example.com/a.tgz'],
        constraints: { field: 'rack_id', values: ['r1', 'r2'], extra: null },
        priority: 1,
        retry: 1,
        resources: { role: '*', cpu: 2.0, mem: 1024.0, disk: null, unknown: 'x' },
        taskId: 12345678901234567890,
      }),
    ).expect(200);
    expect(only().spec).toMatchObject({
      env: [
        { name: 'A', value: '1' },
        { name: 'B', value: '' },
      ],
      uris: ['http://files.example.com/a.tgz'],
      constraints: [{ field: 'RACK_ID', values: ['r1', 'r2'] }],
      priority: 1,
      retry: 1,
      resources: { role: '*', cpus: 2, memMb: 1024, diskMb: 0 },
      callbackUrl: null,
    });
  });

  test('raises what is below the least, and never gives less than was asked for', async () => {
    const { submit, tasks } = start();
    await submit('{"taskName":"a","commands":"true","resources":{"cpu":0.01,"mem":1}}').expect(200);
    await submit('{"taskName":"b","commands":"true","resources":{"cpu":0.30001,"mem":300.2,"role":""}}').expect(200);
    const resources = [...tasks.stored.values()].map(({ spec }) => spec.resources);
    expect(resources).toMatchObject([
      { cpus: 0.1, memMb: 256 },
      { cpus: 0.301, memMb: 301, role: '*' },
    ]);
  });

  test('continues the trace that the caller began', async () => {
    const { submit, only } = start();
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    await submit(demoCommands).set('traceparent', `00-${traceId}-00f067aa0ba902b7-01`).expect(200);
    expect(only().traceparent).toContain(traceId);
    expect(only().traceparent).not.toContain('00f067aa0ba902b7');
  });
});

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

describe('POST /v1/tasks/kill', () => {
  async function withTask() {
    const fixture = start();
    await fixture.submit(demoCommands).expect(200);
    fixture.published.length = 0;
    const { taskId } = fixture.only();
    const kill = (tenant = '10002') =>
      request(fixture.app).post(`/v1/tasks/kill?taskId=${taskId}`).set('X-Tenant-Id', tenant);
    return { ...fixture, taskId, kill };
  }

  test('ends a waiting task at once, as the seed’s example has it, and tells the scheduler', async () => {
    const { kill, taskId, published } = await withTask();
    const response = await kill().expect(200);
    expect(response.text).toBe(
      `{"status":0,"message":"OK","data":{"submitKill":true,"resultMessage":"task is killed","currentStatus":6,` +
        `"submitTask":true,"taskId":${taskId},"taskIdStr":"${taskId}"}}`,
    );
    expect(published).toEqual([
      {
        exchange: 'juice.commands',
        routingKey: 'command.kill',
        body: { v: 1, kind: 'kill', taskIds: [String(taskId)] },
      },
    ]);
  });

  test('says of a running task that its kill is under way, again and again', async () => {
    const { kill, tasks, taskId } = await withTask();
    tasks.change(taskId, { status: TaskState.RUNNING });
    for (const _ of [1, 2]) {
      expect(exact(await kill().expect(200))).toMatchObject({
        data: { submitKill: true, currentStatus: 1, resultMessage: 'task is being killed' },
      });
    }
  });

  test('says of a task that has ended how it ended', async () => {
    const { kill, tasks, taskId, published } = await withTask();
    tasks.change(taskId, { status: TaskState.FINISHED, message: 'Container exited with status 0' });
    expect(exact(await kill().expect(200))).toMatchObject({
      data: { submitKill: false, submitTask: false, currentStatus: 2, resultMessage: 'Container exited with status 0' },
    });
    expect(published).toEqual([]);
  });

  test('knows no task of another tenant', async () => {
    const { kill, tasks, taskId } = await withTask();
    const response = await kill('someone-else').expect(400);
    expect(response.body).toMatchObject({
      status: -2127560608,
      message: expect.stringMatching(/^query error, no record equal in db: taskId /),
    });
    expect(await tasks.findTasks('10002', [taskId])).toMatchObject([{ status: TaskState.NOT_START }]);
  });
});

describe('POST /v1/tasks/reconcile', () => {
  test('asks for what runs, and says of the rest why not', async () => {
    const { app, submit, tasks, published } = start();
    for (const _ of [1, 2, 3]) await submit(demoCommands).expect(200);
    const [waiting, running, ended] = [...tasks.stored.keys()] as [TaskId, TaskId, TaskId];
    tasks.change(running, { status: TaskState.RUNNING });
    tasks.change(ended, { status: TaskState.LOST });
    published.length = 0;
    const response = await request(app)
      .post(`/v1/tasks/reconcile?taskIds=${waiting},${running},${ended},99`)
      .set('X-Tenant-Id', '10002')
      .expect(200);
    expect(exact(response)).toMatchObject({
      data: {
        request: 4,
        reconcile: 1,
        reconciles: [
          { taskId: waiting, reconciled: false, message: 'the task has not been started' },
          { taskId: running, reconciled: true, message: 'the cluster is asked' },
          { taskId: ended, reconciled: false, message: 'the task has ended' },
          { taskId: 99, reconciled: false, message: 'no such task of this tenant', taskIdStr: '99' },
        ],
      },
    });
    expect(published).toMatchObject([{ body: { v: 1, kind: 'reconcile', taskIds: [String(running)] } }]);
  });

  test('is refused while the broker is away', async () => {
    const { app, submit, only, tasks, setBrokerDown } = start();
    await submit(demoCommands).expect(200);
    tasks.change(only().taskId, { status: TaskState.RUNNING });
    setBrokerDown(true);
    const response = await request(app)
      .post(`/v1/tasks/reconcile?taskIds=${only().taskId}`)
      .set('X-Tenant-Id', '10002')
      .expect(503)
      .expect('retry-after', '5');
    expect(response.body).toMatchObject({ status: -2127560605 });
  });
});
