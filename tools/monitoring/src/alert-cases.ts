/** Series in promtool's notation, one value a minute. Of the alert: when it fires, and when it does not. */
export interface AlertCase {
  readonly series: Readonly<Record<string, string>>;
  readonly silent: readonly string[];
  readonly fires: readonly string[];
}

/** First half an hour of what is well, then half an hour of what is not. */
function turns(name: string, well: string, ill: string): AlertCase {
  return { series: { [name]: `${well}x29 ${ill}x30` }, silent: ['25m'], fires: ['55m'] };
}

/** What may look like it, and is not. */
function never(series: AlertCase['series']): AlertCase {
  return { series, silent: ['25m', '45m', '55m'], fires: [] };
}

const answers = (status: number): string =>
  `juice_http_answered_duration_seconds_count{route="/v1/tasks",method="POST",status="${status}",service="api"}`;
const probes = 'juice_http_answered_duration_seconds_count{route="/readyz",method="GET",status="503",service="api"}';
const answerBucket = (route: string, le: string): string =>
  `juice_http_answered_duration_seconds_bucket{route="${route}",method="GET",status="200",service="api",le="${le}"}`;
const attempts = (outcome: string): string =>
  `juice_callback_attempt_duration_seconds_count{outcome="${outcome}",service="callback"}`;
const leader = (instance: string): string => `juice_scheduler_leader{instance="${instance}",service="scheduler"}`;

/** Every alert of deploy/prometheus/rules. */
export const alertCases: Readonly<Record<string, readonly AlertCase[]>> = {
  JuiceApiAway: [turns('juice_store_up{service="api"}', '1', '_')],
  JuiceStoreAway: [
    turns('juice_store_up{service="api"}', '1', '0'),
    never({ 'juice_store_up{service="api"}': '1x20 0 1x40' }),
  ],
  JuiceBrokerAway: [turns('juice_broker_up{service="api"}', '1', '0')],
  JuiceApiErrors: [
    {
      series: { [answers(200)]: '0+60x60', [answers(503)]: '0+0x29 0+30x30' },
      silent: ['25m'],
      fires: ['55m'],
    },
    // A probe that is told to come back is no failed request; nor is one failure an hour.
    never({ [answers(200)]: '0+60x60', [probes]: '0+60x60' }),
    never({ [answers(503)]: '0x29 1x30' }),
  ],
  JuiceApiSlow: [
    {
      series: {
        [answerBucket('/v1/tasks', '0.5')]: '0+100x29 2900+0x30',
        [answerBucket('/v1/tasks', '2.5')]: '0+100x60',
        [answerBucket('/v1/tasks', '+Inf')]: '0+100x60',
      },
      silent: ['25m'],
      fires: ['55m'],
    },
    // A stream is meant to last.
    never({ [answerBucket('/v1/events', '0.5')]: '0+0x60', [answerBucket('/v1/events', '+Inf')]: '0+100x60' }),
  ],
  JuiceHintsDropped: [
    {
      series: {
        'juice_broker_up{service="api"}': '1x60',
        'juice_message_dropped_total{exchange="juice.tasks"}': '0x29 0+5x30',
      },
      silent: ['25m'],
      fires: ['55m'],
    },
    never({ juice_broker_up: '0x60', 'juice_message_dropped_total{exchange="juice.tasks"}': '0+5x60' }),
  ],
  JuiceConnectionsFull: [turns('juice_http_connection_dropped_total{service="api"}', '0', '0+3')],
  JuiceSwitchOn: [
    {
      series: { 'juice_switch_on{switch="stop-launching",service="api"}': '0x29 1x400' },
      silent: ['25m', '4h'],
      fires: ['5h'],
    },
    never({ 'juice_switch_on{switch="stop-intake",service="api"}': '0x20 1x20 0x20' }),
  ],
  JuiceSchedulerAway: [turns(leader('a'), '1', '_')],
  JuiceNoLeader: [
    { series: { [leader('a')]: '1x29 0x30', [leader('b')]: '0x60' }, silent: ['25m'], fires: ['55m'] },
    // A takeover.
    never({ [leader('a')]: '1x29 0x30', [leader('b')]: '0x29 1x30' }),
  ],
  JuiceTwoLeaders: [{ series: { [leader('a')]: '1x60', [leader('b')]: '0x29 1x30' }, silent: ['25m'], fires: ['55m'] }],
  JuiceNoStandby: [{ series: { [leader('a')]: '1x120', [leader('b')]: '0x29 _x90' }, silent: ['25m'], fires: ['90m'] }],
  JuiceLeaderUnsteady: [
    {
      series: { [leader('a')]: '1x29 0 1 0 1 0 1 0 1 0 1x20', [leader('b')]: '0x60' },
      silent: ['25m'],
      fires: ['45m'],
    },
    // A rollout.
    never({ [leader('a')]: '1x10 0x50', [leader('b')]: '0x10 1x5 0x45', [leader('c')]: '0x15 1x45' }),
  ],
  JuiceNotSubscribed: [
    {
      series: { [leader('a')]: '1x60', 'juice_scheduler_subscribed{instance="a"}': '1x29 0x30' },
      silent: ['25m'],
      fires: ['55m'],
    },
    // Nobody leads: JuiceNoLeader says it.
    never({ [leader('a')]: '0x60', 'juice_scheduler_subscribed{instance="a"}': '0x60' }),
  ],
  JuiceNothingRuns: [
    {
      series: {
        'juice_scheduler_tasks_waiting{instance="a"}': '7x60',
        'juice_scheduler_tasks_live{instance="a"}': '3x29 0x30',
      },
      silent: ['25m'],
      fires: ['55m'],
    },
    never({ juice_scheduler_tasks_waiting: '0x60', juice_scheduler_tasks_live: '0x60' }),
  ],
  JuiceTasksPileUp: [
    { series: { juice_scheduler_tasks_waiting: '2000x89 2000+100x60' }, silent: ['85m'], fires: ['145m'] },
    { series: { juice_scheduler_tasks_waiting: '10+1x150' }, silent: ['85m', '145m'], fires: [] },
  ],
  JuiceFramesBehind: [turns('juice_scheduler_events_queued', '300', '9000')],
  JuiceCallsWaiting: [turns('juice_scheduler_calls_waiting', '40', '3000')],
  JuiceEventsUnlogged: [turns('juice_scheduler_events_unlogged', '10', '5000')],
  JuiceEventsUnannounced: [turns('juice_scheduler_events_unannounced', '10', '5000')],
  JuiceQuarantined: [
    { series: { juice_scheduler_quarantined_total: '0x29 1x30' }, silent: ['25m', '55m'], fires: ['35m'] },
  ],
  JuiceCallbacksOverdue: [turns('juice_callback_overdue_seconds', '5', '300')],
  JuiceCallbackWorkersAway: [turns('juice_callback_lanes_under_way', '2', '_')],
  JuiceCallbacksDead: [{ series: { juice_callback_dead_total: '4x29 5x30' }, silent: ['25m', '55m'], fires: ['35m'] }],
  JuiceCallbacksUndelivered: [turns('juice_callback_oldest_undelivered_seconds{tenant="acme"}', '86400', '180000')],
  JuiceCallbacksOurFault: [
    {
      series: { [attempts('delivered')]: '0+60x60', [attempts('ours')]: '0x29 0+30x30' },
      silent: ['25m'],
      fires: ['55m'],
    },
    // Receivers that fail are not ours.
    never({ [attempts('delivered')]: '0+60x60', [attempts('failed')]: '0+60x60' }),
  ],
  JuiceCallbackEndpointsOpen: [turns('juice_callback_endpoints{state="open"}', '3', '40')],
  JuiceCallbackEndpointsGone: [
    { series: { 'juice_callback_endpoints{state="gone"}': '0x29 1x120' }, silent: ['25m', '60m'], fires: ['120m'] },
  ],
  JuiceProcessDown: [
    turns('up{job="juice-api",instance="a"}', '1', '0'),
    never({ 'up{job="node",instance="a"}': '0x60' }),
  ],
  JuiceProcessRestarts: [
    {
      series: { 'process_start_time_seconds{service="api",instance="a"}': '100x29 160 220 280 340 400x26' },
      silent: ['25m'],
      fires: ['40m'],
    },
    never({ 'process_start_time_seconds{service="api",instance="a"}': '100x20 1300x40' }),
  ],
  JuiceEventLoopLags: [turns('nodejs_eventloop_lag_p99_seconds{service="scheduler",instance="a"}', '0.02', '0.9')],
  JuiceFilesRunOut: [
    {
      series: {
        'process_open_fds{service="api",instance="a"}': '200x29 950x30',
        'process_max_fds{service="api",instance="a"}': '1024x60',
      },
      silent: ['25m'],
      fires: ['55m'],
    },
  ],
  JuicePoison: [
    turns('rabbitmq_queue_messages{queue="juice.poison"}', '0', '3'),
    never({ 'rabbitmq_queue_messages{queue="theirs"}': '5x60' }),
  ],
  JuiceQueueBehind: [turns('rabbitmq_queue_messages{queue="juice.callback.events"}', '20', '40000')],
  JuiceBrokerFull: [
    {
      series: {
        rabbitmq_alarms_memory_used_watermark: '0x60',
        rabbitmq_alarms_free_disk_space_watermark: '0x29 1x30',
      },
      silent: ['25m'],
      fires: ['55m'],
    },
  ],
};
