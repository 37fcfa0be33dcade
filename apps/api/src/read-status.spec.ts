import { expect, test } from '@jest/globals';
import { DependencyFailure, productVersion, statusAnswer } from '@juice/contracts';
import { unknownEndpoint } from '@juice/persistence';
import { dataOf, startAdmin } from '../testing/admin-client.ts';
import { createReadStatus, type StatusSources } from './read-status.ts';

const at = '2026-01-31T09:30:00.000Z';
const cluster = { subscribed: true, suppressed: false, agents: 3, offers: 2 };
const survey = {
  ...{ asOf: at, leadsSince: '2026-01-31T09:00:00.000Z', waiting: 4, pausing: 1, running: 2, tenants: [], blocked: [] },
  cluster: { ...cluster, total: { cpus: 1, memMb: 1, gpus: 0 }, penalised: [], reserved: [] },
};
const queue = { queue: 'juice.poison', messages: 7, consumers: 0 } as const;
const switchOn = { name: 'stop-intake', on: true, reason: 'full' };
const paused = { atMs: 1, by: 'x', isOperators: false, reason: null };
const breaker = { openedAtMs: 1, untilMs: 2, reason: 'r', seen: { consecutive: 1, failed: 1, attempts: 1 } };

const process1 = {
  ...({ id: 'p1', service: 'scheduler', host: 's1.example', version: '1.2.3', node: 'v24.0.0' } as const),
  ...{ since: new Date(at), seenAt: new Date(at) },
};

const well: StatusSources = {
  lease: async () => ({ holder: 's1.example/17/5f2b', epoch: 3 }),
  survey: async () => survey,
  countMessages: async () => [queue],
  overviewLanes: async () => ({ lanes: { pending: 5, held: 6, dead: 7 }, oldest: [] }),
  endpointsAfter: async () => [
    { ...unknownEndpoint('acme https://a.example'), breaker },
    { ...unknownEndpoint('acme https://b.example'), paused },
    { ...unknownEndpoint('acme https://c.example'), rampFromMs: 1 },
  ],
  switches: async () => ({ switches: [switchOn, { name: 'stop-launching', on: false }] }),
  findProcesses: async () => ({ count: 1, processes: [process1] }),
};

const failing = (dependency: string) => async (): Promise<never> => {
  throw new DependencyFailure({ dependency, operation: 'ask', retryable: true, detail: 'is down' });
};

function read(sources: Partial<StatusSources> = {}, wait: () => Promise<void> = () => new Promise(() => undefined)) {
  const self = { host: 'api-1', sinceMs: Date.parse(at), node: 'v20.19.0' };
  return createReadStatus({ sources: { ...well, ...sources }, self, wait, now: () => Date.parse(at) })();
}

test('everything is in one answer', async () => {
  const status = await read();
  expect(statusAnswer.strict().parse(status)).toEqual(status);
  expect(status).toEqual({
    asOf: at,
    api: { host: 'api-1', since: at, version: productVersion, node: 'v20.19.0' },
    processes: {
      count: 1,
      processes: [
        { service: 'scheduler', host: 's1.example', version: '1.2.3', node: 'v24.0.0', since: at, seenAt: at },
      ],
    },
    scheduler: {
      leader: { host: 's1.example', epoch: 3, since: '2026-01-31T09:00:00.000Z' },
      ...{ waiting: 4, pausing: 1, running: 2, cluster },
    },
    queues: { queues: [queue] },
    callbacks: { pending: 5, held: 6, dead: 7 },
    endpoints: { open: 1, paused: 1, gone: 0, examples: ['acme https://a.example', 'acme https://b.example'] },
    switches: { on: [switchOn] },
  });
});

test('a part that cannot be asked says so, and the others are told all the same', async () => {
  const status = await read({ countMessages: failing('rabbitmq'), survey: async () => null });
  expect(status.queues.problem).toContain('rabbitmq');
  expect(status.queues.queues).toBeUndefined();
  expect(status.scheduler).toEqual({
    problem: 'the leader does not answer, or is still loading',
    leader: { host: 's1.example', epoch: 3 },
  });
  expect(status.callbacks).toEqual({ pending: 5, held: 6, dead: 7 });
  for (const lease of [async () => null, async () => ({ holder: null, epoch: 4 })])
    expect((await read({ lease })).scheduler).toEqual({ problem: 'no scheduler leads' });
});

test('processes are those seen within a minute and a half, two hundred at most', async () => {
  const asked: unknown[] = [];
  const findProcesses: StatusSources['findProcesses'] = async (...query) => {
    asked.push(query);
    return { count: 201, processes: [] };
  };
  expect((await read({ findProcesses })).processes).toEqual({ count: 201, processes: [] });
  expect(asked).toEqual([[90_000, 200]]);
  const { processes } = await read({ findProcesses: failing('mongodb') });
  expect(processes).toEqual({ problem: expect.stringContaining('mongodb') });
});

test('a part that hangs is not waited for', async () => {
  let pass = (): void => undefined;
  const passed = new Promise<void>((resolve) => (pass = resolve));
  const reading = read({ overviewLanes: () => new Promise(() => undefined) }, () => passed);
  await new Promise(setImmediate);
  pass();
  const status = await reading;
  expect(status.callbacks).toEqual({ problem: 'it did not answer within 3 seconds' });
  expect(status.switches).toEqual({ on: [switchOn] });
});

test('a bug is not told as a part that is away', async () => {
  await expect(read({ switches: () => Promise.reject(new Error('a bug')) })).rejects.toThrow('a bug');
});

test('is for operators', async () => {
  const client = startAdmin();
  const status = dataOf(statusAnswer, await client.admin('get', '/v1/admin/status').expect(200));
  expect(status.scheduler).toEqual({ problem: 'no scheduler leads' });
  await client.withKey('another', 'get', '/v1/admin/status').expect(401);
});
