const at = '2026-01-31T09:30:00.000Z';

export const switchOn = {
  ...{ name: 'stop-launching', on: true, reason: 'the rack is moved until noon' },
  ...{ since: at, changedAt: at, by: 'bootstrap' },
};

const runs = (service: 'api' | 'scheduler', version: string) => ({
  ...{ service, host: `${service}-1.example.com`, version, node: 'v24.11.0', since: at, seenAt: at },
});

/** In the midst of an upgrade. */
export const status = {
  asOf: at,
  api: { host: 'api-1.example.com', since: at, version: '1.2.0', node: 'v24.11.0' },
  processes: { count: 2, processes: [runs('api', '1.2.0'), runs('scheduler', '1.1.0')] },
  scheduler: {
    leader: { host: 'scheduler-1.example.com', epoch: 12, since: at },
    ...{ waiting: 12, pausing: 0, running: 40 },
    cluster: { subscribed: true, suppressed: false, agents: 50, offers: 3 },
  },
  queues: { problem: 'rabbitmq: count messages failed: the broker is not connected' },
  callbacks: { pending: 3, held: 0, dead: 1 },
  endpoints: { open: 1, paused: 0, gone: 0, examples: ['acme https://receiver.example.com'] },
  switches: { on: [switchOn] },
};
