import type { Slot } from './indexed-heap.ts';
import { nothing, type Amounts } from './matching/amounts.ts';
import { TenantQueue } from './matching/tenant-queue.ts';

/** What is set for a tenant, in the core's integers; null: no limit. */
export interface TenantLimits {
  /** Its part of the cluster beside another's: twice the weight, twice the share. */
  readonly weight: number;
  readonly cpuMillis: number | null;
  readonly memMb: number | null;
  readonly gpus: number | null;
  /** Tasks with a live attempt. */
  readonly running: number | null;
  readonly launchesPerSecond: number | null;
}

export const noLimits: TenantLimits = {
  weight: 1,
  cpuMillis: null,
  memMb: null,
  gpus: null,
  running: null,
  launchesPerSecond: null,
};

export interface Tenant {
  readonly id: string;
  limits: TenantLimits;
  /** What its live attempts take. */
  readonly used: Amounts;
  running: number;
  readonly queue: TenantQueue;
  /** Launches that it may make now; refilled by time. */
  readonly launches: { tokens: number; atMs: number };
  /**
   * While a cycle runs: its dominant share by its weight, how old its next task is, and its place among those that still
   * have something to place.
   */
  share: number;
  nextSubmittedMs: number;
  contenderAt: number;
}

export const contenderSlot: Slot<Tenant> = {
  get: (tenant) => tenant.contenderAt,
  set: (tenant, at) => {
    tenant.contenderAt = at;
  },
};

/** The tenants that have tasks, or limits of their own. */
export class Tenants {
  readonly #tenants = new Map<string, Tenant>();
  readonly #defaults: TenantLimits;

  constructor(defaults: TenantLimits) {
    this.#defaults = defaults;
  }

  get(id: string): Tenant {
    let tenant = this.#tenants.get(id);
    if (tenant === undefined) {
      tenant = {
        id,
        limits: this.#defaults,
        used: nothing(),
        running: 0,
        queue: new TenantQueue(),
        launches: { tokens: 1, atMs: 0 },
        share: 0,
        nextSubmittedMs: 0,
        contenderAt: -1,
      };
      this.#tenants.set(id, tenant);
    }
    return tenant;
  }

  all(): IterableIterator<Tenant> {
    return this.#tenants.values();
  }

  /** What is not said (null) is the operator's default. */
  configure(id: string, limits: TenantLimits | null): void {
    this.get(id).limits = limits ?? this.#defaults;
  }
}

/**
 * Whether its pace lets it launch one more now. A second's worth may come at once; a rate below one a second saves up for
 * one.
 */
export function mayLaunch({ launches, limits }: Tenant, atMs: number): boolean {
  const rate = limits.launchesPerSecond;
  if (rate === null) return true;
  const passedMs = Math.max(0, atMs - launches.atMs);
  launches.tokens = Math.min(launches.tokens + (passedMs * rate) / 1000, Math.max(1, rate));
  launches.atMs = Math.max(launches.atMs, atMs);
  return launches.tokens >= 1;
}

export function countLaunch({ launches, limits }: Tenant): void {
  if (limits.launchesPerSecond !== null) launches.tokens -= 1;
}

/** The limit that one more task with these needs would break; null: none. */
export function limitBrokenBy(
  { limits, used, running }: Tenant,
  needs: Readonly<Amounts>,
): 'cpus' | 'mem' | 'gpus' | 'running' | null {
  if (limits.running !== null && running + 1 > limits.running) return 'running';
  if (limits.cpuMillis !== null && used.cpuMillis + needs.cpuMillis > limits.cpuMillis) return 'cpus';
  if (limits.memMb !== null && used.memMb + needs.memMb > limits.memMb) return 'mem';
  if (limits.gpus !== null && needs.gpus > 0 && used.gpus + needs.gpus > limits.gpus) return 'gpus';
  return null;
}
