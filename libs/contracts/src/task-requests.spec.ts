import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { batchRequest } from './batch-request.ts';
import { killRequest } from './kill-request.ts';
import { listTasksQuery } from './list-tasks-query.ts';
import { rerunRequest } from './rerun-request.ts';
import { liveStates, TaskState } from './task-state.ts';

function problems(schema: z.ZodType, given: unknown): string[] {
  return schema.safeParse(given).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? [];
}

describe('listTasksQuery', () => {
  test.each<readonly [object, object]>([
    [{}, {}],
    [{ status: 'RUNNING' }, { status: [1] }],
    [{ status: 'running, 2,Waiting' }, { status: [1, 2, -1] }],
    [{ status: ['live', 'staging'] }, { status: liveStates }],
    [{ status: 'ended' }, { status: [2, 3, 4, 5, 6, 8, 9, 10, 11, 12] }],
    [{ namePrefix: 'a.*' }, { namePrefix: 'a.*' }],
    [{ label: 'team:render' }, { label: [{ key: 'team', value: 'render' }] }],
    [
      { label: ['team', 'run:a:b', 'empty:'] },
      {
        label: [
          { key: 'team', value: null },
          { key: 'run', value: 'a:b' },
          { key: 'empty', value: '' },
        ],
      },
    ],
    [{ submittedAfter: '2026-01-31T08:00:00+08:00' }, { submittedAfter: Date.UTC(2026, 0, 31) }],
    // A plus sign that was not encoded arrives as a blank.
    [{ submittedAfter: '2026-01-31T08:00:00 08:00' }, { submittedAfter: Date.UTC(2026, 0, 31) }],
    [{ submittedBefore: '2026-01-31T08:00:00.5Z' }, { submittedBefore: Date.UTC(2026, 0, 31, 8, 0, 0, 500) }],
    [{ cursor: '806769905152840693' }, { cursor: 806769905152840693n }],
    [{ limit: '1000' }, { limit: 1000 }],
  ])('%j', (query, means) => {
    expect(listTasksQuery.parse(query)).toEqual(means);
  });

  test.each<readonly [object, string]>([
    [{ statuss: 'RUNNING' }, ': left out: the parameters here are status, '],
    [{ status: '' }, 'status: a status by name or number'],
    [{ status: 'RUNNING,' }, 'status: a status by name or number'],
    [{ status: '13' }, 'status: a status by name or number'],
    [{ status: Array.from({ length: 33 }, () => '1') }, 'status: at most 32 words'],
    [{ namePrefix: '' }, 'namePrefix: the beginning of a task’s name'],
    [{ namePrefix: ['a', 'b'] }, 'namePrefix: the beginning of a task’s name'],
    [{ namePrefix: 'x'.repeat(101) }, 'namePrefix: the beginning of a task’s name'],
    [{ label: '' }, 'label: a label as key, or as key:value'],
    [{ label: ':x' }, 'label: a label as key, or as key:value'],
    [{ submittedAfter: '2026-01-31' }, 'submittedAfter: an instant as ISO 8601'],
    [{ submittedAfter: '2026-01-31T08:00:00' }, 'submittedAfter: an instant as ISO 8601'],
    [{ submittedAfter: '2026-02-30T08:00:00Z' }, 'submittedAfter: an instant as ISO 8601'],
    [{ submittedBefore: '1700000000000' }, 'submittedBefore: an instant as ISO 8601'],
    [
      { submittedAfter: '2026-01-31T08:00:00Z', submittedBefore: '2026-01-31T08:00:00Z' },
      'submittedBefore: later than submittedAfter',
    ],
    [{ cursor: 'x' }, 'cursor: a cursor as nextCursor gives it'],
    [{ cursor: '' }, 'cursor: a cursor as nextCursor gives it'],
    [{ limit: '0' }, 'limit: an integer from 1 to 1000'],
    [{ limit: '1001' }, 'limit: an integer from 1 to 1000'],
    [{ limit: '1e2' }, 'limit: an integer from 1 to 1000'],
    [{ limit: ['1', '2'] }, 'limit: an integer from 1 to 1000'],
  ])('refuses %j', (query, problem) => {
    expect(problems(listTasksQuery, query)).toEqual([expect.stringContaining(problem)]);
  });
});

describe('killRequest', () => {
  test.each<readonly [object, object]>([
    [{ filter: { all: true } }, { filter: { all: true } }],
    [
      { filter: { status: 'WAITING' }, dryRun: true },
      { filter: { status: [TaskState.NOT_START] }, dryRun: true },
    ],
    [
      { filter: { status: [1, 'staging'] }, limit: 10_000 },
      { filter: { status: [1, 0] }, limit: 10_000 },
    ],
    [{ filter: { labels: { team: 'x' } } }, { filter: { labels: [{ key: 'team', value: 'x' }] } }],
    [{ filter: { labels: [{ key: 'team' }] } }, { filter: { labels: [{ key: 'team', value: null }] } }],
    [
      { filter: { namePrefix: 'a', submittedBefore: '2026-01-31T00:00:00Z' }, cursor: '7' },
      { filter: { namePrefix: 'a', submittedBefore: Date.UTC(2026, 0, 31) }, cursor: 7n },
    ],
  ])('%j', (body, means) => {
    expect(killRequest.parse(body)).toEqual(means);
  });

  // Each of these, read generously, would kill more than was meant.
  test.each<readonly [object, string]>([
    [{}, 'filter: an object {all, '],
    [{ filter: null }, 'filter: an object {all, '],
    [{ filter: {} }, 'filter: an object that says which tasks to kill'],
    [{ filter: { all: false } }, 'filter.all: true, or left out'],
    [{ filter: { all: true, namePrefix: 'a' } }, 'filter.all: left out where the filter says more'],
    [{ filter: { nameprefix: 'a' } }, 'filter: left out: the members here are all, '],
    [{ filter: { namePrefix: null } }, 'filter.namePrefix: the beginning of a task’s name'],
    [{ filter: { namePrefix: '' } }, 'filter.namePrefix: the beginning of a task’s name'],
    [{ filter: { labels: {} } }, 'filter.labels: an object, or a list'],
    [{ filter: { labels: [] } }, 'filter.labels: an object, or a list'],
    [{ filter: { status: [] } }, 'filter.status: a list of at least one status'],
    [{ filter: { status: 'x' } }, 'filter.status: a status by name or number'],
    [{ filter: { all: true }, dryrun: true }, ': left out: the members here are filter, '],
    [{ filter: { all: true }, dryRun: 'true' }, 'dryRun: true or false'],
    [{ filter: { all: true }, limit: 10_001 }, 'limit: an integer from 1 to 10000'],
    [{ filter: { all: true }, limit: 0 }, 'limit: an integer from 1 to 10000'],
  ])('refuses %j', (body, problem) => {
    const issues = killRequest.safeParse(body).error?.issues ?? [];
    const said = issues.flatMap((issue) =>
      issue.code === 'invalid_union' && issue.errors.length > 0
        ? issue.errors.flat().map(({ path, message }) => `${[...issue.path, ...path].join('.')}: ${message}`)
        : [`${issue.path.join('.')}: ${issue.message}`],
    );
    expect(said).toContainEqual(expect.stringContaining(problem));
  });
});

describe('batchRequest', () => {
  test('takes 1 to 1,000 tasks of whatever kind', () => {
    const tasks = Array.from({ length: 1000 }, () => null);
    expect(batchRequest.parse({ tasks, allOrNothing: true })).toEqual({ tasks, allOrNothing: true });
    expect(problems(batchRequest, { tasks: [] })).toEqual(['tasks: a list of at least one task']);
    expect(problems(batchRequest, { tasks: [...tasks, null] })).toEqual([
      'tasks: a list of at most 1000 tasks, and at least one',
    ]);
    expect(problems(batchRequest, { tasks: {} })).toEqual(['tasks: a list of at most 1000 tasks, and at least one']);
    expect(problems(batchRequest, { tasks: [1], allOrNothin: true })).toEqual([
      ': left out: the members here are tasks, allOrNothing',
    ]);
  });
});

const bounds = {
  ...{ cpus: 16, memMb: 16_384, diskMb: 1000, gpus: 4, ports: 8, retry: 10 },
  ...{ expireSeconds: 604_800, runSeconds: 86_400, killGraceSeconds: 600 },
};

test('rerunRequest takes any members of a submission, and no others', () => {
  const schema = rerunRequest(bounds);
  expect(schema.parse({})).toEqual({});
  const body = { force: true, resources: { mem: 1024 }, callbackUrl: null, taskName: 'again' };
  expect(schema.parse(body)).toEqual(body);
  expect(problems(schema, { resource: {} })).toEqual([
    expect.stringMatching(/^: left out: the members here are taskName, /),
  ]);
  expect(problems(schema, { resources: { cpu: 17 }, force: 1 })).toEqual([
    expect.stringContaining('resources.cpu: a positive finite number of CPUs'),
    'force: true or false',
  ]);
});

test.each(Object.entries({ listTasksQuery, killRequest, batchRequest, rerun: rerunRequest(bounds) }))(
  'the members of %s can be described in JSON Schema',
  (_, schema) => {
    const written = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
    expect(Object.keys(written.properties ?? {}).length).toBeGreaterThan(1);
    expect(written.additionalProperties).toBe(false);
  },
);
