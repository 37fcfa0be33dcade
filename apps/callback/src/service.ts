import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { productVersion } from '@juice/contracts';
import { noTracing, type Log, type Metrics, type Tracing } from '@juice/observability';
import type { DeliveryStore, Endpoint, ReplayStore, TenantStore } from '@juice/persistence';
import type { HealthChecks } from '@juice/runtime';
import { createAttempts, type SettlingStore } from './attempt.ts';
import { createCallbackMetrics, watchBacklog } from './callback-metrics.ts';
import { readOptions, type CallbackOptions } from './config.ts';
import { admit } from './endpoint-state.ts';
import { createEndpoints, type EndpointsDeps } from './endpoints.ts';
import { createGuardedAgents, type GuardedAgents, type Resolve } from './guard-dial.ts';
import { createHttpSender, type Send } from './http-sender.ts';
import { startIntake, type Intake, type LaneStore } from './intake.ts';
import { watchOverview } from './overview-watch.ts';
import { startReplayer, type ReplayerDeps } from './replayer.ts';
import { createStatusEvents, type EventSource } from './status-events.ts';
import { listenForTenantChanges, type ChangeSource } from './tenant-changes.ts';
import { createRulesOf } from './tenant-rules.ts';
import { startTester, type TesterDeps } from './tester.ts';
import { createWhoseFault } from './whose-fault.ts';

export { callbackConfigSchema, defaultCallbackOptions, type CallbackConfig, type CallbackOptions } from './config.ts';

/** What the dispatcher runs on; `@juice/persistence`, `@juice/messaging` and `@juice/observability` provide it. */
export interface CallbackDeps {
  readonly store: LaneStore & SettlingStore & ReplayerDeps['lanes'] & Pick<DeliveryStore, 'overviewLanes'>;
  readonly deadLetters: ReplayerDeps['deadLetters'];
  readonly replays: ReplayerDeps['replays'] & Pick<ReplayStore, 'countReplays'>;
  readonly endpoints: EndpointsDeps['store'];
  readonly tests: TesterDeps['tests'];
  readonly tenants: Pick<TenantStore, 'callbackRulesOf'>;
  readonly broker: EventSource & ChangeSource & { isUp(): boolean };
  readonly log: Log;
  readonly metrics: Metrics;
  /** Off when left out. */
  readonly tracing?: Tracing;
  /** A bug was met: the process must end. */
  readonly onFatal: (error: unknown) => void;
  /** This worker, for people who ask who is at a lane; a random name when left out. */
  readonly name?: string;
  /** The time of day in ms, chance between 0 and 1, and the resolver; the computer's when left out. */
  readonly now?: () => number;
  readonly random?: () => number;
  readonly resolve?: Resolve;
}

export interface CallbackService {
  /** Ready while MongoDB answers; without the broker callbacks are later than usual, found by the sweep. */
  readonly health: HealthChecks;
  /**
   * Takes nothing new in, lets the attempts in hand end (up to the grace), gives the others' lanes back uncharged, and
   * resolves when nothing of the service is left running. Its dependencies stay the caller's to close.
   */
  stop(): Promise<void>;
}

/** Starts a dispatcher: one of any number. It needs neither MongoDB nor the broker to be up already. */
export function startCallback(options: CallbackOptions, deps: CallbackDeps): CallbackService {
  const { store, broker, log, now = Date.now, random = Math.random, onFatal, name = randomUUID() } = deps;
  const { keys, schedule, allow } = readOptions(options);
  const { leaseMs, timeoutMs, connectTimeoutMs, stopGraceMs } = options;
  const monotonicMs = (): number => performance.now();
  const closing = new AbortController();
  const abandoning = new AbortController();
  // Every lane in hand waits on it while the store is away: more than the ten that Node warns of.
  setMaxListeners(0, abandoning.signal);
  const newAgents = (): GuardedAgents =>
    createGuardedAgents({ allow, ...(deps.resolve !== undefined && { resolve: deps.resolve }) });
  const agents = newAgents();
  const senderOver = (over: GuardedAgents): Send =>
    createHttpSender({
      agents: over,
      limits: { totalMs: timeoutMs, connectMs: connectTimeoutMs },
      abandoning: abandoning.signal,
    });
  const userAgent = `juice-callback/${productVersion}`;
  const metrics = createCallbackMetrics(deps.metrics);
  const rulesOf = createRulesOf({ tenants: deps.tenants, operator: { schedule, keys }, monotonicMs });
  const endpoints = createEndpoints({
    ...{ store: deps.endpoints, now, random, leaseMs, log },
    newToken: randomUUID,
    onChange: (endpoint) => intake.endpointChanged(endpoint),
    onBroken: onFatal,
  });
  const attempts = createAttempts({
    ...{ store, endpoints, rulesOf, allow, leaseMs, now, random, log, metrics },
    onPostponed: (atMs) => intake.postponed(atMs),
    whoseFault: createWhoseFault(),
    tracing: deps.tracing ?? noTracing,
    send: senderOver(agents),
    userAgent,
    closing: closing.signal,
    abandoning: abandoning.signal,
  });
  const events = createStatusEvents({
    source: broker,
    onEvent: (taskId, tenantId) => intake.wake(taskId, tenantId),
    log,
  });
  const intake: Intake = startIntake({
    ...{ store, endpoints, attempts, rulesOf, limits: options, now, random, log, by: name },
    newToken: randomUUID,
    onHeld: (lanes) => metrics.held(lanes),
    onSwept: () => void events.resume().catch(onFatal),
    onStoreDown: () => void events.pause().catch(onFatal),
    onBroken: onFatal,
  });
  const tester = startTester({
    ...{ tests: deps.tests, rulesOf, allow, userAgent, by: name, now, log, onBroken: onFatal },
    openSender() {
      const own = newAgents();
      return { send: senderOver(own), close: own.close };
    },
  });
  const changes = listenForTenantChanges(broker, () => rulesOf.forgetAll());
  changes.catch(onFatal);
  const overview = watchOverview({ store, replays: deps.replays, monotonicMs, random, onBroken: onFatal });
  const replayer = startReplayer({
    ...{ replays: deps.replays, deadLetters: deps.deadLetters, lanes: store, now, log, onBroken: onFatal },
    newToken: randomUUID,
    onArmed(lanes) {
      metrics.replayed(lanes);
      intake.postponed(now());
    },
    onSuperseded: (states) => metrics.superseded(states),
  });
  watchBacklog(deps.metrics, {
    underWay: () => intake.underWay,
    waiting: () => intake.waiting,
    overdueMs: () => intake.overdueMs,
    endpoints: () => countEndpoints(endpoints.known(), now()),
    overview: () => overview.latest,
    replays: () => overview.replays,
    now,
  });

  return {
    health: {
      livez: () => ({ ok: true }),
      readyz: () => ({
        ok: intake.isStoreUp && !closing.signal.aborted,
        checks: { mongodb: intake.isStoreUp, broker: broker.isUp() },
        degraded: broker.isUp() ? [] : ['the broker is away: callbacks are found by the sweep'],
      }),
      metrics: deps.metrics,
    },
    async stop() {
      closing.abort();
      await events.pause();
      await (await changes).close();
      await overview.close();
      const grace = setTimeout(() => abandoning.abort(), stopGraceMs);
      await Promise.all([intake.close(), replayer.close(), tester.close()]);
      clearTimeout(grace);
      abandoning.abort();
      agents.close();
    },
  };
}

/** How many are in which state; those that are called as usual are not counted. */
function countEndpoints(known: Iterable<Endpoint>, nowMs: number): Readonly<Record<string, number>> {
  const counts = { paused: 0, gone: 0, waiting: 0, open: 0, 'half-open': 0, ramping: 0 };
  const states = {
    'endpoint-paused': 'paused',
    'endpoint-gone': 'gone',
    'endpoint-waits': 'waiting',
    'endpoint-open': 'open',
  } as const;
  for (const endpoint of known) {
    const admission = admit(endpoint, nowMs);
    const isProbed = endpoint.breaker !== null && endpoint.breaker.untilMs <= nowMs;
    if (admission.kind === 'ramp') counts.ramping += 1;
    else if (
      admission.kind === 'probe' ||
      (admission.kind === 'shut' && admission.reason === 'endpoint-open' && isProbed)
    )
      counts['half-open'] += 1;
    else if (admission.kind === 'shut') counts[states[admission.reason]] += 1;
  }
  return counts;
}
