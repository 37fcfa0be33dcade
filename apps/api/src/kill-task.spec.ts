import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { TaskState } from '@juice/contracts';
import { demoCommands, exact, startSubmitting } from '../testing/seed-examples.ts';

describe('POST /v1/tasks/kill', () => {
  async function withTask() {
    const fixture = startSubmitting();
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

  test.each([{ dryRun: true }, { filter: { all: true } }])(
    'beside the id %j is refused, in a body and in the query, and nothing is killed',
    async (body) => {
      const { kill, tasks, taskId } = await withTask();
      const [member = ''] = Object.keys(body);
      for (const sent of [kill().send(body), kill().query({ [member]: 'true' })])
        expect((await sent.expect(400)).body).toMatchObject({ details: [{ member }] });
      expect(await tasks.findTasks('10002', [taskId])).toMatchObject([{ status: TaskState.NOT_START }]);
    },
  );

  test.each(['{}', '{"reason":"old"}', 'no JSON', ''])(
    'a body that says nothing of ours is passed over: %j',
    async (body) => {
      const { kill } = await withTask();
      await kill().query({ verbose: '1' }).type('json').send(body).expect(200);
    },
  );

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
