import { expect, test } from '@jest/globals';
import request from 'supertest';
import {
  failureAnswer,
  parseExactJson,
  successAnswer,
  taskCallbacksAnswer,
  TaskState,
  type TaskCallbacksAnswer,
} from '@juice/contracts';
import { createApiFixture, seedInstantMs } from '../testing/api-fixture.ts';
import type { FoundTry } from './show-callbacks.ts';

// GET /v1/tasks/{taskId}/callbacks

async function start(body: object) {
  const fixture = createApiFixture();
  const { app, tasks } = fixture;
  await request(app)
    .post('/v1/tasks')
    .set('X-Tenant-Id', 't')
    .send({ taskName: 'a', commands: 'true', ...body })
    .expect(200);
  const [taskId] = tasks.stored.keys();
  if (taskId === undefined) throw new Error('nothing was stored');
  const get = (query = '', tenant = 't') =>
    request(app).get(`/v1/tasks/${taskId}/callbacks${query}`).set('X-Tenant-Id', tenant);
  const show = async (query = ''): Promise<TaskCallbacksAnswer> =>
    successAnswer(taskCallbacksAnswer)
      .strict()
      .parse(parseExactJson((await get(query).expect(200)).text)).data;
  return { ...fixture, taskId, get, show };
}

function aTry(seq: number, nth: number, facts: Partial<FoundTry> = {}): FoundTry {
  return {
    seq,
    try: nth,
    status: TaskState.RUNNING,
    url: 'http://localhost/hook',
    startedAtMs: seedInstantMs + seq * 100 + nth,
    durationMs: 12,
    outcome: 'failed',
    httpStatus: 503,
    cause: 'status-503',
    detail: 'busy',
    phases: { lookupMs: 1, connectMs: 2 },
    ...facts,
  };
}

test('a task without a callback URL has no lane, and nothing was tried', async () => {
  const { show, taskId } = await start({});
  expect(await show()).toEqual({ taskId, taskIdStr: String(taskId), tries: [] });
});

test('shows how the lane stands, and what is still to be called back', async () => {
  const { show, tasks, taskId } = await start({ callbackUrl: 'http://localhost/hook' });
  expect((await show()).lane).toEqual({
    ...{ url: 'http://localhost/hook', events: 'all', state: 'idle', pending: [], tries: 0, superseded: 0 },
  });
  const state = { seq: 2, status: TaskState.RUNNING, attempt: 1, message: 'runs', reason: null };
  tasks.change(taskId, {
    callback: {
      url: 'http://localhost/hook',
      events: 'terminal',
      state: 'pending',
      pending: [{ ...state, at: new Date(seedInstantMs) }],
      dueAt: new Date(seedInstantMs + 5000),
      attempt: 3,
      cause: 'status-503',
      superseded: 2,
    },
  });
  expect((await show()).lane).toEqual({
    url: 'http://localhost/hook',
    events: 'terminal',
    state: 'pending',
    pending: [
      {
        ...{ sequence: 2, taskStatus: 1, taskStatusName: 'RUNNING', at: '2016-12-08T07:58:29.000Z' },
        ...{ attempt: 1, message: 'runs' },
      },
    ],
    dueAt: '2016-12-08T07:58:34.000Z',
    tries: 3,
    cause: 'status-503',
    superseded: 2,
  });
});

test('lists the tries, the newest first, page by page', async () => {
  const { show, tasks } = await start({ callbackUrl: 'http://localhost/hook' });
  const delivered = { outcome: 'delivered', httpStatus: 200, cause: null, detail: null } as const;
  tasks.tries.push(aTry(3, 1, delivered), aTry(2, 2), aTry(2, 1));
  const { tries, nextCursor } = await show();
  expect(nextCursor).toBeUndefined();
  expect(tries.map((one) => [one.sequence, one.try])).toEqual([
    [3, 1],
    [2, 2],
    [2, 1],
  ]);
  expect(tries[0]).toEqual({
    ...{ sequence: 3, taskStatus: 1, taskStatusName: 'RUNNING', try: 1, url: 'http://localhost/hook' },
    ...{ startedAt: '2016-12-08T07:58:29.301Z', durationMs: 12, outcome: 'delivered', httpStatus: 200 },
    phases: { lookupMs: 1, connectMs: 2 },
  });
  expect(tries[1]).toMatchObject({ outcome: 'failed', httpStatus: 503, cause: 'status-503', detail: 'busy' });

  const met: number[][] = [];
  for (let query = '?limit=2'; ;) {
    const page = await show(query);
    met.push(page.tries.map((one) => one.try));
    if (page.nextCursor === undefined) break;
    query = `?limit=2&cursor=${page.nextCursor}`;
  }
  expect(met).toEqual([[1, 2], [1]]);
  expect(await show('?limit=3')).not.toHaveProperty('nextCursor');
});

test('of another tenant’s task there is nothing to see', async () => {
  const { get, tasks } = await start({ callbackUrl: 'http://localhost/hook' });
  tasks.tries.push(aTry(1, 1));
  const { body, text } = await get('', 'other').expect(404);
  expect(failureAnswer.parse(body)).toMatchObject({ details: [{ member: 'taskId' }] });
  expect(text).not.toContain('hook');
});

test.each([
  ['?limit=0', 'limit'],
  ['?limit=x', 'limit'],
  ['?cursor=5', 'cursor'],
  ['?cursor=', 'cursor'],
  ['?cursor=1.2.3.4', 'cursor'],
  ['?cursors=1', 'cursors'],
])('%s is refused', async (query, member) => {
  const { get } = await start({});
  const { body } = await get(query).expect(400);
  expect(failureAnswer.parse(body).details).toMatchObject([{ member }]);
});
