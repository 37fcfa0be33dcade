import { describe, expect, test } from '@jest/globals';
import { taskIdTimeMs, type TaskId } from '@juice/contracts';
import { seedInstantMs } from '../testing/api-fixture.ts';
import { openPolicy } from './machine-policy.ts';
import { demoCommands, demoContainer, startSubmitting } from '../testing/seed-examples.ts';

// The seed's own requests and answers, and the bodies of the original's Java client.

describe('POST /v1/tasks', () => {
  test('answers the id as an exact number, with the same as text', async () => {
    const { submit, only } = startSubmitting();
    const response = await submit(demoContainer).expect(200).expect('content-type', 'application/json; charset=utf-8');
    const { taskId } = only();
    expect(response.text).toBe(`{"status":0,"message":"OK","data":{"taskId":${taskId},"taskIdStr":"${taskId}"}}`);
    expect(taskId > 2n ** 53n).toBe(true);
    // The time within the id is that of the seed's example, to the second.
    expect(Math.floor(taskIdTimeMs(taskId) / 1000)).toBe(Math.floor(seedInstantMs / 1000));
    expect(Math.floor(taskIdTimeMs(806769905152840693n as TaskId) / 1000)).toBe(Math.floor(seedInstantMs / 1000));
  });

  test('stores what was asked for, with the defaults filled in', async () => {
    const { submit, only } = startSubmitting();
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
        expireSeconds: null,
        maxRunSeconds: null,
        killGraceSeconds: null,
        unreachableSeconds: null,
        labels: [],
      },
    });
  });

  test('tells the scheduler once the task is stored', async () => {
    const { submit, only, published } = startSubmitting();
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
    const { submit, only } = startSubmitting();
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

  test('placement is stored in one spelling: constraints by operator, a group, a priority', async () => {
    const { submit, only } = startSubmitting();
    await submit(
      JSON.stringify({
        taskName: 'placed',
        commands: 'true',
        constraints: [
          { field: 'hostname', operator: 'in', values: ['h1'] },
          { field: 'zone', operator: 'unlike', values: ['eu-[0-9]+'] },
          { field: 'ssd', operator: 'exists' },
          { field: 'cores', operator: 'Greater', values: ['15.5'] },
        ],
        group: { name: 'replicas', placement: 'UNIQUE', by: 'rack_id' },
        priority: 50,
      }),
    ).expect(200);
    expect(only().spec).toMatchObject({
      constraints: [
        { field: 'HOSTNAME', values: ['h1'] },
        { field: 'zone', operator: 'UNLIKE', values: ['eu-[0-9]+'] },
        { field: 'ssd', operator: 'EXISTS', values: [] },
        { field: 'cores', operator: 'GREATER', values: ['15.5'] },
      ],
      group: { name: 'replicas', placement: 'unique', by: 'RACK_ID' },
      priority: 50,
    });
  });

  test('takes a program with its arguments, also in the words of a shell', async () => {
    const { submit, only } = startSubmitting();
    await submit('{"taskName":"a","commands":["./convert","it\'s","--size=3","a b"]}').expect(200);
    expect(only().spec).toMatchObject({
      commands: `./convert 'it'\\''s' --size=3 'a b'`,
      argv: ['./convert', "it's", '--size=3', 'a b'],
    });
  });

  test('takes what is fetched, and how', async () => {
    const { submit, only } = startSubmitting();
    const uris = [
      'http://files.test/a.tgz',
      { value: 'http://files.test/run', executable: true },
      { value: 'http://files.test/dir/', outputFile: 'data/all.zip', extract: false, cache: true },
    ];
    await submit(JSON.stringify({ taskName: 'a', commands: 'true', uris })).expect(200);
    expect(only().spec.uris).toEqual(['http://files.test/a.tgz', 'http://files.test/run', 'http://files.test/dir/']);
    expect(only().spec.fetching).toEqual([
      { extract: true, executable: false, cache: false, outputFile: null },
      { extract: false, executable: true, cache: false, outputFile: null },
      { extract: false, executable: false, cache: true, outputFile: 'data/all.zip' },
    ]);
  });

  test('takes labels as an object or as a list, and keeps each once', async () => {
    const { submit, tasks } = startSubmitting();
    const list = [
      { key: 'team', value: 'render' },
      { key: 'a.b$c', value: '' },
      { key: 'team', value: 'render' },
    ];
    await submit(JSON.stringify({ taskName: 'a', commands: 'true', labels: list })).expect(200);
    await submit('{"taskName":"b","commands":"true","labels":{"team":"render","a.b$c":""}}').expect(200);
    const stored = [...tasks.stored.values()].map(({ spec }) => spec.labels);
    expect(stored).toEqual([list.slice(0, 2), list.slice(0, 2)]);
  });

  test('refuses a role that the scheduler is not subscribed with, where it knows', async () => {
    const asking = (role: string) => `{"taskName":"a","commands":"true","resources":{"role":"${role}"}}`;
    const told = startSubmitting({ policy: openPolicy, roles: ['*', 'batch'] });
    const { body } = await told.submit(asking('web')).expect(400);
    expect(body).toMatchObject({
      status: -2127552256,
      details: [
        {
          member: 'resources.role',
          message:
            'resources.role must be one of "*", "batch", for which the scheduler is offered resources, not "web"',
        },
      ],
    });
    for (const role of ['', '*', 'batch']) await told.submit(asking(role)).expect(200);
    await startSubmitting({ policy: openPolicy }).submit(asking('web')).expect(200);
  });

  test('takes how long it may wait, run, and take to stop', async () => {
    const { submit, only } = startSubmitting();
    const times = { expireSeconds: 90, maxRunSeconds: 60, killGraceSeconds: 0, unreachableSeconds: 0 };
    await submit(JSON.stringify({ taskName: 'a', commands: 'true', ...times })).expect(200);
    expect(only()).toMatchObject({ expireAtMs: seedInstantMs + 90_000, spec: times });
  });

  test('raises what is below the least, and never gives less than was asked for', async () => {
    const { submit, tasks } = startSubmitting();
    await submit('{"taskName":"a","commands":"true","resources":{"cpu":0.01,"mem":1}}').expect(200);
    await submit('{"taskName":"b","commands":"true","resources":{"cpu":0.30001,"mem":300.2,"role":""}}').expect(200);
    const resources = [...tasks.stored.values()].map(({ spec }) => spec.resources);
    expect(resources).toMatchObject([
      { cpus: 0.1, memMb: 256 },
      { cpus: 0.301, memMb: 301, role: '*' },
    ]);
  });

  test('continues the trace that the caller began', async () => {
    const { submit, only } = startSubmitting();
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    await submit(demoCommands).set('traceparent', `00-${traceId}-00f067aa0ba902b7-01`).expect(200);
    expect(only().traceparent).toContain(traceId);
    expect(only().traceparent).not.toContain('00f067aa0ba902b7');
  });
});
