import { expect, test } from '@jest/globals';
import { DependencyFailure, TaskState, type TaskId, type TaskTransition } from '@juice/contracts';
import { noTracing, type SpanFacts, type Tracing } from '@juice/observability';
import { createTaskSpans, type TracedTask } from './task-spans.ts';

const taskId = 7n as TaskId;
const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const at = (ms: number): Date => new Date(ms);
const attempt = { mesosTaskId: 'm', agentId: 'a', agentHost: 'h' };
const task: TracedTask = {
  _id: taskId,
  tenantId: 't',
  traceparent,
  submitAt: at(1_000),
  finishAt: at(9_000),
  attempts: [
    {
      ...attempt,
      n: 1,
      launchedAt: at(2_000),
      startedAt: at(2_500),
      endedAt: at(3_000),
      state: 'TASK_FAILED',
      exitCode: 3,
    },
    { ...attempt, n: 2, launchedAt: at(5_000), state: 'running' },
  ],
};

const launch = { kind: 'launch', ...attempt, frameworkId: 'f', agentPort: null, groupPlace: null } as const;
const end = { kind: 'end', mesosState: 'TASK_FAILED', exitCode: 3, free: false } as const;

function transition(change: TaskTransition['change'], number: number, status: TaskState): TaskTransition {
  const told = { message: '', reason: null, callback: false, requeue: null, unlessKillRequested: false };
  return { taskId, tenantId: 't', expectSeq: 0, atMs: 0, status, attempt: number, change, ...told };
}

async function recorded(
  applied: readonly TaskTransition[],
  load: () => Promise<readonly TracedTask[]> = () => Promise.resolve([task]),
  isOn = true,
): Promise<readonly SpanFacts[]> {
  const spans: SpanFacts[] = [];
  const tracing: Tracing = { ...noTracing, isOn, record: (span) => void spans.push(span) };
  const taskSpans = createTaskSpans({ store: { loadTraces: load }, tracing });
  taskSpans.note(applied);
  await taskSpans.close();
  return spans;
}

test('a launch ends a wait, an end an attempt, below the request that submitted the task', async () => {
  const spans = await recorded([
    transition(launch, 1, TaskState.STAGING),
    transition({ kind: 'run' }, 1, TaskState.RUNNING),
    transition(end, 1, TaskState.NOT_START),
    transition(launch, 2, TaskState.STAGING),
  ]);
  expect(spans).toMatchObject([
    { name: 'task wait', startMs: 1_000, endMs: 2_000, parent: traceparent, error: null },
    { name: 'task attempt', startMs: 2_000, endMs: 3_000, parent: traceparent, error: 'TASK_FAILED' },
    { name: 'task wait', startMs: 3_000, endMs: 5_000, parent: traceparent, error: null },
  ]);
});

test('a task that ends while it waits ends a wait; an attempt that has not ended is none yet', async () => {
  const waited = { ...task, attempts: task.attempts.slice(0, 1) };
  const spans = await recorded([transition({ kind: 'none' }, 0, TaskState.EXPIRED)], () => Promise.resolve([waited]));
  expect(spans).toMatchObject([{ name: 'task wait', startMs: 3_000, endMs: 9_000, error: 'EXPIRED' }]);
  expect(await recorded([transition(end, 2, TaskState.FAILED)])).toEqual([]);
});

test('nothing is read while tracing is off, and a store that is away costs spans alone', async () => {
  const away = new DependencyFailure({ dependency: 'mongodb', operation: 'load traces', retryable: true, detail: '' });
  const fails = (): Promise<never> => Promise.reject(away);
  expect(await recorded([transition(end, 1, TaskState.FAILED)], fails)).toEqual([]);
  const bug = (): Promise<never> => Promise.reject(new Error('read'));
  expect(await recorded([transition(end, 1, TaskState.FAILED)], bug, false)).toEqual([]);
});
