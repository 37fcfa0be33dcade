import { randomUUID } from 'node:crypto';
import type { Log, Metrics } from '@juice/observability';
import type { HealthChecks } from '@juice/runtime';
import { createAttempts, type SettlingStore } from './attempt.ts';
import { createCallbackMetrics, watchBacklog } from './callback-metrics.ts';
import { readOptions, type CallbackOptions } from './config.ts';
import { createGuardedAgents, type Resolve } from './guard-dial.ts';
import { createHttpSender } from './http-sender.ts';
import { startIntake, type LaneStore } from './intake.ts';
import { createStatusEvents, type EventSource } from './status-events.ts';

export { callbackConfigSchema, defaultCallbackOptions, type CallbackConfig, type CallbackOptions } from './config.ts';

/** What receivers see as the sender's version. */
export const version = '0.1.0';

/** What the dispatcher runs on; `@juice/persistence`, `@juice/messaging` and `@juice/observability` provide it. */
export interface CallbackDeps {
  readonly store: LaneStore & SettlingStore;
  readonly broker: EventSource & { isUp(): boolean };
  readonly log: Log;
  readonly metrics: Metrics;
  /** A bug was met: the process must end. */
  readonly onFatal: (error: unknown) => void;
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
  const { store, broker, log, now = Date.now, random = Math.random, onFatal } = deps;
  const { keys, schedule, allow } = readOptions(options);
  const { leaseMs, timeoutMs, connectTimeoutMs, stopGraceMs } = options;
  const closing = new AbortController();
  const abandoning = new AbortController();
  const agents = createGuardedAgents({ allow, ...(deps.resolve !== undefined && { resolve: deps.resolve }) });
  const attempts = createAttempts({
    ...{ store, keys, schedule, allow, leaseMs, now, random, log },
    send: createHttpSender({
      agents,
      limits: { totalMs: timeoutMs, connectMs: connectTimeoutMs },
      abandoning: abandoning.signal,
    }),
    userAgent: `juice-callback/${version}`,
    metrics: createCallbackMetrics(deps.metrics),
    closing: closing.signal,
    abandoning: abandoning.signal,
  });
  const events = createStatusEvents({
    source: broker,
    onEvent: (taskId, tenantId) => intake.wake(taskId, tenantId),
    log,
  });
  const intake = startIntake({
    ...{ store, limits: options, now, random, log },
    deliver: (lane) => attempts.deliver(lane),
    newToken: randomUUID,
    onSwept: () => void events.resume().catch(onFatal),
    onStoreDown: () => void events.pause().catch(onFatal),
    onBroken: onFatal,
  });
  watchBacklog(deps.metrics, {
    underWay: () => intake.underWay,
    waiting: () => intake.waiting,
    overdueMs: () => intake.overdueMs,
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
      const grace = setTimeout(() => abandoning.abort(), stopGraceMs);
      await intake.close();
      clearTimeout(grace);
      abandoning.abort();
      agents.close();
    },
  };
}
