import { expect, test } from '@jest/globals';
import { TaskState, type TaskId, type TaskTransition } from '@juice/contracts';
import { createMetrics } from '@juice/observability';
import { createSchedulerMetrics } from './metrics.ts';

const nobody = { term: () => null, leadership: () => null, callsWaiting: () => 3 };
const transition: TaskTransition = {
  ...{ taskId: 7n as TaskId, tenantId: 'acme', expectSeq: 1, unlessKillRequested: false, atMs: 1, attempt: 1 },
  ...{ status: TaskState.RUNNING, message: '', reason: null, change: { kind: 'run' }, callback: false, requeue: null },
};
const ended = (free: boolean) => ({ kind: 'end', mesosState: 'TASK_FAILED', exitCode: 1, free }) as const;
const again = { notBeforeMs: 0, countedFailures: 1, freeFailures: 0 };
const launch: TaskTransition['change'] = {
  kind: 'launch',
  ...{ mesosTaskId: 'a-7-1', frameworkId: 'f', agentId: 'a', agentHost: 'h', agentPort: 5051, groupPlace: null },
};

test('tells of launches, ends by state, repeats by fault, and how long frames take', async () => {
  const metrics = createMetrics('scheduler');
  const told = createSchedulerMetrics(metrics, nobody);
  told.stored(
    [
      { ...transition, status: TaskState.STAGING, change: launch },
      { ...transition, status: TaskState.STAGING, change: launch },
      transition,
      { ...transition, status: TaskState.FINISHED, change: ended(false) },
      { ...transition, status: TaskState.KILLED, change: { kind: 'none' } },
      { ...transition, status: TaskState.NOT_START, change: ended(true), requeue: again },
      { ...transition, status: TaskState.NOT_START, change: ended(false), requeue: again },
    ],
    30,
  );
  told.quarantined();
  const text = await metrics.text();
  for (const line of [
    'juice_task_launched_total{service="scheduler"} 2',
    'juice_task_ended_total{status="FINISHED",service="scheduler"} 1',
    'juice_task_ended_total{status="KILLED",service="scheduler"} 1',
    'juice_task_requeued_total{fault="cluster",service="scheduler"} 1',
    'juice_task_requeued_total{fault="task",service="scheduler"} 1',
    'juice_scheduler_frame_seconds_bucket{le="0.025",service="scheduler"} 0',
    'juice_scheduler_frame_seconds_bucket{le="0.05",service="scheduler"} 1',
    'juice_scheduler_quarantined_total{service="scheduler"} 1',
    'juice_scheduler_calls_waiting{service="scheduler"} 3',
    'juice_scheduler_leader{service="scheduler"} 0',
  ])
    expect(text).toContain(`${line}\n`);
});
