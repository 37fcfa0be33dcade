import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { RequestBounds, TaskId } from '@juice/contracts';
import { noTracing, type Log, type Metrics, type Tracing } from '@juice/observability';
import type { CallbackStores, SwitchStore } from '@juice/persistence';
import { createAccess, type AccessStores } from './access.ts';
import { createApp } from './app.ts';
import type { AskLeader } from './ask-leader.ts';
import { authOf, callbackAllowOf, policyOf, type ApiOptions } from './config.ts';
import { createCallbackRoutes } from './callback-routes.ts';
import { createDateText } from './date-text.ts';
import { createEventStreams } from './event-streams.ts';
import { createEventTail, type EventHints } from './event-tail.ts';
import { createFollowEvents, type FollowedLog, type FollowedTasks } from './follow-events.ts';
import { createFindTasks } from './find-tasks.ts';
import { startForgettingKeys, type KeyReleaseStore } from './forget-keys.ts';
import { createHints, type HintPublisher } from './hints.ts';
import { createHealth } from './health.ts';
import { startHttpServer, type HttpServer } from './http-server.ts';
import { createKillTask, type KillStore } from './kill-task.ts';
import { createAdmitTasks, type WaitingStore } from './limit-waiting.ts';
import { describeMachinePolicy } from './machine-policy.ts';
import { createApiMetrics } from './metrics.ts';
import { createMoreTaskRoutes, type MoreTaskStore } from './more-task-routes.ts';
import { createPoison, type PoisonSource } from './poison.ts';
import { createReadStatus, type StatusSources } from './read-status.ts';
import type { SandboxFiles } from './read-log.ts';
import { createReconcileTasks } from './reconcile-tasks.ts';
import type { Answered } from './request-log.ts';
import { recordRequest } from './request-span.ts';
import { createStoreTasks, type SubmitStore } from './store-tasks.ts';
import { createSubmitTask } from './submit-task.ts';
import { createSwitchBoard } from './turn-switch.ts';
import { createSwitchWatch, type SwitchHints } from './switch-watch.ts';
import { createTaskIdSource } from './task-ids.ts';
import { startCountingUsage, type UsageCounts } from './count-usage.ts';
import type { UsageFinder } from './usage-router.ts';
import { leaseWorkerNumber, type Lease, type WorkerLeases } from './worker-number.ts';

export { apiConfigSchema, authOf, defaultApiOptions, type ApiConfig, type ApiOptions } from './config.ts';
export { createApiStores } from './api-stores.ts';
export { createSandboxFiles } from './sandbox-files.ts';
export { createAskLeader, type AskLeader } from './ask-leader.ts';
export { createDocument } from './reference/document.ts';
export { writeMarkdown } from './reference/markdown.ts';
export { isLoopback } from './loopback.ts';

/** How much waits in the broker. */
export interface MessageCounts {
  countMessages: StatusSources['countMessages'];
}

/** What the api runs on; `@juice/persistence`, `@juice/messaging` and `@juice/observability` provide it. */
export interface ApiDeps<L extends Lease = Lease> extends AccessStores {
  readonly tasks: SubmitStore & WaitingStore & KillStore & KeyReleaseStore & MoreTaskStore & FollowedTasks;
  readonly eventLog: FollowedLog;
  readonly callbacks: CallbackStores;
  readonly usage: UsageCounts & UsageFinder;
  readonly leases: WorkerLeases<L>;
  readonly switches: SwitchStore;
  readonly processes: Pick<StatusSources, 'findProcesses'>;
  readonly overviewLanes: StatusSources['overviewLanes'];
  readonly leader: AskLeader;
  readonly files: SandboxFiles;
  /** Whether MongoDB is reachable, as far as is known without asking. */
  readonly store: { isUp(): boolean };
  readonly broker: HintPublisher & EventHints & SwitchHints & PoisonSource & MessageCounts;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Off when left out. */
  readonly tracing?: Tracing;
  /** The time of day in ms; the computer's when left out. */
  readonly now?: () => number;
}

export interface Api {
  readonly url: string;
  readonly port: number;
  /** Takes in nothing new, answers what is in hand (up to the grace), gives its worker number back. */
  stop(): Promise<void>;
}

/**
 * Starts the api on its dependencies, which stay the caller's to close. Resolves when it listens; throws
 * DependencyFailure when MongoDB gives it no worker number, the
 * system's error when the port is taken, and RangeError for options that the environment's schema would refuse.
 */
export async function startApi<L extends Lease>(options: ApiOptions, deps: ApiDeps<L>): Promise<Api> {
  const { log, tracing = noTracing, now = Date.now } = deps;
  const monotonicMs = (): number => performance.now();
  const auth = authOf(options);
  const wait = (ms: number, signal: AbortSignal): Promise<void> =>
    delay(ms, undefined, { signal, ref: false }).catch(() => undefined);
  const worker = await leaseWorkerNumber({
    leases: deps.leases,
    holder: randomUUID(),
    monotonicMs,
    random: Math.random,
    wait,
    log,
  });
  const switches = createSwitchWatch({ switches: deps.switches, hints: deps.broker, wait, log });
  async function stopOwn(): Promise<void> {
    await switches.stop();
    await worker.stop();
  }
  await switches.start().catch(async (error: unknown) => {
    await stopOwn();
    throw error;
  });
  let server: HttpServer | null = null;
  const metrics = createApiMetrics(deps.metrics, {
    isStoreUp: () => deps.store.isUp(),
    isBrokerUp: () => deps.broker.isUp(),
    connections: () => server?.countConnections() ?? 0,
    streams: () => eventStreams.open,
    unannounced: () => hints.unannounced,
    switchesOn: () => switches.counts(),
  });
  const tail = createEventTail({ log: deps.eventLog, hints: deps.broker, logger: log });
  const eventStreams = createEventStreams({
    follow: createFollowEvents({ log: deps.eventLog, tasks: deps.tasks, tail, now, random: Math.random }),
    most: options.maxStreams,
    mostPerTenant: options.maxStreamsPerTenant,
    ended: metrics.streamEnded,
  });
  const hints = createHints({ broker: deps.broker, log, dropped: metrics.messageDropped, monotonicMs });
  const nextId = createTaskIdSource({ now });
  const operator = { policy: policyOf(options), limits: boundsOf(options) };
  const defaults = {
    policy: operator.policy,
    requestsPerSecond: options.tenantRequestsPerSecond ?? null,
    burst: options.tenantBurst ?? null,
    mostWaiting: options.tenantWaiting ?? null,
  };
  const { gates, rulesOf, administration, audit } = createAccess({
    stores: deps,
    auth,
    adminKey: options.adminKey ?? null,
    operator: defaults,
    tenantChanged: (tenantId) => hints.tenantChanged(tenantId),
    isStoreUp: () => deps.store.isUp(),
    now,
    monotonicMs,
  });
  const storeTasks = createStoreTasks({
    tasks: deps.tasks,
    hints,
    newTaskId: (): TaskId => nextId(worker.current()),
    now,
    maxWaiting: options.maxWaiting,
    stored: metrics.submitted,
    grouped: metrics.grouped,
    random: Math.random,
  });
  const admitTasks = createAdmitTasks({
    ...{ tasks: deps.tasks, rulesOf, monotonicMs },
    intakeStop: () => switches.intakeStop(),
  });
  const submitTask = createSubmitTask({ ...submitSettings(options), storeTasks, admitTasks, rulesOf, now });
  const dateText = createDateText(options.timeZone);
  const { tasks, leader, files } = deps;
  const stopping = new AbortController();
  const switchBoard = createSwitchBoard({
    ...{ switches: deps.switches, audit, now },
    changed() {
      hints.switchesChanged();
      return switches.refresh();
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
      files,
      wait,
      streams: { most: options.maxStreams, mostPerTenant: options.maxStreamsPerTenant },
      submitTask,
      storeTasks,
      admitTasks,
      hints,
      dateText,
      bounds: operator.limits,
      now,
    }),
    callbackRoutes: createCallbackRoutes({
      ...{ callbacks: deps.callbacks, tasks, now, wait },
      allow: callbackAllowOf(options),
    }),
    poison: createPoison(deps),
    usage: deps.usage,
    switchBoard,
    readStatus: createReadStatus({
      sources: {
        lease: () => deps.leases.read('scheduler'),
        survey: () => leader.survey(),
        countMessages: () => deps.broker.countMessages(),
        overviewLanes: deps.overviewLanes,
        endpointsAfter: (...query) => deps.callbacks.endpoints.endpointsAfter(...query),
        switches: () => switchBoard.show(),
        findProcesses: (...query) => deps.processes.findProcesses(...query),
      },
      self: { host: hostname(), sinceMs: now(), node: process.version },
      wait,
      now,
    }),
    gates,
    administration,
    audit,
    leader,
    operator,
    corsOrigins: options.corsOrigins,
    eventStreams,
    bodyLimitBytes: options.bodyLimitBytes,
    batchLimitBytes: options.batchLimitBytes,
    health: createHealth(deps, worker, stopping.signal),
    beginTrace: (parent) => tracing.begin(parent),
    answered(answered) {
      report(log, answered);
      if (tracing.isOn) recordRequest(tracing, answered, now());
      metrics.answered(answered);
    },
    newRequestId: randomUUID,
    monotonicMs,
    stopping: stopping.signal,
  });
  const { host, port, maxConnections } = options;
  const { connectionDropped } = metrics;
  const listening = await startHttpServer({
    ...{ app, host, port, maxConnections, connectionDropped },
    mostBodyBytes: Math.max(options.bodyLimitBytes, options.batchLimitBytes),
    newRequestId: randomUUID,
  }).catch(async (error: unknown) => {
    await stopOwn();
    throw error;
  });
  server = listening;
  const pace = { wait, random: Math.random };
  const forgetting = startForgettingKeys({ tasks, now, ...pace });
  const counting = startCountingUsage({ log: deps.eventLog, usage: deps.usage, logger: log, ...pace });
  return {
    url: listening.url,
    port: listening.port,
    async stop() {
      const stopped = listening.stop(options.stopGraceMs);
      stopping.abort();
      eventStreams.stop();
      await stopped;
      await storeTasks.idle();
      await Promise.all([forgetting.stop(), counting.stop()]);
      await stopOwn();
    },
  };
}

/** The most that one task may ask for, under these options. */
export function boundsOf(options: ApiOptions): RequestBounds {
  return {
    cpus: options.maxCpu,
    memMb: options.maxMem,
    diskMb: options.maxDisk,
    gpus: options.maxGpus,
    ports: options.maxPorts,
    retry: options.maxRetry,
    expireSeconds: Math.floor(options.maxTaskExpiryMs / 1000),
    runSeconds: Math.floor(options.maxRunMs / 1000),
    killGraceSeconds: Math.floor(options.maxKillGraceMs / 1000),
  };
}

function submitSettings(options: ApiOptions) {
  return {
    bounds: boundsOf(options),
    defaults: {
      cpus: options.defaultCpu,
      memMb: options.defaultMem,
      leastCpus: options.minCpu,
      leastMemMb: options.minMem,
    },
    roles: options.mesosRoles ?? null,
    callbackAllow: callbackAllowOf(options),
    taskExpiryMs: options.taskExpiryMs,
  };
}

function report(log: Log, { level, error, span: _span, ...fields }: Answered): void {
  log[level]('http.answered', error === undefined ? fields : { ...fields, error });
}

/** What the policy of these options allows, in words: for the start-up line. */
export function describeAllowed(options: Pick<ApiOptions, 'allow'>): readonly string[] {
  return describeMachinePolicy(policyOf(options));
}
