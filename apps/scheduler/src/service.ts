import { performance } from 'node:perf_hooks';
import { randomUUID } from 'node:crypto';
import type { MesosClient } from '@juice/mesos';
import type { Log, Metrics } from '@juice/observability';
import type { Policy } from '@juice/scheduling';
import { lead, type Leadership, type LeadershipStore } from './leadership.ts';
import { frameworkInfo } from './session.ts';
import type { QuarantineStore } from './quarantine.ts';
import type { Inquiries } from './runner.ts';
import { policyOf, type PolicySettings } from './scheduling-policy.ts';
import type { TenantLimitsStore } from './tenant-limits.ts';
import { startTerm, type FrameworkIds, type Term, type TermDeps, type TermStore } from './term.ts';
import { wait } from './wait.ts';

export { configSchema, type SchedulerConfig } from './config.ts';
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
  readonly broker: TermDeps['broker'];
  readonly mesos: MesosClient;
  readonly log: Log;
  readonly metrics: Metrics;
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

/** Starts a scheduler: a standby until the lease is free, then the leader until the process stops or loses the lease. */
export function startScheduler(deps: SchedulerDeps): Scheduler {
  const { settings, leases, log, mesos } = deps;
  const policy = settings.policy ?? policyOf(settings);
  const stopping = new AbortController();
  const quarantined = deps.metrics.counter({
    name: 'juice_scheduler_quarantined_total',
    help: 'Updates and records that could not be processed and were set aside',
  });
  let leadership: Leadership | null = null;
  let term: Term | null = null;

  let becomeReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => (becomeReady = resolve));

  async function serve(): Promise<void> {
    const { leaseMs, internalUrl: url } = settings;
    const holder = `${settings.publicHost}/${process.pid}/${randomUUID()}`;
    const elapsedMs = (): number => performance.now();
    leadership = await lead({ leases, holder, url, leaseMs, signal: stopping.signal, log, elapsedMs, wait });
    term = startTerm({
      ...deps,
      leadership,
      frameworkName: settings.frameworkName,
      whenRemoved: settings.whenFrameworkRemoved ?? 'new-id',
      onQuarantined: () => quarantined.add(),
      subscribe,
      policy,
      now: Date.now,
      random: Math.random,
    });
    void term.ready.then(becomeReady);
    await term.over;
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
  declareGauges(deps.metrics, {
    term: () => term,
    leadership: () => leadership,
    callsWaiting: () => mesos.callsWaiting(),
  });

  return {
    health() {
      if (term === null) return { ok: true, role: 'standby' };
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

function declareGauges(
  metrics: Metrics,
  {
    term,
    leadership,
    callsWaiting,
  }: {
    term: () => Term | null;
    leadership: () => Leadership | null;
    callsWaiting: () => number;
  },
): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    metrics.gauge({ name, help, read });
  };
  gauge('juice_scheduler_leader', '1 while this process leads', () => (leadership() === null ? 0 : 1));
  gauge('juice_scheduler_subscribed', '1 while a Mesos subscription is up', () =>
    term()?.describe().subscribed ? 1 : 0,
  );
  gauge('juice_scheduler_tasks_waiting', 'Tasks without a live attempt', () => term()?.describe().waiting ?? 0);
  gauge('juice_scheduler_tasks_live', 'Tasks with a live attempt', () => term()?.describe().live ?? 0);
  gauge('juice_scheduler_events_queued', 'Events that no frame has taken yet', () => term()?.describe().queued ?? 0);
  gauge('juice_scheduler_calls_waiting', 'Calls to the master that wait for their turn', callsWaiting);
  gauge(
    'juice_scheduler_events_unlogged',
    'Status events not yet in the event log',
    () => term()?.describe().unlogged ?? 0,
  );
  gauge(
    'juice_scheduler_events_unannounced',
    'Status events not yet on the bus',
    () => term()?.describe().unannounced ?? 0,
  );
}
