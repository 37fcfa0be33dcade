import { DependencyFailure } from '@juice/contracts';
import { childTraceparent } from '@juice/observability';
import { parseAllowList } from '@juice/destinations';
import type { CallbackTestAnswer, TaskId } from '@juice/contracts';
import type { CallbackStores, CalledBackRecord } from '@juice/persistence';
import {
  createMemoryCallbackTests,
  createMemoryEndpoints,
  createMemoryLanes,
  createMemoryReplays,
  createMemorySwitches,
} from '@juice/persistence/testing';
import { createAccess } from '../src/access.ts';
import type { AskLeader } from '../src/ask-leader.ts';
import { createApp, type App } from '../src/app.ts';
import { createCallbackRoutes } from '../src/callback-routes.ts';
import { createDateText } from '../src/date-text.ts';
import type { EventRoutes } from '../src/events-router.ts';
import { createFindTasks } from '../src/find-tasks.ts';
import { createHints } from '../src/hints.ts';
import { createKillTask } from '../src/kill-task.ts';
import type { Auth } from '../src/identify.ts';
import { createAdmitTasks } from '../src/limit-waiting.ts';
import { closedPolicy, type MachinePolicy } from '../src/machine-policy.ts';
import { createMoreTaskRoutes } from '../src/more-task-routes.ts';
import { createReadStatus } from '../src/read-status.ts';
import type { SandboxFiles } from '../src/read-log.ts';
import { createPoison, type PoisonSource } from '../src/poison.ts';
import { createReconcileTasks } from '../src/reconcile-tasks.ts';
import type { Answered } from '../src/request-log.ts';
import { createStoreTasks } from '../src/store-tasks.ts';
import { createSubmitTask, type SubmitTask } from '../src/submit-task.ts';
import { createTaskIdSource } from '../src/task-ids.ts';
import { createSwitchWatch } from '../src/switch-watch.ts';
import { createSwitchBoard } from '../src/turn-switch.ts';
import type { OperatorDefaults } from '../src/tenant-rules.ts';
import { checkDocumented } from './check-documented.ts';
import { createShortStreams } from './event-world.ts';
import { createMemoryAudits, type MemoryAudits } from './memory-audits.ts';
import { createMemoryUsage } from './memory-usage.ts';
import { createMemoryKeys, type MemoryKeys } from './memory-keys.ts';
import { createMemoryTasks, type MemoryTasks } from './memory-tasks.ts';
import { createMemoryTenants, type MemoryTenants } from './memory-tenants.ts';

export interface Published {
  readonly exchange: string;
  readonly routingKey: string;
  readonly body: unknown;
}

export interface ApiFixture {
  readonly app: App;
  readonly tasks: MemoryTasks;
  readonly tenants: MemoryTenants;
  readonly keys: MemoryKeys;
  readonly audits: MemoryAudits;
  readonly callbacks: CallbackStores;
  readonly usage: ReturnType<typeof createMemoryUsage>;
  readonly published: Published[];
  readonly answered: Answered[];
  readonly warnings: unknown[];
  readonly submitTask: SubmitTask;
  /** How many tasks were counted as stored. */
  countStored(): number;
  setBrokerDown(isDown: boolean): void;
  /** The store is known to be away, without being asked. */
  setStoreKnownDown(): void;
  /** Lets time pass. */
  advance(ms: number): void;
}

/** 8 December 2016, 07:58:29 UTC: the seed's own example, in milliseconds. */
export const seedInstantMs = Date.UTC(2016, 11, 8, 7, 58, 29);
export const bounds = {
  cpus: 16,
  memMb: 16_384,
  diskMb: 1000,
  gpus: 4,
  ports: 8,
  retry: 10,
  expireSeconds: 604_800,
  runSeconds: 86_400,
  killGraceSeconds: 600,
};
export const defaults = { cpus: 1, memMb: 512, leastCpus: 0.1, leastMemMb: 256 };

/** The app over a store and a broker in memory; ids and dates are those of the seed's example. */
export function createApiFixture(
  settings: {
    policy?: MachinePolicy;
    roles?: readonly string[];
    callbackAllow?: readonly string[];
    maxWaiting?: number;
    timeZone?: string;
    auth?: Auth;
    adminKey?: string | null;
    windowSize?: number;
    leader?: AskLeader;
    corsOrigins?: readonly string[];
    files?: SandboxFiles;
    wait?: (ms: number, signal: AbortSignal) => Promise<void>;
    /** For tenants for which nothing is set. */
    tenants?: Partial<OperatorDefaults>;
    eventStreams?: EventRoutes['eventStreams'];
    callbacks?: CallbackStores;
    poison?: PoisonSource;
    stopping?: AbortSignal;
  } = {},
): ApiFixture {
  const { policy = closedPolicy, roles = null, maxWaiting = 100, timeZone = 'Asia/Shanghai' } = settings;
  const { auth = 'header', adminKey = null, leader = noLeader } = settings;
  const callbackAllow = parseAllowList(settings.callbackAllow ?? []);
  if (callbackAllow === null) throw new Error('not an allow list');
  const tasks = createMemoryTasks(settings.windowSize);
  const stores = { tenants: createMemoryTenants(), keys: createMemoryKeys(), audits: createMemoryAudits() };
  const usage = createMemoryUsage();
  const published: Published[] = [];
  const answered: Answered[] = [];
  const warnings: unknown[] = [];
  let isBrokerDown = false;
  let isStoreUp = true;
  let passedMs = 0;
  const now = (): number => seedInstantMs + passedMs;
  const hints = createHints({
    broker: {
      async publish(exchange, routingKey, body) {
        if (isBrokerDown) throw brokerFailure();
        published.push({ exchange, routingKey, body });
      },
    },
    log: { warn: (event, fields) => void warnings.push({ event, ...fields }) },
    dropped: () => undefined,
    monotonicMs: () => 0,
  });
  const nextId = createTaskIdSource({ now });
  const { gates, rulesOf, administration, audit } = createAccess({
    stores,
    auth,
    adminKey,
    operator: { policy, requestsPerSecond: null, burst: null, mostWaiting: null, ...settings.tenants },
    tenantChanged: (tenantId) => hints.tenantChanged(tenantId),
    isStoreUp: () => isStoreUp,
    now,
    monotonicMs: () => passedMs,
  });
  let countStored = 0;
  const storeTasks = createStoreTasks({
    tasks,
    hints,
    newTaskId: () => nextId(7),
    now,
    maxWaiting,
    stored: (count) => void (countStored += count),
    grouped: () => undefined,
    random: () => 0,
  });
  const switches = createMemorySwitches();
  const watch = createSwitchWatch({
    ...{ switches, wait: noWait, log: silent },
    hints: { listen: async () => ({ cancel: async () => undefined }) },
  });
  const admitTasks = createAdmitTasks({
    ...{ tasks, rulesOf, monotonicMs: () => passedMs },
    intakeStop: () => watch.intakeStop(),
  });
  const submitTask = createSubmitTask({
    storeTasks,
    admitTasks,
    rulesOf,
    now,
    bounds,
    defaults,
    roles,
    callbackAllow,
    taskExpiryMs: 86_400_000,
  });
  const dateText = createDateText(timeZone);
  const callbacks = settings.callbacks ?? createMemoryCallbacks(tasks);
  const switchBoard = createSwitchBoard({
    ...{ switches, audit, now },
    changed() {
      hints.switchesChanged();
      return watch.refresh();
    },
  });
  const app = createApp({
    submitTask,
    findTasks: createFindTasks({ tasks, dateText }),
    killTask: createKillTask({ tasks, hints, now }),
    reconcileTasks: createReconcileTasks({ tasks, hints }),
    ...createMoreTaskRoutes({
      tasks,
      leader,
      files: settings.files ?? noFiles,
      wait: settings.wait ?? noWait,
      streams: { most: 3, mostPerTenant: 2 },
      submitTask,
      storeTasks,
      admitTasks,
      hints,
      dateText,
      bounds,
      now,
    }),
    callbackRoutes: createCallbackRoutes({
      ...{ callbacks, tasks, now, wait: settings.wait ?? noWait },
      allow: callbackAllow,
    }),
    poison: createPoison({ broker: settings.poison ?? noPoison }),
    usage,
    switchBoard,
    readStatus: createReadStatus({
      sources: {
        lease: async () => null,
        survey: () => leader.survey(),
        countMessages: async () => [],
        overviewLanes: async () => ({ lanes: { pending: 0, held: 0, dead: 0 }, oldest: [] }),
        endpointsAfter: (...query) => callbacks.endpoints.endpointsAfter(...query),
        switches: () => switchBoard.show(),
        findProcesses: async () => ({ count: 0, processes: [] }),
      },
      self: { host: 'here', sinceMs: seedInstantMs, node: process.version },
      wait: () => new Promise(() => undefined),
      now,
    }),
    gates,
    administration,
    audit,
    leader,
    operator: { policy, limits: bounds },
    corsOrigins: settings.corsOrigins ?? [],
    eventStreams: settings.eventStreams ?? createShortStreams(tasks),
    bodyLimitBytes: 1_048_576,
    batchLimitBytes: 8_388_608,
    health: {
      livez: () => ({ ok: true }),
      readyz: () => ({ ok: false, status: -1, message: 'not yet' }),
      metrics: { contentType: 'text/plain', text: () => Promise.resolve('# none\n') },
    },
    beginTrace: childTraceparent,
    answered(one) {
      checkDocumented(one);
      answered.push(one);
    },
    newRequestId: () => 'request-1',
    monotonicMs: () => 0,
    stopping: settings.stopping ?? new AbortController().signal,
  });
  return {
    app,
    tasks,
    ...stores,
    usage,
    callbacks,
    published,
    answered,
    warnings,
    submitTask,
    countStored: () => countStored,
    setStoreKnownDown() {
      isStoreUp = false;
    },
    setBrokerDown(isDown) {
      isBrokerDown = isDown;
    },
    advance(ms) {
      passedMs += ms;
    },
  };
}

const silent = { warn: () => undefined };

const noPoison: PoisonSource = {
  isUp: () => true,
  peekPoison: async () => ({ count: 0, messages: [] }),
  redrivePoison: async () => ({ redriven: 0, left: 0 }),
};

/** What a worker tells of any receiver here. */
const tested: CallbackTestAnswer = {
  ...{ url: 'https://acme.example.com/hook', webhookId: 'test_1', outcome: 'delivered', summary: 'it is taken' },
  ...{ phases: [{ phase: 'url', ok: true }], durationMs: 1, headers: {}, signatures: 1, worker: 'worker-1' },
};

/** Nothing is dead, and a worker answers whatever test is asked for; lanes are those of the tasks. */
export function createMemoryCallbacks(tasks: MemoryTasks): CallbackStores {
  const tests = createMemoryCallbackTests();
  return {
    deadLetters: createMemoryLanes().deadLetters,
    replays: createMemoryReplays(),
    endpoints: createMemoryEndpoints().store,
    tests: {
      ...tests,
      async askTest(test, bound) {
        const isAsked = await tests.askTest(test, bound);
        await tests.tellTest(test.testId, tested);
        return isAsked;
      },
    },
    async findLane(tenantId: string | null, taskId: TaskId) {
      const owner = tenantId ?? tasks.stored.get(taskId)?.tenantId ?? '';
      // A lane in memory holds what is shown of it.
      return ((await tasks.findTasks(owner, [taskId]))[0] ?? null) as CalledBackRecord | null;
    },
  };
}

/** Where an attempt's files are. */
export function sandboxOf(n: number) {
  return { agentPort: 5051, mesosTaskId: `a-1-${n}`, frameworkId: 'F1' };
}

export const noFiles: SandboxFiles = { size: () => Promise.resolve(null), read: () => Promise.resolve(null) };
const noWait = (): Promise<void> => new Promise(setImmediate);

export const noLeader: AskLeader = { why: () => Promise.resolve(null), survey: () => Promise.resolve(null) };

function brokerFailure(): DependencyFailure {
  return new DependencyFailure({ dependency: 'rabbitmq', operation: 'publish', retryable: true, detail: 'is down' });
}
