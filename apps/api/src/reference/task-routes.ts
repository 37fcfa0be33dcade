import { listTasksQuery, taskCallbacksQuery, taskEventsQuery, taskLogsQuery } from '@juice/contracts';
import { maybeTaskIdsQuery, taskIdQuery, taskIdsQuery } from './parameters.ts';
import type { Route } from './route.ts';
import * as examples from './task-examples.ts';

const [group, caller] = ['Tasks', 'tenant'] as const;

/** The original's routes, and those that share a path with one of them. */
const originalRoutes: readonly Route[] = [
  {
    ...{ method: 'post', path: '/v1/tasks', id: 'submitTask', group, caller },
    summary: 'Submit a task',
    about:
      'With exactly one of `commands` and `container`. After the answer the task is stored for good. A 503 may have stored it: repeat it with the same `Idempotency-Key`.',
    headers: ['Idempotency-Key', 'traceparent'],
    body: { schema: 'Submission', examples: examples.submissions },
    answer: {
      data: ['SubmittedTask'],
      headers: ['Idempotency-Replayed'],
      examples: { 'it is stored': examples.submittedTask },
    },
    refusals: ['conflict', 'overloaded', 'stopped'],
  },
  {
    ...{ method: 'get', path: '/v1/tasks', id: 'findTasks', group, caller },
    summary: 'Query tasks by their ids, or list them',
    about:
      'With `taskIds`, the original’s query: the tenant’s tasks among these, in their order; `data` is a list, refused above 16 MiB. With any other parameter, a page of the tenant’s tasks, the newest first. A page may hold less than `limit`, even nothing, and have a `nextCursor`: the search goes on there.',
    query: [maybeTaskIdsQuery, listTasksQuery],
    answer: {
      data: ['TaskEntries', 'TaskList'],
      examples: {
        'by their ids': [examples.taskEntry],
        'a page': { tasks: [examples.listedTask], nextCursor: '806769905152840693' },
      },
    },
  },
  {
    ...{ method: 'post', path: '/v1/tasks/kill', id: 'killTasks', group, caller },
    summary: 'Kill a task, or several',
    about:
      'With `taskId`, the original’s kill of one task. With `taskIds`, of each of these. With a body, of those that a filter chooses. A kill may be repeated and survives restarts; a task that runs is KILLED when the cluster confirms it.',
    query: [taskIdQuery, maybeTaskIdsQuery],
    body: {
      schema: 'KillRequest',
      isOptional: true,
      examples: {
        'what would be killed': { filter: { namePrefix: 'night-', labels: { team: 'red' } }, dryRun: true },
        'all that wait': { filter: { status: ['waiting'] }, limit: 500 },
      },
    },
    answer: {
      data: ['Kill', 'KillMany', 'KillByFilter', 'KillDryRun'],
      examples: {
        'of one task': examples.kill,
        'of several': examples.killMany,
        'by a filter': examples.killByFilter,
        'a dry run': examples.killDryRun,
      },
    },
    refusals: ['no-record'],
  },
  {
    ...{ method: 'post', path: '/v1/tasks/reconcile', id: 'reconcileTasks', group, caller },
    summary: 'Ask the cluster for the true state of tasks',
    about: 'What it says shows in the tasks’ status. 503 while the message broker is away.',
    query: [taskIdsQuery],
    answer: { data: ['Reconcile'], examples: { 'one of two runs': examples.reconcile } },
  },
];

const ownRoutes: readonly Route[] = [
  {
    ...{ method: 'post', path: '/v1/tasks/batch', id: 'submitBatch', group, caller },
    summary: 'Submit up to 1000 tasks',
    about:
      'Each has an outcome of its own, in their order. With `allOrNothing` nothing is stored unless all of them are valid. With an `Idempotency-Key` the same batch, sent again, stores what is missing.',
    headers: ['Idempotency-Key', 'traceparent'],
    body: {
      schema: 'Batch',
      examples: {
        'two tasks': {
          tasks: [
            examples.submissions['a shell command'],
            { taskName: 'demo-role', commands: 'true', resources: { role: 'prod' } },
          ],
          allOrNothing: false,
        },
      },
    },
    answer: {
      data: ['BatchResult'],
      headers: ['Idempotency-Replayed'],
      examples: { 'one of two is stored': examples.batchResult },
    },
    refusals: ['conflict', 'overloaded', 'stopped'],
  },
  {
    ...{ method: 'get', path: '/v1/tasks/{taskId}', id: 'showTask', group, caller },
    summary: 'A task with every attempt, its timeline and what was submitted',
    answer: { data: ['TaskDetail'], examples: { 'it has finished': examples.taskDetail } },
    refusals: ['not-found'],
  },
  {
    ...{ method: 'get', path: '/v1/tasks/{taskId}/why', id: 'explainTask', group, caller },
    summary: 'Why a task waits',
    about: 'As the leading scheduler sees it now. What there is none of is left out.',
    answer: { data: ['TaskWhy'], examples: { 'no room': examples.whyWaiting } },
    refusals: ['not-found'],
  },
  {
    ...{ method: 'get', path: '/v1/tasks/{taskId}/logs/{stream}', id: 'readLog', group, caller },
    summary: 'What a task has written',
    about:
      'Byte for byte, from the agent it ran on, also after it has ended. `X-Log-Attempt`, `X-Log-Offset` and `X-Log-Size` say whose it is, where it begins, and how much there was.',
    query: [taskLogsQuery],
    answer: { plain: { 200: { says: 'So it is.', type: 'text/plain; charset=utf-8', example: 'hello\n' } } },
    refusals: ['not-found', 'gone'],
  },
  {
    ...{ method: 'get', path: '/v1/tasks/{taskId}/callbacks', id: 'showCallbacks', group, caller },
    summary: 'How a task’s callbacks stand, and every try',
    about: 'Tries are kept for 30 days.',
    query: [taskCallbacksQuery],
    answer: { data: ['TaskCallbacks'], examples: { 'a try has failed': examples.taskCallbacks } },
    refusals: ['not-found'],
  },
  {
    ...{ method: 'post', path: '/v1/tasks/{taskId}/rerun', id: 'rerunTask', group, caller },
    summary: 'Run a task again, as a new one',
    about:
      'The body has the members of a submission that are to be different: of `resources` and `env` those named change, `null` is as if the member had not been given. A task that has not ended is refused unless `force` is true.',
    headers: ['Idempotency-Key', 'traceparent'],
    body: {
      schema: 'RerunRequest',
      isOptional: true,
      examples: { 'with more memory': { resources: { mem: 1024 }, force: true } },
    },
    answer: { data: ['Rerun'], headers: ['Idempotency-Replayed'], examples: { 'it is stored': examples.rerun } },
    refusals: ['not-found', 'conflict', 'overloaded', 'stopped'],
  },
];

const event = [
  'id: 12-345',
  'event: task.running',
  'data: {"taskId":806769905152840693,"taskIdStr":"806769905152840693","sequence":2,"taskStatus":1,"taskStatusName":"RUNNING","attempt":1,"message":"task is running","at":"2026-03-01T09:30:00.412Z"}',
  '\n',
].join('\n');

const streamRoutes: readonly Route[] = [
  {
    ...{ method: 'get', path: '/v1/events', id: 'streamEvents', group, caller },
    summary: 'Every transition of every task of the tenant, as it happens',
    about:
      'Server-sent events, without a gap and none twice for who comes again with the last id; see event-streams.md.',
    query: [taskEventsQuery],
    headers: ['Last-Event-ID'],
    answer: { plain: { 200: { says: 'A stream, which goes on.', type: 'text/event-stream', example: event } } },
  },
  {
    ...{ method: 'get', path: '/v1/tasks/{taskId}/events', id: 'streamTaskEvents', group, caller },
    summary: 'Every transition of one task, as it happens',
    about: 'As `/v1/events`; the stream ends behind an event `end` when the task has ended.',
    query: [taskEventsQuery],
    headers: ['Last-Event-ID'],
    answer: {
      plain: {
        200: { says: 'A stream, which goes on until the task ends.', type: 'text/event-stream', example: event },
        204: { says: 'The task has ended, and nothing follows the place named: do not come again.' },
      },
    },
    refusals: ['not-found'],
  },
];

export const taskRoutes: readonly Route[] = [...originalRoutes, ...ownRoutes, ...streamRoutes];
