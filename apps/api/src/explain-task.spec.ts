import { expect, test } from '@jest/globals';
import request from 'supertest';
import {
  ErrorCode,
  failureAnswer,
  parseExactJson,
  queueSurvey,
  successAnswer,
  taskWhy,
  TaskState,
  type QueueSurvey,
  type TaskId,
  type WhyWaiting,
} from '@juice/contracts';
import { dataOf, failureOf, startAdmin } from '../testing/admin-client.ts';
import { createApiFixture, noLeader, seedInstantMs } from '../testing/api-fixture.ts';

// GET /v1/tasks/{taskId}/why and GET /v1/admin/queue

const asOf = new Date(seedInstantMs).toISOString();
const says = (taskId: TaskId): WhyWaiting => ({
  taskIdStr: String(taskId),
  state: 'waiting',
  summary: 'constraint rack_id: no agent has it',
  asOf,
  obstacles: [{ why: 'constraint', of: 'rack_id', agents: 4 }],
});

async function start(leads = true) {
  const leader = leads ? { ...noLeader, why: (taskId: TaskId) => Promise.resolve(says(taskId)) } : noLeader;
  const fixture = createApiFixture({ leader });
  const submitted = request(fixture.app).post('/v1/tasks').set('X-Tenant-Id', 't');
  await submitted.send({ taskName: 'a', commands: 'true' }).expect(200);
  const [taskId] = fixture.tasks.stored.keys();
  if (taskId === undefined) throw new Error('nothing was stored');
  const get = (id: TaskId | string = taskId, tenant = 't') =>
    request(fixture.app).get(`/v1/tasks/${id}/why`).set('X-Tenant-Id', tenant);
  const why = async () =>
    successAnswer(taskWhy)
      .strict()
      .parse(parseExactJson((await get().expect(200)).text)).data;
  return { ...fixture, taskId, get, why };
}

test('of a task that waits it says what the leading scheduler says', async () => {
  const { taskId, why } = await start();
  expect(await why()).toEqual({ ...says(taskId), taskId });
});

test('of a task that has ended, what became of it, without asking anybody', async () => {
  const { tasks, taskId, why } = await start();
  tasks.change(taskId, { status: TaskState.EXPIRED, reason: 'EXPIRED', finishAt: new Date(seedInstantMs) });
  expect(await why()).toEqual({
    ...{ taskId, taskIdStr: String(taskId), asOf, state: 'ended' },
    summary: `it has ended: EXPIRED (EXPIRED) at ${asOf}`,
  });
});

test('while no scheduler leads it says so', async () => {
  const { why } = await start(false);
  expect(await why()).toMatchObject({ state: 'unknown', summary: expect.stringContaining('no scheduler leads') });
});

test('another tenant’s task is as none', async () => {
  const { get, taskId } = await start();
  const { body } = await get(taskId, 'other').expect(404);
  expect(failureAnswer.parse(body)).toMatchObject({ status: ErrorCode.NO_RECORD, details: [{ member: 'taskId' }] });
  await get('abc').expect(400);
});

const survey: QueueSurvey = {
  asOf,
  cluster: {
    ...{ subscribed: true, suppressed: false, agents: 1, offers: 0, total: { cpus: 4, memMb: 1024, gpus: 0 } },
    ...{ penalised: [], reserved: [] },
  },
  ...{ waiting: 0, pausing: 0, running: 0, tenants: [], blocked: [] },
};

test('what waits over all tenants is for operators alone', async () => {
  const client = startAdmin({ leader: { ...noLeader, survey: () => Promise.resolve(survey) } });
  expect(dataOf(queueSurvey, await client.admin('get', '/v1/admin/queue').expect(200))).toEqual(survey);
  const { key } = await client.newKey('acme');
  await client.withKey(key, 'get', '/v1/admin/queue').expect(403);
  await request(client.app).get('/v1/admin/queue').expect(401);
  await client.admin('post', '/v1/admin/queue', {}).expect(405).expect('allow', 'GET, HEAD');
});

test('and cannot be told while no scheduler leads', async () => {
  const client = startAdmin();
  const refused = await client.admin('get', '/v1/admin/queue').expect(503).expect('retry-after', '5');
  expect(failureOf(refused).message).toContain('no scheduler leads');
});
