import { performance } from 'node:perf_hooks';
import { randomUUID } from 'node:crypto';
import type { TaskTransition } from '@juice/contracts';
import type { MesosClient } from '@juice/mesos';
import type { Log, Metrics } from '@juice/observability';
import type { Policy } from '@juice/scheduling';
import { lead, type Leadership, type LeadershipStore } from './leadership.ts';
import { drainOf, type SwitchSource } from './switches.ts';
import { frameworkInfo } from './session.ts';
import { createSchedulerMetrics } from './metrics.ts';
import type { QuarantineStore } from './quarantine.ts';
import type { Inquiries } from './runner.ts';
import { policyOf, type PolicySettings } from './scheduling-policy.ts';
import type { TenantLimitsStore } from './tenant-limits.ts';
import { startTerm, type FrameworkIds, type Term, type TermDeps, type TermStore } from './term.ts';
import { wait } from './wait.ts';

export { configSchema, type SchedulerConfig } from './config.ts';
export { createTaskSpans, type TaskSpans } from './task-spans.ts';
export { readMesosAccess } from './mesos-access.ts';
export { mesosMasters } from './mesos-masters.ts';

export interface SchedulerSettings extends PolicySettings {
  readonly leaseMs: number;
  readonly frameworkName: string;
  readonly mesosUser: string;
  /** Of which resources are offered; never empty. */
  readonly mesosRoles: readonly string[];
  readonly mesosPrincipal: string | null;
  readonly failoverTimeoutMs: number;
  /** Whether agents with GPUs are wanted. */
  readonly mesosGpus?: boolean;
  /** Where Mesos' own pages link to. */
  readonly mesosWebuiUrl?: string | undefined;
  readonly whenFrameworkRemoved?: TermDeps['whenRemoved'];
  readonly publicHost: string;
  /** Where the leader answers the api, with its secret as the password (kept in the lease); null: nowhere. */
  readonly internalUrl: string | null;
  /** What it decides by; by default made of the settings. */
  readonly policy?: Policy;
}

export interface SchedulerDeps {
  readonly settings: SchedulerSettings;
  readonly store: TermStore;
  readonly eventLog: TermDeps['eventLog'];
  readonly leases: LeadershipStore;
  readonly frameworks: FrameworkIds;
  readonly quarantine: QuarantineStore;
  readonly tenants: TenantLimitsStore;
  readonly switches: SwitchSource;
  readonly broker: TermDeps['broker'];
  readonly mesos: MesosClient;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly onApplied?: (applied: readonly TaskTransition[]) => void;
  /** The process must not lead any longer, or a bug was met: it must end. Called at most once. */
  readonly onFatal: (error: unknown) => void;
}

export interface Scheduler {
  /** Ready: a standby always is; a leader when it is subscribed and has loaded every live task. */
  readonly health: () => { ok: boolean; role: 'standby' | 'leader'; [detail: string]: unknown };
  /** For the questions of people; null while it does not lead, or has not loaded every live task. */
  readonly inquiries: () => Inquiries | null;
  /** Resolves when it leads, subscribed, with every live task loaded; or when it is stopped before. */
  readonly ready: Promise<void>;
  /** Releases the lease after the last frame was stored; the subscription is dropped, never torn down. */
  stop(): Promise<void>;
}

/**
 * Starts a scheduler: a standby until the lease is free, then the leader until the process stops or loses the lease, or is
 * drained: then it gives the lease back, after the last frame was stored, and is a standby again.
 */
export function startScheduler(deps: SchedulerDeps): Scheduler {
  const { settings, leases, log, mesos } = deps;
  const policy = settings.policy ?? policyOf(settings);
  const stopping = new AbortController();
  let leadership: Leadership | null = null;
  let term: Term | null = null;
  const metrics = createSchedulerMetrics(deps.metrics, {
    term: () => term,
    leadership: () => leadership,
    callsWaiting: () => mesos.callsWaiting(),
  });

  let becomeReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => (becomeReady = resolve));

  let drainedFor: string | null = null;
  async function isDrained(): Promise<boolean> {
    drainedFor = await drainOf(settings.publicHost, deps.switches);
    return drainedFor !== null;
  }

  async function serve(): Promise<void> {
    while (!stopping.signal.aborted) await serveOnce();
  }

  async function serveOnce(): Promise<void> {
    const { leaseMs, internalUrl: url, publicHost: host } = settings;
    const holder = `${host}/${process.pid}/${randomUUID()}`;
    const elapsedMs = (): number => performance.now();
    const { signal } = stopping;
    const mine = (leadership = await lead({ leases, holder, url, leaseMs, isDrained, signal, log, elapsedMs, wait }));
    if (signal.aborted) return;
    let drain = (_reason: string): void => undefined;
    const drained = new Promise<string>((resolve) => (drain = resolve));
    const present = (term = startTerm({
      ...deps,
      leadership: mine,
      host,
      onDrained: drain,
      frameworkName: settings.frameworkName,
      whenRemoved: settings.whenFrameworkRemoved ?? 'new-id',
      told: {
        ...metrics,
        stored(applied, durationMs) {
          metrics.stored(applied, durationMs);
          deps.onApplied?.(applied);
        },
      },
      subscribe,
      policy,
      now: Date.now,
      random: Math.random,
    }));
    void present.ready.then(becomeReady);
    const reason = await Promise.race([present.over, drained]);
    if (signal.aborted || reason === undefined) return;
    log.info('leader.drained', { epoch: mine.epoch, reason });
    drainedFor = reason;
    await present.stop();
    // A write that was still under way has either been made or never will be: now another may lead.
    term = null;
    leadership = null;
    await mine.release();
  }

  const subscribe: TermDeps['subscribe'] = (frameworkId, signal) => {
    const { frameworkName: name, mesosUser: user, mesosRoles: roles, mesosPrincipal: principal } = settings;
    const { publicHost, failoverTimeoutMs, mesosGpus: gpus = false, mesosWebuiUrl: webuiUrl } = settings;
    const facts = { name, user, roles, principal, hostname: publicHost, failoverTimeoutMs, gpus, webuiUrl };
    const info = frameworkInfo({ ...facts, frameworkId });
    return mesos.subscribe(info, [], signal);
  };

  const serving = serve().catch((error: unknown) => {
    if (!stopping.signal.aborted) deps.onFatal(error);
  });
  return {
    health() {
      if (term === null) return { ok: true, role: 'standby', ...(drainedFor !== null && { drainedFor }) };
      const facts = term.describe();
      return { ok: facts.subscribed && facts.loaded, role: 'leader', epoch: leadership?.epoch, ...facts };
    },
    inquiries: () => term?.inquiries() ?? null,
    ready,
    async stop() {
      stopping.abort();
      becomeReady();
      await term?.stop();
      await serving;
      await leadership?.release();
    },
  };
}
