import type { SwitchKind } from '@juice/contracts';
import { durationBuckets, type Metrics } from '@juice/observability';
import type { StreamEnd } from './event-streams.ts';
import type { Answered } from './request-log.ts';

export interface ApiMetrics {
  answered(answered: Pick<Answered, 'route' | 'method' | 'status' | 'durationMs'>): void;
  submitted(count: number): void;
  grouped(size: number): void;
  messageDropped(exchange: string): void;
  connectionDropped(): void;
  streamEnded(reason: StreamEnd): void;
}

/** Doublings, from a task alone on. What is above the last one are full writes (256, see store-tasks.ts), behind which others wait. */
const groupBuckets = [1, 2, 4, 8, 16, 32, 64, 128, 255];

/** What the api counts. The gauges are asked when it is scraped. */
export function createApiMetrics(
  metrics: Metrics,
  gauges: {
    isStoreUp: () => boolean;
    isBrokerUp: () => boolean;
    connections: () => number;
    streams: () => number;
    unannounced: () => number;
    switchesOn: () => Readonly<Record<SwitchKind, number>>;
  },
): ApiMetrics {
  const durations = metrics.histogram({
    name: 'juice_http_answered_duration_seconds',
    help: 'Time from a request to the end of its answer',
    labels: ['route', 'method', 'status'],
    buckets: durationBuckets,
  });
  const submissions = metrics.counter({
    name: 'juice_task_submitted_total',
    help: 'Tasks stored',
  });
  const groups = metrics.histogram({
    name: 'juice_task_group_size',
    help: 'Tasks that were stored together, by one write',
    buckets: groupBuckets,
  });
  metrics.gauge({
    name: 'juice_tasks_unannounced',
    help: 'Tasks stored whose message to the scheduler the broker has neither taken nor refused yet',
    read: gauges.unannounced,
  });
  metrics.gauge({
    name: 'juice_switch_on',
    help: 'How many switches of the operator’s are on, by kind: of stop-launching and drain-scheduler there may be several',
    labels: ['switch'],
    readAll: () => Object.entries(gauges.switchesOn()).map(([name, count]) => [{ switch: name }, count] as const),
  });
  const dropped = metrics.counter({
    name: 'juice_message_dropped_total',
    help: 'Messages to the scheduler that the broker did not take; its sweep finds what they told of',
    labels: ['exchange'],
  });
  const connectionsDropped = metrics.counter({
    name: 'juice_http_connection_dropped_total',
    help: 'Connections closed at once, for there were too many',
  });
  metrics.gauge({ name: 'juice_http_connections', help: 'Open connections of clients', read: gauges.connections });
  const streamsEnded = metrics.counter({
    name: 'juice_event_stream_ended_total',
    help: 'Event streams that have ended, by why',
    labels: ['reason'],
  });
  metrics.gauge({ name: 'juice_event_streams', help: 'Event streams that are open', read: gauges.streams });
  metrics.gauge({
    name: 'juice_store_up',
    help: '1 while MongoDB is reachable',
    read: () => Number(gauges.isStoreUp()),
  });
  metrics.gauge({
    name: 'juice_broker_up',
    help: '1 while the broker is reachable',
    read: () => Number(gauges.isBrokerUp()),
  });
  return {
    answered({ route, method, status, durationMs }) {
      durations.observe(durationMs / 1000, { route, method, status });
    },
    submitted: (count) => submissions.add(undefined, count),
    grouped: (size) => groups.observe(size),
    messageDropped: (exchange) => dropped.add({ exchange }),
    connectionDropped: () => connectionsDropped.add(),
    streamEnded: (reason) => streamsEnded.add({ reason }),
  };
}
