import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
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
  type TaskRecord,
  type TaskStore,
} from '@juice/persistence';
import { defaultPolicy } from '@juice/scheduling';
import { until } from '@juice/trial';
import { plainSpec } from '../testing/memory-store.ts';
import { replayTable } from '../testing/replay-table.ts';
import { startScheduler, type Scheduler } from './service.ts';

// The whole service over the real stores on the embedded database, the in-memory broker and the stand-in cluster, which
// suffers what the recorded cluster suffered: the same must come of it as of the recording.

const tenant = 'acme';
const { NOT_START, RUNNING, UNREACHABLE, KILLED, FINISHED } = TaskState;
const hourMs = 3_600_000;
const policy = {
  ...defaultPolicy,
  // No second attempt is made meanwhile, and silence is not waited out.
  ...{ retryPauseMs: hourMs, retryPauseMostMs: hourMs, askAgainMs: 200, askAgainMostMs: 200 },
};

let folder: string;
let database: LocalMongo;
let mongo: MongoConnection;
let tasks: TaskStore;
let mesos: LocalMesos;
let broker: Broker;
let scheduler: Scheduler;
let fatal: unknown[];
let said: string[];
let made = 0;

beforeAll(async () => {
  database = await startLocalMongo({ dataDir: null });
});
afterAll(() => database.stop());

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'juice-accidents-'));
  mongo = await connectMongo(`${database.url}/test-${++made}`, { appName: 'scheduler-spec' });
  await ensureIndexes(mongo);
  tasks = createTaskStore(mongo);
  const agent = { cpus: 1, memMb: 1024, diskMb: 1000 };
  mesos = await startLocalMesos({ dataDir: folder, agents: [agent, agent], executor: 'simulated' });
  said = [];
  const stream = new PassThrough().on('data', (line: Buffer) => said.push(line.toString()));
  const log = createLogger({ service: 'scheduler', level: 'debug', stream });
  broker = createMemoryBroker({ log });
  fatal = [];
  scheduler = startScheduler({
    settings: {
      leaseMs: 10_000,
      frameworkName: 'juice',
      ...{ mesosUser: 'root', mesosRoles: ['juice'], mesosPrincipal: null },
      failoverTimeoutMs: hourMs,
      ...{ publicHost: 'here', internalUrl: null },
      policy,
    },
    store: tasks,
    eventLog: createEventLog(mongo),
    leases: createLeaseStore(mongo),
    frameworks: createFrameworkStore(mongo),
    quarantine: createQuarantineStore(mongo),
    tenants: createTenantStore(mongo),
    switches: createSwitchStore(mongo),
    broker,
    mesos: createMesosClient({ masters: [mesos.url], log }),
    log,
    metrics: createMetrics('scheduler'),
    onFatal: (error) => fatal.push(error),
  });
  await scheduler.ready;
});
afterEach(async () => {
  await scheduler.stop();
  await broker.close();
  await mesos.stop();
  await mongo.close();
  await rm(folder, { recursive: true });
  expect(fatal).toEqual([]);
});

/** Submits a task that takes so long. */
async function submit(runMs: number): Promise<TaskId> {
  const nowMs = Date.now();
  const taskId = firstTaskIdAt(nowMs);
  const spec = { ...plainSpec, env: [{ name: 'JUICE_SIMULATE_MS', value: String(runMs) }] };
  const times = { submitAtMs: nowMs, expireAtMs: nowMs + hourMs };
  await tasks.insertTasks([{ taskId, tenantId: tenant, spec, ...times, traceparent: null }]);
  await broker.publish('juice.tasks', 'task', { v: 1, taskIds: [String(taskId)] });
  return taskId;
}

async function kill(taskId: TaskId): Promise<void> {
  await tasks.requestKill(tenant, taskId, Date.now());
  await broker.publish('juice.commands', 'kill', { v: 1, kind: 'kill', taskIds: [String(taskId)] });
}

async function find(taskId: TaskId): Promise<TaskRecord> {
  const [found] = await tasks.findTasks(tenant, [taskId]);
  if (found === undefined) throw new Error(`no task ${taskId}`);
  return found;
}

async function statesOf(taskId: TaskId): Promise<TaskState[]> {
  return (await find(taskId)).history.map(({ status }) => status);
}

/** Waits until it was in a state so many times. */
function reaches(taskId: TaskId, state: TaskState, times = 1): Promise<void> {
  return until(`state ${state}`, async () => {
    return (await statesOf(taskId)).filter((each) => each === state).length === times;
  });
}

/** The tasks that the master knows of. */
async function knownToMaster(): Promise<string> {
  return (await fetch(`${mesos.url}/frameworks`)).text();
}

interface Accident {
  /** The recording of the same. */
  readonly scenario: string;
  /** What happens while the task runs on that agent. */
  happen(taskId: TaskId, agent: number): Promise<void> | void;
}

const accidents: readonly Accident[] = [
  {
    scenario: 'agent-unreachable-and-back',
    async happen(taskId, agent) {
      mesos.loseAgent(agent);
      await reaches(taskId, UNREACHABLE);
      mesos.returnAgent(agent);
      await reaches(taskId, RUNNING, 2);
      await kill(taskId);
      await reaches(taskId, KILLED);
    },
  },
  { scenario: 'agent-drained', happen: (_taskId, agent) => mesos.drainAgent(agent) },
  { scenario: 'agent-marked-gone', happen: (_taskId, agent) => mesos.markAgentGone(agent) },
  { scenario: 'agent-unregisters', happen: (_taskId, agent) => mesos.unregisterAgent(agent) },
  {
    scenario: 'master-restarts',
    async happen(taskId) {
      const [attempt] = (await find(taskId)).attempts;
      mesos.restartMaster({ recoverMs: 200, agentsBackMs: 1_500 });
      await until('the new master to know the task', async () =>
        (await knownToMaster()).includes(attempt?.mesosTaskId ?? 'none'),
      );
      await kill(taskId);
      await reaches(taskId, KILLED);
    },
  },
];

test.each(accidents)('$scenario: as in the recording', async ({ scenario, happen }) => {
  const expected = Object.values(replayTable.find((row) => row.scenario === scenario)?.states ?? {})[0] ?? [];
  const taskId = await submit(hourMs);
  await reaches(taskId, RUNNING);
  await happen(taskId, mesos.agentIds.indexOf((await find(taskId)).attempts[0]?.agentId ?? ''));
  await until('its last state', async () => (await statesOf(taskId)).at(-1) === expected.at(-1));
  // It goes on: what came after has been heard when another task has run.
  const another = await submit(1);
  await reaches(another, FINISHED);

  expect(await statesOf(taskId)).toEqual(expected);
  expect(await find(taskId)).toMatchObject({
    attempt: 1,
    countedFailures: 0,
    freeFailures: expected.at(-1) === NOT_START ? 1 : 0,
  });
});

test('what a task that ended while its agent was away left behind is kept: its exit code and message', async () => {
  const taskId = await submit(700);
  await reaches(taskId, RUNNING);
  const [{ agentId, startedAt } = {}] = (await find(taskId)).attempts;
  const agent = mesos.agentIds.indexOf(agentId ?? '');
  mesos.loseAgent(agent);
  await reaches(taskId, UNREACHABLE);
  await until('it to have ended unseen', () => Date.now() - (startedAt?.getTime() ?? Infinity) > 1_200);
  mesos.returnAgent(agent);
  await reaches(taskId, FINISHED);
  const message = 'Command exited with status 0';
  expect(await find(taskId)).toMatchObject({
    message,
    reason: null,
    attempts: [{ exitCode: 0, message, reason: null }],
  });
});

test('an update that cannot be read is set aside and acknowledged, and the scheduler goes on', async () => {
  mesos.garbleUpdate();
  const [taskId, another] = [await submit(0), await submit(0)];
  await Promise.all([reaches(taskId, FINISHED), reaches(another, FINISHED)]);
  expect(await createQuarantineStore(mongo).keys(10)).toEqual([expect.stringMatching(/^unreadable /)]);
  expect(scheduler.health()).toMatchObject({ ok: true, role: 'leader' });
});

test('the end of a task that its agent could not make us read is asked of the master, and the task is not run again', async () => {
  const taskId = await submit(1_000);
  await reaches(taskId, RUNNING);
  mesos.garbleUpdate((await find(taskId)).attempts[0]?.mesosTaskId);
  await reaches(taskId, FINISHED);
  expect(await find(taskId)).toMatchObject({ attempt: 1, attempts: [{ quarantined: true, state: 'TASK_FINISHED' }] });
  expect(said.some((line) => line.includes('"status.quarantined"') && line.includes(String(taskId)))).toBe(true);
});

test('agents about to be maintained are left alone though they have room, and used again when that is over', async () => {
  for (const agent of mesos.agentIds.keys()) mesos.startMaintenance(agent, { startMs: Date.now() + 60_000 });
  const taskId = await submit(0);
  await until('an offer to be passed over', () => said.some((line) => line.includes('"offer.declined"')));
  expect(await statesOf(taskId)).toEqual([]);
  for (const agent of mesos.agentIds.keys()) mesos.endMaintenance(agent);
  await reaches(taskId, FINISHED);
});
