import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import {
  failureAnswer,
  isEndState,
  killByFilterAnswer,
  killDryRunAnswer,
  parseExactJson,
  successAnswer,
  TaskState,
} from '@juice/contracts';
import { startListing } from '../testing/listing.ts';

// POST /v1/tasks/kill with a filter in its body

function start() {
  const fixture = startListing();
  const post = (body: object | string, tenant = 't') =>
    request(fixture.app)
      .post('/v1/tasks/kill')
      .set('X-Tenant-Id', tenant)
      .type('json')
      .send(typeof body === 'string' ? body : JSON.stringify(body));
  const kill = async (body: object, tenant?: string) => {
    const { text } = await post(body, tenant).expect(200);
    return successAnswer(killByFilterAnswer).strict().parse(parseExactJson(text)).data;
  };
  const dryRun = async (body: object, tenant?: string) => {
    const { text } = await post({ ...body, dryRun: true }, tenant).expect(200);
    return successAnswer(killDryRunAnswer).strict().parse(parseExactJson(text)).data;
  };
  const killed = async (tenant = 't') => {
    const found = await fixture.tasks.findTasks(tenant, [...fixture.tasks.stored.keys()]);
    return found
      .filter(({ status, ...task }) => status === TaskState.KILLED || 'killRequestedAt' in task)
      .map(({ taskName }) => taskName)
      .toSorted();
  };
  return { ...fixture, post, kill, dryRun, killed };
}

describe('which tasks are killed', () => {
  async function withTasks() {
    const fixture = start();
    const { submit, tasks, published } = fixture;
    await submit('web-1', { labels: { team: 'red' } });
    const running = await submit('web-2', { labels: { team: 'blue' } });
    const ended = await submit('web-3', { labels: { team: 'red' } });
    await submit('job-1', { labels: { team: 'red', tier: 'low' } });
    await submit('web-4', { tenant: 'other', labels: { team: 'red' } });
    tasks.change(running, { status: TaskState.RUNNING });
    tasks.change(ended, { status: TaskState.FINISHED, message: 'done' });
    published.length = 0;
    return fixture;
  }

  test.each<readonly [object, readonly string[]]>([
    [{ all: true }, ['job-1', 'web-1', 'web-2']],
    [{ namePrefix: 'web-' }, ['web-1', 'web-2']],
    [{ status: 'RUNNING' }, ['web-2']],
    [{ status: ['waiting', 'FINISHED'] }, ['job-1', 'web-1']],
    [{ labels: { team: 'red' } }, ['job-1', 'web-1']],
    [{ labels: { team: 'red', tier: 'low' } }, ['job-1']],
    [{ labels: [{ key: 'tier' }] }, ['job-1']],
    [{ namePrefix: 'web', labels: { team: 'red' } }, ['web-1']],
    [{ submittedAfter: '2999-01-01T00:00:00Z' }, []],
    [{ submittedBefore: '2000-01-01T00:00:00Z' }, []],
  ])('%j: told beforehand, and then done', async (filter, expected) => {
    const { kill, dryRun, killed, published } = await withTasks();
    const told = await dryRun({ filter });
    expect(told).toMatchObject({ dryRun: true, matched: expected.length, isComplete: true });
    expect(told.sample.map(({ taskName }) => taskName).toSorted()).toEqual(expected);
    expect(await killed()).toEqual([]);
    expect(published).toEqual([]);
    const done = await kill({ filter });
    expect(done).toMatchObject({ dryRun: false, killed: expected.length, remaining: 0, isComplete: true });
    expect(done).not.toHaveProperty('nextCursor');
    expect(done.sample.map(({ taskName }) => taskName).toSorted()).toEqual(expected);
    expect(await killed()).toEqual(expected);
    expect(await killed('other')).toEqual([]);
    expect(published).toHaveLength(expected.length === 0 ? 0 : 1);
    // What was asked for before is not asked for again.
    expect(await dryRun({ filter })).toMatchObject({ matched: 0, sample: [] });
    expect(await kill({ filter })).toMatchObject({ killed: 0, remaining: 0 });
  });
});

describe('many', () => {
  async function withMany(count: number) {
    const fixture = start();
    for (let n = 0; n < count; n += 1) await fixture.submit(n % 2 === 0 ? 'even' : 'odd');
    return fixture;
  }

  test('no more than the limit, the newest first, and the answer says how to go on', async () => {
    const { kill, killed } = await withMany(12);
    const first = await kill({ filter: { namePrefix: 'even' }, limit: 4 });
    expect(first).toMatchObject({ killed: 4, remaining: 2, isComplete: true });
    expect(first.sample.map(({ taskId }) => taskId)).toEqual(
      first.sample.map(({ taskId }) => taskId).toSorted((a, b) => (a < b ? 1 : -1)),
    );
    const rest = await kill({ filter: { namePrefix: 'even' }, cursor: first.nextCursor });
    expect(rest).toMatchObject({ killed: 2, remaining: 0 });
    expect(await killed()).toEqual(Array.from({ length: 6 }, () => 'even'));
  });

  test('the same request again goes on as well, since what is killed does not match any more', async () => {
    const { kill } = await withMany(12);
    const counts = [];
    for (let n = 0; n < 4; n += 1) counts.push((await kill({ filter: { namePrefix: 'odd' }, limit: 4 })).killed);
    expect(counts).toEqual([4, 2, 0, 0]);
  });

  test('of a tenant with more tasks than are looked at in one go, what is left is said, and found by the cursor', async () => {
    // The store in memory looks at seven tasks for a page.
    const { kill, dryRun, killed } = await withMany(100);
    const told = await dryRun({ filter: { namePrefix: 'even' } });
    expect(told.isComplete).toBe(false);
    expect(told.matched).toBeLessThan(50);
    let total = 0;
    let cursor: string | undefined;
    for (let n = 0; n < 100; n += 1) {
      const answer = await kill({ filter: { namePrefix: 'even' }, ...(cursor !== undefined && { cursor }) });
      total += answer.killed;
      cursor = answer.nextCursor;
      if (cursor === undefined) break;
    }
    expect(cursor).toBeUndefined();
    expect(total).toBe(50);
    expect(await killed()).toEqual(Array.from({ length: 50 }, () => 'even'));
  });
});

describe('what chooses no tasks is refused, and kills nothing', () => {
  test.each<readonly [object | string, string]>([
    ['{}', 'filter'],
    ['{"filter":{}}', 'filter'],
    ['{"filter":null}', 'filter'],
    ['{"filter":{"all":false}}', 'filter.all'],
    ['{"filter":{"all":true,"namePrefix":"a"}}', 'filter.all'],
    ['{"filter":{"namePrefx":"a"}}', 'filter.namePrefx'],
    ['{"filter":{"namePrefix":""}}', 'filter.namePrefix'],
    ['{"filter":{"status":"SLEEPING"}}', 'filter.status'],
    ['{"filter":{"status":[]}}', 'filter.status'],
    ['{"filter":{"status":"FINISHED"}}', 'filter.status'],
    ['{"filter":{"labels":{}}}', 'filter.labels'],
    ['{"filter":{"submittedAfter":"yesterday"}}', 'filter.submittedAfter'],
    [
      { filter: { submittedAfter: '2026-01-02T00:00:00Z', submittedBefore: '2026-01-01T00:00:00Z' } },
      'filter.submittedBefore',
    ],
    ['{"filter":{"all":true},"dryrun":true}', 'dryrun'],
    ['{"filter":{"all":true},"limit":0}', 'limit'],
    ['{"filter":{"all":true},"limit":10001}', 'limit'],
    ['{"filter":{"all":true},"cursor":"x"}', 'cursor'],
    ['[]', 'body'],
    ['{', 'body'],
  ])('%j', async (body, member) => {
    const { submit, post, killed } = start();
    await submit('a');
    const response = await post(body).expect(400);
    expect(failureAnswer.parse(response.body).details?.[0]?.member).toBe(member);
    expect(await killed()).toEqual([]);
  });
});

test('while the store is away: 503, and the same request does it later', async () => {
  const { submit, post, kill, tasks } = start();
  await submit('a');
  tasks.setDown(true);
  await post({ filter: { all: true } }).expect(503);
  await post({ filter: { all: true }, dryRun: true }).expect(503);
  tasks.setDown(false);
  expect(await kill({ filter: { all: true } })).toMatchObject({ killed: 1 });
});

test('tasks that end in between are not counted', async () => {
  const { submit, kill, tasks } = start();
  const [one] = [await submit('a'), await submit('b')];
  const requestKills = tasks.requestKills.bind(tasks);
  Object.assign(tasks, {
    requestKills(...asked: Parameters<typeof requestKills>) {
      tasks.change(one, { status: TaskState.FINISHED });
      return requestKills(...asked);
    },
  });
  const answer = await kill({ filter: { all: true } });
  expect(answer).toMatchObject({ killed: 1, remaining: 0, sample: [{ taskName: 'b' }] });
  expect(answer.sample.every(({ taskStatus }) => !isEndState(taskStatus as TaskState))).toBe(true);
});

test('a parameter beside the body is refused, dryRun above all, and nothing is killed', async () => {
  const { app, submit, killed } = start();
  await submit('a');
  const sent = request(app)
    .post('/v1/tasks/kill?dryRun=true')
    .set('X-Tenant-Id', 't')
    .send({ filter: { all: true } });
  const { text } = await sent.expect(400);
  expect(failureAnswer.parse(JSON.parse(text)).details?.map(({ member }) => member)).toEqual(['dryRun']);
  expect(await killed()).toEqual([]);
});
