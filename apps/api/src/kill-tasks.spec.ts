import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import {
  ErrorCode,
  failureAnswer,
  killManyAnswer,
  parseExactJson,
  successAnswer,
  TaskState,
  type TaskId,
} from '@juice/contracts';
import { startListing } from '../testing/listing.ts';

// POST /v1/tasks/kill?taskIds=a,b

const missing = (2n ** 62n) as TaskId;

function start() {
  const fixture = startListing();
  const post = (query: string, tenant = 't') =>
    request(fixture.app).post(`/v1/tasks/kill?${query}`).set('X-Tenant-Id', tenant);
  const kill = async (ids: readonly (TaskId | string)[], tenant?: string) => {
    const { text } = await post(`taskIds=${ids.join(',')}`, tenant).expect(200);
    return successAnswer(killManyAnswer).strict().parse(parseExactJson(text)).data;
  };
  return { ...fixture, post, kill };
}

test('each id has the outcome that it would have alone, in their order', async () => {
  const { submit, tasks, kill, published } = start();
  const [waiting, running, ended] = [await submit('a'), await submit('b'), await submit('c')];
  const foreign = await submit('d', { tenant: 'other' });
  tasks.change(running, { status: TaskState.RUNNING });
  tasks.change(ended, { status: TaskState.FINISHED, message: 'Container exited with status 0' });
  published.length = 0;
  const { results, killed } = await kill([ended, foreign, running, missing, waiting]);
  expect(killed).toBe(2);
  const unknown = { submitKill: false, submitTask: false, resultMessage: 'no such task of this tenant' };
  const expected: readonly (readonly [TaskId, object])[] = [
    [
      ended,
      { submitKill: false, submitTask: false, resultMessage: 'Container exited with status 0', currentStatus: 2 },
    ],
    [foreign, unknown],
    [running, { submitKill: true, submitTask: true, resultMessage: 'task is being killed', currentStatus: 1 }],
    [missing, unknown],
    [waiting, { submitKill: true, submitTask: true, resultMessage: 'task is killed', currentStatus: 6 }],
  ];
  expect(results).toEqual(expected.map(([taskId, said]) => ({ ...said, taskId, taskIdStr: String(taskId) })));
  const [command] = published;
  expect(published).toHaveLength(1);
  expect(command).toMatchObject({ routingKey: 'command.kill', body: { kind: 'kill' } });
  expect((command?.body as { taskIds: string[] }).taskIds.toSorted()).toEqual(
    [running, waiting].map(String).toSorted(),
  );
  expect(await tasks.findTasks('other', [foreign])).toMatchObject([{ status: TaskState.NOT_START }]);
});

test('again it is the same, but for what has ended by then', async () => {
  const { submit, tasks, kill, published } = start();
  const [waiting, running] = [await submit('a'), await submit('b')];
  tasks.change(running, { status: TaskState.RUNNING });
  await kill([waiting, running]);
  published.length = 0;
  const { results, killed } = await kill([waiting, running]);
  expect(killed).toBe(1);
  expect(results).toMatchObject([
    { submitKill: false, currentStatus: 6 },
    { submitKill: true, currentStatus: 1 },
  ]);
  await kill([waiting]);
  expect(published).toMatchObject([{ body: { taskIds: [String(running)] } }]);
});

describe('what names no tasks', () => {
  test.each<readonly [string, string, keyof typeof ErrorCode]>([
    ['taskIds=', 'taskIds', 'OBJECT_NOT_NULL'],
    ['taskIds=1,x', 'taskIds', 'DATA_FORMAT'],
    ['taskIds=1&taskIds=2', 'taskIds', 'BAD_REQUEST'],
    ['taskIds=1&taskId=2', 'taskIds', 'BAD_REQUEST'],
    ['', 'taskId', 'OBJECT_NOT_NULL'],
  ])('%j', async (query, member, code) => {
    const { post } = start();
    const { body } = await post(query).expect(400);
    expect(failureAnswer.parse(body)).toMatchObject({ status: ErrorCode[code], details: [{ member }] });
  });

  test('more than a thousand', async () => {
    const { post, tasks } = start();
    const { body } = await post(`taskIds=${Array.from({ length: 1001 }, (_, n) => n + 1).join(',')}`).expect(400);
    expect(failureAnswer.parse(body).message).toContain('at most 1000 ids, not 1001');
    expect(tasks.stored.size).toBe(0);
  });
});

test('while the store is away: 503, and the same request does it later', async () => {
  const { submit, tasks, post, kill } = start();
  const taskId = await submit('a');
  tasks.setDown(true);
  await post(`taskIds=${taskId}`).expect(503).expect('retry-after', '5');
  tasks.setDown(false);
  expect(await kill([taskId])).toMatchObject({ killed: 1 });
});

test('the original’s own kill is as it was, whatever its body says', async () => {
  const { submit, app } = start();
  const taskId = await submit('a');
  const sent = request(app).post(`/v1/tasks/kill?taskId=${taskId}`).set('X-Tenant-Id', 't');
  const { text } = await sent.type('form').send('x=y').expect(200);
  expect(text).toBe(
    `{"status":0,"message":"OK","data":{"submitKill":true,"resultMessage":"task is killed","currentStatus":6,` +
      `"submitTask":true,"taskId":${taskId},"taskIdStr":"${taskId}"}}`,
  );
});

test('other methods are for none of it', async () => {
  const { app } = start();
  for (const method of ['get', 'put', 'delete', 'options'] as const)
    await request(app)[method]('/v1/tasks/kill?taskIds=1').expect(405).expect('allow', 'POST');
});

test.each<readonly [string, string, object]>([
  ['dryRun', '&dryRun=true', {}],
  ['dryRun', '', { dryRun: true }],
  ['filter', '', { filter: { all: true } }],
])(
  '%s beside the ids is refused, in the query (%j) or a body (%j), and nothing is killed',
  async (member, query, body) => {
    const { submit, post, kill } = start();
    const id = await submit('a');
    const { text } = await post(`taskIds=${id}${query}`).send(body).expect(400);
    expect(failureAnswer.parse(JSON.parse(text)).details?.map((detail) => detail.member)).toEqual([member]);
    expect((await kill([id])).results).toMatchObject([{ submitKill: true, currentStatus: TaskState.KILLED }]);
  },
);
