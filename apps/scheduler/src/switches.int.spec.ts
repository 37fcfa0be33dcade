import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { firstTaskIdAt, TaskState, type TaskId } from '@juice/contracts';
import { startLocalMesos, type LocalMesos } from '@juice/local-mesos';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import { createMesosClient } from '@juice/mesos';
import { createMemoryBroker, type Broker } from '@juice/messaging';
import { createLogger, createMetrics } from '@juice/observability';
import {
  connectMongo,
  createEventLog,
  createFrameworkStore,
  createLeaseStore,
  createQuarantineStore,
  createSwitchStore,
  createTaskStore,
  createTenantStore,
  ensureIndexes,
  type MongoConnection,
  type SwitchStore,
  type TaskRecord,
  type TaskStore,
} from '@juice/persistence';
import { until } from '@juice/trial';
import { plainSpec } from '../testing/memory-store.ts';
import { startScheduler, type Scheduler } from './service.ts';

// What operators switch, on the whole service: the real stores on the embedded database and the stand-in cluster.

const tenant = 'acme';
const hourMs = 3_600_000;
const ann = { reason: 'the rack is moved', by: 'bootstrap' };
const log = createLogger({ service: 'scheduler', level: 'silent' });

let folder: string;
let database: LocalMongo;
let mongo: MongoConnection;
let tasks: TaskStore;
let switches: SwitchStore;
let mesos: LocalMesos;
let broker: Broker;
let schedulers: Scheduler[];
let fatal: unknown[];
let made = 0;

beforeAll(async () => {
  database = await startLocalMongo({ dataDir: null });
});
afterAll(() => database.stop());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'juice-switches-'));
  mongo = await connectMongo(`${database.url}/test-${++made}`, { appName: 'scheduler-spec' });
  await ensureIndexes(mongo);
  tasks = createTaskStore(mongo);
  switches = createSwitchStore(mongo);
  const agent = { cpus: 1, memMb: 1024, diskMb: 1000 };
  mesos = await startLocalMesos({ dataDir: folder, agents: [agent, agent], executor: 'simulated' });
  broker = createMemoryBroker({ log });
  fatal = [];
  schedulers = [];
});
afterEach(async () => {
  for (const scheduler of schedulers) await scheduler.stop();
  await broker.close();
  await mesos.stop();
  await mongo.close();
  await rm(folder, { recursive: true });
  expect(fatal).toEqual([]);
});

function start(publicHost: string): Scheduler {
  const scheduler = startScheduler({
    settings: {
      leaseMs: 1_000,
      frameworkName: 'juice',
      ...{ mesosUser: 'root', mesosRoles: ['juice'], mesosPrincipal: null, failoverTimeoutMs: hourMs },
      ...{ publicHost, internalUrl: null, launchesPerSecond: 100, placement: 'pack', agentShare: 1 },
      ...{ lostAfterMs: hourMs, preemption: 'off', preemptionAfterMs: hourMs, preemptionSafeShare: 1 },
      ...{ preemptionMinDifference: 1, preemptionMost: 1 },
    },
    ...{ store: tasks, eventLog: createEventLog(mongo), leases: createLeaseStore(mongo) },
    ...{ frameworks: createFrameworkStore(mongo), quarantine: createQuarantineStore(mongo) },
    ...{ tenants: createTenantStore(mongo), switches, broker },
    mesos: createMesosClient({ masters: [mesos.url], log }),
    ...{ log, metrics: createMetrics('scheduler'), onFatal: (error) => fatal.push(error) },
  });
  schedulers.push(scheduler);
  return scheduler;
}

async function submit(runMs: number, cpus = 0.1): Promise<TaskId> {
  const nowMs = Date.now();
  const taskId = firstTaskIdAt(nowMs);
  const resources = { ...plainSpec.resources, cpus };
  const spec = { ...plainSpec, resources, env: [{ name: 'JUICE_SIMULATE_MS', value: String(runMs) }] };
  const times = { submitAtMs: nowMs, expireAtMs: nowMs + hourMs };
  await tasks.insertTasks([{ taskId, tenantId: tenant, spec, ...times, traceparent: null }]);
  await broker.publish('juice.tasks', 'task', { v: 1, taskIds: [String(taskId)] });
  return taskId;
}

async function turn(name: string, isOn: boolean): Promise<void> {
  if (isOn) await switches.turnOn(name, ann, Date.now());
  else await switches.turnOff(name);
  await broker.publish('juice.commands', 'command.switches-changed', { v: 1, kind: 'switches-changed' });
}

async function find(taskId: TaskId): Promise<TaskRecord> {
  const [found] = await tasks.findTasks(tenant, [taskId]);
  if (found === undefined) throw new Error(`no task ${taskId}`);
  return found;
}

const reaches = (taskId: TaskId, state: TaskState): Promise<void> =>
  until(`state ${state}`, async () => (await find(taskId)).status === state);

const roleOf = (scheduler: Scheduler): unknown => {
  const { role, epoch, drainedFor } = scheduler.health();
  return { role, epoch, drainedFor };
};

test('launching is stopped before a takeover launches anything, is told to those who ask, and goes on when it is lifted', async () => {
  await switches.turnOn('stop-launching', ann, Date.now());
  const scheduler = start('one');
  await scheduler.ready;
  const taskId = await submit(1);
  const why = (): string | undefined => scheduler.inquiries()?.why(taskId).summary;
  await until('the reason', () => why() === 'launching is stopped: the rack is moved');
  await until('offers to be declined and the master to be asked for no more', () => {
    const cluster = scheduler.inquiries()?.survey().cluster;
    return cluster?.suppressed === true && cluster.offers === 0;
  });
  expect(await find(taskId)).toMatchObject({ status: TaskState.NOT_START, attempt: 0 });
  await turn('stop-launching', false);
  await reaches(taskId, TaskState.FINISHED);
  // Without a message the sweep finds it.
  await switches.turnOn('stop-launching', ann, Date.now());
  const tooLarge = await submit(1, 64);
  await until('the switch to be found', () => {
    return scheduler.inquiries()?.why(tooLarge).summary === 'launching is stopped: the rack is moved';
  });
});

test('a scheduler that is drained hands over to a standby, and takes the lead again once it is not', async () => {
  const one = start('one');
  await one.ready;
  const other = start('other');
  const running = await submit(3_000);
  await reaches(running, TaskState.RUNNING);
  await turn('drain-scheduler:one', true);
  await other.ready;
  expect(roleOf(one)).toEqual({ role: 'standby', epoch: undefined, drainedFor: 'the rack is moved' });
  expect(roleOf(other)).toMatchObject({ role: 'leader', epoch: 2 });
  // Messages are the new leader's alone, and what ran goes on as the same attempt.
  for (let n = 0; n < 4; n += 1) await reaches(await submit(1), TaskState.FINISHED);
  await reaches(running, TaskState.FINISHED);
  expect(await find(running)).toMatchObject({ attempt: 1, epoch: 2 });

  await turn('drain-scheduler:other', true);
  await until('both to be standbys', () => other.health().role === 'standby');
  await turn('drain-scheduler:one', false);
  await until('the first to lead again', () => one.health().role === 'leader' && one.inquiries() !== null);
  expect(roleOf(one)).toMatchObject({ epoch: 3 });
  await reaches(await submit(1), TaskState.FINISHED);
});

test('one that is drained from the start never leads', async () => {
  await switches.turnOn('drain-scheduler:one', ann, Date.now());
  const one = start('one');
  await until('it to know', () => one.health()['drainedFor'] !== undefined);
  const other = start('other');
  await other.ready;
  expect(roleOf(other)).toMatchObject({ role: 'leader', epoch: 1 });
});
