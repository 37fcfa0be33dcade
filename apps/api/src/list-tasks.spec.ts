import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { ErrorCode, failureAnswer, parseExactJson, TaskState } from '@juice/contracts';
import { seedInstantMs } from '../testing/api-fixture.ts';
import { startListing } from '../testing/listing.ts';

// GET /v1/tasks as a list.

test('the newest are first; entries are those of the query by ids, without their attempts', async () => {
  const { submit, list, get } = startListing();
  const first = await submit('a');
  const second = await submit('b');
  const { tasks } = await list('limit=10');
  expect(tasks.map(({ taskId }) => taskId)).toEqual([second, first]);
  const byId = parseExactJson((await get(`taskIds=${first}`)).text) as { data: object[] };
  expect(byId.data[0]).toEqual({ ...tasks[1], attempts: [] });
  expect(await list('limit=1')).toMatchObject({ tasks: [{ taskId: second }], nextCursor: String(second) });
  expect(await list(`limit=1&cursor=${second}`)).toEqual({ tasks: [tasks[1]] });
});

test('a page has a hundred tasks unless told, and says so', async () => {
  const { submit, list } = startListing();
  for (let n = 0; n < 101; n += 1) await submit(`task-${n}`);
  const { tasks, nextCursor } = await list('status=waiting');
  expect(tasks).toHaveLength(100);
  expect(nextCursor).toBe(tasks.at(-1)?.taskIdStr);
});

test('tasks are chosen by status, name, label and time, and by all of them together', async () => {
  const { submit, listAll, names, tasks, advance } = startListing();
  const a = await submit('render-1', { labels: { team: 'x', run: '7' } });
  advance(60_000);
  await submit('render-2', { labels: { team: 'y' } });
  const c = await submit('encode', { labels: { team: 'x' } });
  tasks.change(a, { status: TaskState.FAILED });
  tasks.change(c, { status: TaskState.RUNNING });
  const chosen = async (query: string) => names(await listAll(query));
  expect(await chosen('status=FAILED')).toEqual(['render-1']);
  expect(await chosen('status=3,running')).toEqual(['encode', 'render-1']);
  expect(await chosen('status=live')).toEqual(['encode', 'render-2']);
  expect(await chosen('status=waiting&status=ended')).toEqual(['render-2', 'render-1']);
  expect(await chosen('namePrefix=render-')).toEqual(['render-2', 'render-1']);
  expect(await chosen('namePrefix=r.*')).toEqual([]);
  expect(await chosen('label=team:x')).toEqual(['encode', 'render-1']);
  expect(await chosen('label=team')).toEqual(['encode', 'render-2', 'render-1']);
  expect(await chosen('label=team:x&label=run')).toEqual(['render-1']);
  expect(await chosen('label=team:x&status=running&namePrefix=e')).toEqual(['encode']);
  const later = new Date(seedInstantMs + 60_000);
  expect(await chosen(`submittedAfter=${later.toISOString()}`)).toEqual(['encode', 'render-2']);
  expect(await chosen(`submittedBefore=${later.toISOString()}`)).toEqual(['render-1']);
  // A minute's tasks, as clients in China write it, with the plus sign encoded or not.
  for (const plus of ['+', '%2B']) {
    const range = `submittedAfter=2016-12-08T15:59:29${plus}08:00&submittedBefore=2016-12-08T16:00:29${plus}08:00`;
    expect(await chosen(range)).toEqual(['encode', 'render-2']);
  }
  expect(await chosen('submittedAfter=9999-01-01T00:00:00Z')).toEqual([]);
});

test('a filter that matches nothing ends after a bounded search, and goes on from there', async () => {
  const { submit, list } = startListing();
  for (let n = 0; n < 15; n += 1) await submit('a');
  const first = await list('namePrefix=z');
  expect(first).toEqual({ tasks: [], nextCursor: expect.any(String) });
  const second = await list(`namePrefix=z&cursor=${first.nextCursor}`);
  expect(await list(`namePrefix=z&cursor=${second.nextCursor}`)).toEqual({ tasks: [] });
});

test('another tenant’s tasks are in no list of a tenant’s', async () => {
  const { submit, list, listAll } = startListing();
  const own = await submit('a', { labels: { team: 'x' } });
  const other = await submit('a', { tenant: 'other', labels: { team: 'x' } });
  for (const query of ['limit=9', 'status=waiting', 'namePrefix=a', 'label=team:x'])
    expect((await listAll(query)).map(({ taskId }) => taskId)).toEqual([own]);
  expect((await list(`limit=9&cursor=${other}`, 'other')).tasks).toEqual([]);
  expect((await list(`limit=9&cursor=${other + 1n}`, 'third')).tasks).toEqual([]);
});

describe('what is no list', () => {
  const { get, list } = startListing();
  const right: readonly (readonly [string, string])[] = [
    ['limit=1&statuss=RUNNING', 'statuss'],
    ['limit=1&offset=3', 'offset'],
    ['status=', 'status'],
    ['status=RUNNING,NOPE', 'status'],
    ['status=99', 'status'],
    ['status[]=1&limit=1', 'status[]'],
    ['namePrefix=', 'namePrefix'],
    ['namePrefix=a&namePrefix=b', 'namePrefix'],
    [`namePrefix=${'x'.repeat(101)}`, 'namePrefix'],
    ['label=', 'label'],
    ['label=:x', 'label'],
    ['submittedAfter=yesterday', 'submittedAfter'],
    ['submittedAfter=2016-12-08', 'submittedAfter'],
    ['submittedBefore=1481183909000', 'submittedBefore'],
    ['submittedAfter=2016-12-08T00:00:00Z&submittedBefore=2016-12-07T00:00:00Z', 'submittedBefore'],
    ['cursor=x', 'cursor'],
    ['cursor=-1', 'cursor'],
    ['cursor=9223372036854775808', 'cursor'],
    ['limit=', 'limit'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['taskIds=1&limit=1', 'taskIds'],
    ['taskIds=&status=RUNNING', 'taskIds'],
  ];

  test.each(right)('%s', async (query, member) => {
    const answer = failureAnswer.parse((await get(query).expect(400)).body);
    expect(answer.details?.map((detail) => detail.member)).toEqual([member]);
    expect(answer.message).toContain(member);
  });

  test('everything that is wrong is said at once', async () => {
    const { body } = await get('limit=0&cursor=x&status=NOPE&nope=1').expect(400);
    const members = failureAnswer.parse(body).details?.map(({ member }) => member) ?? [];
    expect(members.toSorted()).toEqual(['cursor', 'limit', 'nope', 'status']);
  });

  test('without a parameter of a list it is the original’s query, which wants ids', async () => {
    for (const query of ['', 'statuss=RUNNING', 'nope']) {
      const { body } = await get(query).expect(400);
      expect(failureAnswer.parse(body)).toMatchObject({
        status: ErrorCode.OBJECT_NOT_NULL,
        details: [{ member: 'taskIds' }],
      });
    }
    expect(await list('limit=1')).toEqual({ tasks: [] });
  });

  test('a tenant is wanted', async () => {
    const { app } = startListing();
    const { body } = await request(app).get('/v1/tasks?limit=1').expect(400);
    expect(body).toMatchObject({ details: [{ member: 'X-Tenant-Id' }] });
  });
});
