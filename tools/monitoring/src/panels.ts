/** One picture: its lines by their legend. */
export interface Panel {
  readonly title: string;
  readonly about: string;
  /** Grafana's name of it. */
  readonly unit: 'short' | 's' | 'reqps' | 'ops' | 'percentunit' | 'bytes';
  readonly targets: Readonly<Record<string, string>>;
  /** Where an alert of the same metric begins. */
  readonly alarmAbove?: number;
  readonly stacked?: boolean;
}

type Targets = Panel['targets'];

const quantile = (share: number, metric: string, ...by: readonly string[]): string =>
  `histogram_quantile(${share}, sum by (${[...by, 'le'].join(', ')}) (rate(${metric}_bucket[5m])))`;

const quantiles = (metric: string): Targets =>
  Object.fromEntries([0.5, 0.9, 0.99].map((share) => [`p${share * 100}`, quantile(share, metric)]));

/** A line for each value of a label; of what every process tells alike, once. */
const maxBy = (label: string, metric: string): Targets => ({ [`{{${label}}}`]: `max by (${label}) (${metric})` });

/** A line for each of our processes. */
const ofEach = (metric: string, wrap: (selected: string) => string = (selected) => selected): Targets => ({
  '{{service}} {{instance}}': wrap(`${metric}{service=~"api|scheduler|callback"}`),
});

/** What the dashboard shows: first what tenants notice, then each service, then the processes. */
export const panelSections: Readonly<Record<string, readonly Panel[]>> = {
  'What tenants notice': [
    {
      title: 'Tasks stored',
      about: 'A second; each of a batch counts.',
      unit: 'ops',
      targets: { stored: 'sum(rate(juice_task_submitted_total[5m]))' },
    },
    {
      title: 'Tasks on the cluster and waiting',
      about: 'As the leader holds them.',
      unit: 'short',
      targets: { live: 'juice:tasks_live:max', waiting: 'juice:tasks_waiting:max' },
    },
    {
      title: 'From a change of state to its delivery',
      about: 'Retries included: a receiver that was away for an hour shows here.',
      unit: 's',
      targets: quantiles('juice_callback_delivery_delay_seconds'),
    },
  ],
  api: [
    {
      title: 'Switches that are on',
      about: 'What operators have stopped.',
      unit: 'short',
      targets: maxBy('switch', 'juice_switch_on'),
    },
    {
      title: 'Requests by status',
      about: 'Without probes, streams and followed logs.',
      unit: 'reqps',
      targets: { '{{status}}': 'sum by (status) (juice:http_answered:rate5m)' },
      stacked: true,
    },
    {
      title: 'Requests that failed',
      about: 'The share answered with 5xx.',
      unit: 'percentunit',
      targets: { failed: 'juice:http_answered_failed:ratio5m' },
      alarmAbove: 0.05,
    },
    {
      title: 'Slowest answers',
      about: 'The 99th percentile.',
      unit: 's',
      targets: { p99: 'juice:http_answered_seconds:p99_5m' },
      alarmAbove: 1,
    },
    {
      title: 'Submissions stored together',
      about: 'How many tasks share a write.',
      unit: 'short',
      targets: quantiles('juice_task_group_size'),
    },
    {
      title: 'Stored and not announced',
      about: 'Tasks that the broker was not told of yet; the sweep finds them too.',
      unit: 'short',
      targets: { tasks: 'sum(juice_tasks_unannounced)' },
    },
    {
      title: 'Connections and streams',
      about: 'Open ones, of all processes.',
      unit: 'short',
      targets: { connections: 'sum(juice_http_connections)', 'event streams': 'sum(juice_event_streams)' },
    },
    {
      title: 'Streams ended',
      about: 'By why. slow: the client does not read.',
      unit: 'ops',
      targets: { '{{reason}}': 'sum by (reason) (rate(juice_event_stream_ended_total[5m]))' },
      stacked: true,
    },
    {
      title: 'Refused by the broker',
      about: 'Hints that it did not take; the sweep finds what they told of.',
      unit: 'ops',
      targets: { '{{exchange}}': 'sum by (exchange) (rate(juice_message_dropped_total[5m]))' },
    },
  ],
  scheduler: [
    {
      title: 'Who leads',
      about: 'The sum is 1; subscribed is 1 while the leader has its Mesos subscription.',
      unit: 'short',
      targets: { leaders: 'sum(juice_scheduler_leader)', subscribed: 'sum(juice_scheduler_subscribed)' },
    },
    {
      title: 'Launches and ends',
      about: 'Attempts launched, and tasks that ended, by their state.',
      unit: 'ops',
      targets: {
        launched: 'sum(rate(juice_task_launched_total[5m]))',
        '{{status}}': 'sum by (status) (rate(juice_task_ended_total[5m]))',
      },
    },
    {
      title: 'Run again',
      about: 'By whose fault the attempt failed: the task’s, or the cluster’s.',
      unit: 'ops',
      targets: { '{{fault}}': 'sum by (fault) (rate(juice_task_requeued_total[5m]))' },
      stacked: true,
    },
    {
      title: 'Frames',
      about: 'From the beginning of a frame until it was stored.',
      unit: 's',
      targets: quantiles('juice_scheduler_frame_seconds'),
    },
    {
      title: 'Behind its events',
      about: 'Events that no frame has taken yet: rises when MongoDB is slow.',
      unit: 'short',
      targets: { queued: 'max(juice_scheduler_events_queued)' },
      alarmAbove: 5000,
    },
    {
      title: 'Behind in telling',
      about: 'Events not yet in the log or on the bus, and calls that wait for the master.',
      unit: 'short',
      targets: {
        unlogged: 'max(juice_scheduler_events_unlogged)',
        unannounced: 'max(juice_scheduler_events_unannounced)',
        calls: 'max(juice_scheduler_calls_waiting)',
      },
      alarmAbove: 1000,
    },
  ],
  callback: [
    {
      title: 'Attempts by outcome',
      about: 'failed and rejected are the receivers’; ours is not.',
      unit: 'ops',
      targets: { '{{outcome}}': 'juice:callback_attempts:rate5m' },
      stacked: true,
    },
    {
      title: 'Lanes in hand, and due',
      about: 'Due lanes that wait for room: more workers, or more JUICE_CALLBACK_CONCURRENCY.',
      unit: 'short',
      targets: { 'in hand': 'sum(juice_callback_lanes_under_way)', waiting: 'sum(juice_callback_lanes_waiting)' },
    },
    {
      title: 'Overdue',
      about: 'How late the longest due lane was.',
      unit: 's',
      targets: { overdue: 'max(juice_callback_overdue_seconds)' },
      alarmAbove: 60,
    },
    {
      title: 'Lanes by state',
      about: 'The same from every process.',
      unit: 'short',
      targets: maxBy('state', 'juice_callback_lanes'),
    },
    {
      title: 'Replays',
      about: 'By state; and callbacks that they armed again.',
      unit: 'short',
      targets: {
        ...maxBy('state', 'juice_callback_replays'),
        'armed a second': 'sum(rate(juice_callback_replayed_total[5m]))',
      },
    },
    {
      title: 'Endpoints not called as usual',
      about: 'By why.',
      unit: 'short',
      targets: maxBy('state', 'juice_callback_endpoints'),
    },
    {
      title: 'Oldest undelivered',
      about: 'Of the tenants with the oldest states.',
      unit: 's',
      targets: { '{{tenant}}': 'topk(10, max by (tenant) (juice_callback_oldest_undelivered_seconds))' },
      alarmAbove: 172_800,
    },
    {
      title: 'Phases of attempts',
      about: 'The 99th percentile of each.',
      unit: 's',
      targets: { '{{phase}}': quantile(0.99, 'juice_callback_phase_duration_seconds', 'phase') },
    },
    {
      title: 'Given up, put aside, overtaken',
      about: 'Lanes dead and held, states superseded, in ten minutes.',
      unit: 'short',
      targets: {
        dead: 'sum(increase(juice_callback_dead_total[10m]))',
        held: 'sum(increase(juice_callback_held_total[10m]))',
        superseded: 'sum(increase(juice_callback_superseded_total[10m]))',
      },
    },
  ],
  'Processes and broker': [
    {
      title: 'Memory',
      about: 'Resident.',
      unit: 'bytes',
      targets: ofEach('process_resident_memory_bytes'),
    },
    {
      title: 'CPU',
      about: 'Cores in use. One is the most that a process can use for its own work.',
      unit: 'short',
      targets: ofEach('process_cpu_seconds_total', (selected) => `rate(${selected}[5m])`),
    },
    {
      title: 'Event loop',
      about: 'The 99th percentile of its lag.',
      unit: 's',
      targets: ofEach('nodejs_eventloop_lag_p99_seconds'),
      alarmAbove: 0.5,
    },
    {
      title: 'Queues',
      about: 'Messages in RabbitMQ; juice.poison should be empty.',
      unit: 'short',
      targets: maxBy('queue', 'rabbitmq_queue_messages{queue=~"juice[.].*"}'),
    },
  ],
};
