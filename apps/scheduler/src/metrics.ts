import { isEndState, taskStateName, type TaskTransition } from '@juice/contracts';
import { durationBuckets, type Metrics } from '@juice/observability';
import type { Leadership } from './leadership.ts';
import type { Term } from './term.ts';

/** What a scheduler tells of itself as it goes. */
export interface SchedulerMetrics {
  /** A frame was stored: what it changed, and how long it took. */
  stored(applied: readonly TaskTransition[], durationMs: number): void;
  quarantined(): void;
}

export function createSchedulerMetrics(
  metrics: Metrics,
  asked: {
    readonly term: () => Term | null;
    readonly leadership: () => Leadership | null;
    readonly callsWaiting: () => number;
  },
): SchedulerMetrics {
  declareGauges(metrics, asked);
  const launched = metrics.counter({ name: 'juice_task_launched_total', help: 'Attempts launched' });
  const ended = metrics.counter({
    name: 'juice_task_ended_total',
    help: 'Tasks that ended, by their state',
    labels: ['status'],
  });
  const requeued = metrics.counter({
    name: 'juice_task_requeued_total',
    help: 'Tasks that wait again after an attempt, by whose fault that was',
    labels: ['fault'],
  });
  const frames = metrics.histogram({
    name: 'juice_scheduler_frame_seconds',
    help: 'From the beginning of a frame until it was stored',
    buckets: durationBuckets,
  });
  const quarantined = metrics.counter({
    name: 'juice_scheduler_quarantined_total',
    help: 'Updates and records that could not be processed and were set aside',
  });
  return {
    stored(applied, durationMs) {
      frames.observe(durationMs / 1000);
      for (const { change, requeue, status } of applied) {
        if (change.kind === 'launch') launched.add();
        if (requeue !== null) requeued.add({ fault: change.kind === 'end' && !change.free ? 'task' : 'cluster' });
        if (isEndState(status)) ended.add({ status: taskStateName(status) });
      }
    },
    quarantined: () => quarantined.add(),
  };
}

function declareGauges(
  metrics: Metrics,
  {
    term,
    leadership,
    callsWaiting,
  }: {
    term: () => Term | null;
    leadership: () => Leadership | null;
    callsWaiting: () => number;
  },
): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    metrics.gauge({ name, help, read });
  };
  gauge('juice_scheduler_leader', '1 while this process leads', () => (leadership() === null ? 0 : 1));
  gauge('juice_scheduler_subscribed', '1 while a Mesos subscription is up', () =>
    term()?.describe().subscribed ? 1 : 0,
  );
  gauge('juice_scheduler_tasks_waiting', 'Tasks without a live attempt', () => term()?.describe().waiting ?? 0);
  gauge('juice_scheduler_tasks_live', 'Tasks with a live attempt', () => term()?.describe().live ?? 0);
  gauge('juice_scheduler_events_queued', 'Events that no frame has taken yet', () => term()?.describe().queued ?? 0);
  gauge('juice_scheduler_calls_waiting', 'Calls to the master that wait for their turn', callsWaiting);
  gauge(
    'juice_scheduler_events_unlogged',
    'Status events not yet in the event log',
    () => term()?.describe().unlogged ?? 0,
  );
  gauge(
    'juice_scheduler_events_unannounced',
    'Status events not yet on the bus',
    () => term()?.describe().unannounced ?? 0,
  );
}
