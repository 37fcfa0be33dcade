import { DependencyFailure, ProtocolViolation, type LiveTask, type TaskId, type TaskSpec } from '@juice/contracts';
import type { Log } from '@juice/observability';
import { decide, type Event, type Policy } from '@juice/scheduling';
import { createAnnouncements, type AnnouncementStore } from './announcements.ts';
import type { RecorderLog } from './event-recorder.ts';
import { Fenced } from './fenced.ts';
import { createIntake, type IntakeBroker, type IntakeStore } from './intake.ts';
import { identifyAttempts, type AttemptStore } from './identify.ts';
import type { Leadership } from './leadership.ts';
import { createPersevere } from './persevere.ts';
import { createQuarantine, type QuarantineStore } from './quarantine.ts';
import type { SchedulerMetrics } from './metrics.ts';
import { createRunner, type Inquiries, type RunnerStore } from './runner.ts';
import { runSession, type SessionEnd, type Stream } from './session.ts';
import { linearPatterns } from './patterns.ts';
import { createSwitchReader, type SwitchSource } from './switches.ts';
import { createTenantLimits, type TenantLimitsStore } from './tenant-limits.ts';
import { wait as waitByClock, type Wait } from './wait.ts';

export interface TermStore extends RunnerStore, IntakeStore, AnnouncementStore, AttemptStore {
  liveTasks(batchSize: number): AsyncIterable<readonly LiveTask[]>;
  loadLaunchSpecs(ids: readonly TaskId[]): Promise<ReadonlyMap<TaskId, { spec: TaskSpec; traceparent: string | null }>>;
}

export interface FrameworkIds {
  claim(name: string, epoch: number): Promise<{ frameworkId: string | null } | 'fenced'>;
  save(name: string, frameworkId: string, epoch: number): Promise<'saved' | 'fenced'>;
  clear(name: string, epoch: number): Promise<unknown>;
}

export interface TermDeps {
  leadership: Leadership;
  store: TermStore;
  eventLog: RecorderLog;
  frameworks: FrameworkIds;
  quarantine: QuarantineStore;
  tenants: TenantLimitsStore;
  switches: SwitchSource;
  /** As the switch that drains this process names it. */
  host: string;
  /** An operator wants another process to lead: this term is to be stopped. May be called again. */
  onDrained: (reason: string) => void;
  frameworkName: string;
  /** What to do when the master has removed our framework: ask for a new id at once, or wait until an operator clears the old one. */
  whenRemoved: 'new-id' | 'wait';
  broker: IntakeBroker & { publish(exchange: 'juice.events', routingKey: string, body: unknown): Promise<void> };
  subscribe: (frameworkId: string | null, signal: AbortSignal) => Promise<Stream>;
  policy: Policy;
  log: Log;
  now: () => number;
  random: () => number;
  /** What passes the time of ticks, sweeps and pauses; by default the clock does. */
  wait?: Wait;
  /** The scheduler's thinking; by default the core's. */
  decide?: typeof decide;
  told?: SchedulerMetrics;
}

export interface Term {
  /** Rejects when this process must not lead any longer; resolves after `stop`. */
  readonly over: Promise<void>;
  /** Resolves when it is subscribed and has loaded every live task. */
  readonly ready: Promise<void>;
  /** Stops in order: no more intake, the subscription dropped (never torn down), the last frame stored. */
  stop(): Promise<void>;
  /** null until every live task is loaded. */
  inquiries(): Inquiries | null;
  describe(): {
    subscribed: boolean;
    loaded: boolean;
    waiting: number;
    live: number;
    queued: number;
    unlogged: number;
    unannounced: number;
  };
}

const loadBatch = 2_000;
const tickMs = 250;
const sweepMs = 5_000;
const sweepsPerTenants = 12;
/** A subscription that held this long was a good one: the next failure starts with the short pause again. */
const healthyMs = 30_000;
const firstPauseMs = 500;
const longestPauseMs = 15_000;
/** A refusal is a configuration error: it does not go away within seconds. */
const refusedPauseMs = 60_000;

const nobody: SchedulerMetrics = { stored: () => undefined, quarantined: () => undefined };

/**
 * One term of leadership: SUBSCRIBE first (which cuts an earlier leader off at the master), then load every live task,
 * then let the stream in, consume and match. Ends by throwing when a write is fenced or fails for good, or another
 * process takes the framework over: the process ends with it, and a standby starts from what is stored.
 */
export function startTerm(deps: TermDeps): Term {
  const { leadership, store, frameworks, broker, log, now, policy, wait = waitByClock } = deps;
  const { epoch } = leadership;
  const beganAt = new Date(now()).toISOString();
  const ending = new AbortController();
  const persevere = createPersevere({ assertLeading: () => leadership.assertLeading(), wait, log });
  let fail = (_error: unknown): void => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  const announcements = createAnnouncements({
    epoch,
    publish: (exchange, routingKey, body) => broker.publish(exchange, routingKey, body),
    store,
    eventLog: deps.eventLog,
    wait,
    onFailure: (error) => fail(error),
    log,
    now,
  });
  const { told = nobody } = deps;
  const onQuarantined = (): void => told.quarantined();
  const quarantine = createQuarantine({ store: deps.quarantine, epoch, persevere, onQuarantined, log, now });
  const runner = createRunner({
    store,
    epoch,
    policy,
    patterns: linearPatterns,
    decide: deps.decide ?? decide,
    assertLeading: () => leadership.assertLeading(),
    persevere,
    quarantine,
    announce: (events) => announcements.announce(events),
    stored: (applied, durationMs) => told.stored(applied, durationMs),
    identify(unknown) {
      const { read } = intake;
      persevere('identify attempts', () => identifyAttempts(unknown, { store, push, read, log, now })).catch(fail);
    },
    log,
    now,
  });
  const push = (event: Event): void => runner.push(event);
  const tenants = createTenantLimits({ store: deps.tenants, defaults: policy.tenantLimits, push, now });
  const switches = createSwitchReader({
    ...{ source: deps.switches, host: deps.host, onDrained: deps.onDrained },
    ...{ push, now },
  });
  const intake = createIntake({
    ...{ broker, store, tenants, switches, push, persevere, log, now },
    onEnded: (taskIds) => announcements.look(taskIds),
    onFailure: (error) => fail(error),
  });
  let loaded = false;
  let becomeReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => (becomeReady = resolve));
  let subscribed = false;

  /** Once a term: nothing of the stream reaches the core before every live task is known. */
  async function loadAll(): Promise<void> {
    if (loaded) return;
    let count = 0;
    await quarantine.load();
    await persevere('load tenants', () => tenants.readAll());
    await persevere('load switches', () => switches.read());
    await persevere('liveTasks', async () => {
      count = 0;
      for await (const batch of store.liveTasks(loadBatch)) {
        for (const live of batch) push({ kind: 'task.loaded', atMs: now(), taskId: live.task.taskId, live });
        count += batch.length;
      }
    });
    push({ kind: 'takeover.completed', atMs: now() });
    loaded = true;
    becomeReady();
    log.info('leader.loaded', { epoch, tasks: count });
    await intake.consume();
  }

  async function session(): Promise<SessionEnd> {
    const known = await persevere('claim framework id', () => frameworks.claim(deps.frameworkName, epoch));
    if (known === 'fenced') throw new Fenced(epoch);
    return runSession({
      subscribe: () => deps.subscribe(known.frameworkId, ending.signal),
      async saveFrameworkId(frameworkId) {
        // Even when it is the one we came with: the write is guarded, and tells whether we still lead.
        const saved = await persevere('save framework id', () =>
          frameworks.save(deps.frameworkName, frameworkId, epoch),
        );
        if (saved === 'fenced') throw new Fenced(epoch);
      },
      async ready() {
        subscribed = true;
        await loadAll();
      },
      push: (event, target) => {
        if (event.kind === 'cluster.disconnected') subscribed = false;
        runner.push(event, target);
      },
      setAside: (update) => quarantine.unreadable(update),
      loadLaunchSpecs: (ids) => store.loadLaunchSpecs(ids),
      log,
      now,
    });
  }

  async function keepSubscribed(): Promise<void> {
    for (let failures = 0; !ending.signal.aborted; failures += 1) {
      const end = await session().catch(asUnreachable);
      if (ending.signal.aborted) return;
      if (end.kind === 'superseded') throw new Superseded(end.detail);
      if (end.kind === 'ended' && end.lastedMs >= healthyMs) failures = 0;
      const waits = end.kind === 'refused' || (end.kind === 'removed' && deps.whenRemoved === 'wait');
      const pauseMs = waits ? refusedPauseMs : Math.min(firstPauseMs * 2 ** failures, longestPauseMs);
      if (end.kind === 'removed') await onRemoved(end.detail);
      else if (end.kind === 'refused') log.error('cluster.error', { detail: end.detail });
      else if (end.kind === 'ended') log.warn('cluster.disconnected', { detail: end.detail });
      else
        log.warn('dependency.unreachable', {
          dependency: 'mesos',
          operation: 'subscribe',
          detail: end.detail,
          failures,
          retryInMs: pauseMs,
        });
      await wait(pauseMs * (0.5 + deps.random() / 2), ending.signal);
    }
  }

  async function onRemoved(detail: string): Promise<void> {
    if (deps.whenRemoved === 'wait') {
      log.error('cluster.error', { detail, action: 'waiting until an operator clears the framework id' });
      return;
    }
    log.error('cluster.error', { detail, action: 'all live attempts are lost; a new framework id is asked for' });
    push({ kind: 'framework.removed', atMs: now() });
    await persevere('clear framework id', () => frameworks.clear(deps.frameworkName, epoch));
  }

  async function sweepRegularly(): Promise<void> {
    for (let sweeps = 1; !ending.signal.aborted; sweeps += 1) {
      await wait(sweepMs, ending.signal);
      if (ending.signal.aborted) continue;
      // Also before everything is loaded: without a cluster it leads all the same, and may have to give that up.
      await persevere('load switches', () => switches.read());
      if (!loaded) continue;
      // For the change of a tenant that no message told of.
      if (sweeps % sweepsPerTenants === 0) await persevere('load tenants', () => tenants.readAll());
      await persevere('sweep', () => intake.sweep());
    }
  }

  async function tick(): Promise<void> {
    for (;;) {
      await wait(tickMs, ending.signal);
      if (ending.signal.aborted) return;
      push({ kind: 'clock.ticked', atMs: now(), backlog: runner.describe().queued });
    }
  }

  const work = [runner.run(), keepSubscribed(), tick(), sweepRegularly(), announcements.run()];
  const lost = leadership.lost.then((reason) => {
    throw reason;
  });
  const stopped = new Promise<void>((resolve) => ending.signal.addEventListener('abort', () => resolve()));
  // A loop that dies takes the term with it; loops that end because of `stop` do not.
  const over = Promise.race([lost, failed, stopped, ...work.map((loop) => loop.then(() => stopped))]);
  over.catch(() => ending.abort());

  const inquiries: Inquiries = {
    why: runner.why,
    survey: () => ({ ...runner.survey(), leadsSince: beganAt }),
  };

  return {
    over,
    ready,
    async stop() {
      await intake.stop();
      ending.abort();
      announcements.stop();
      runner.stop();
      await Promise.allSettled(work);
    },
    inquiries: () => (loaded ? inquiries : null),
    describe: () => ({ subscribed, loaded, ...runner.describe(), ...announcements.describe() }),
  };
}

/** Another process subscribed with our framework id. */
export class Superseded extends Error {
  readonly code = 'SUPERSEDED';
}

/** No master answered, or none that leads, or one that speaks otherwise than Mesos does: the next try may find better. */
function asUnreachable(error: unknown): { readonly kind: 'unreachable'; readonly detail: string } {
  const isPeers = error instanceof DependencyFailure || error instanceof ProtocolViolation;
  if (!isPeers) throw error;
  return { kind: 'unreachable', detail: error.message };
}
