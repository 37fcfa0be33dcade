import type { TenantSettings } from '@juice/contracts';
import type { Event, TenantLimits } from '@juice/scheduling';

/** A tenant as it is stored; the part that scheduling goes by. */
export interface StoredTenant {
  readonly tenantId: string;
  readonly settings: Pick<TenantSettings, 'weight' | 'quotas'>;
}

export interface TenantLimitsStore {
  loadTenant(tenantId: string): Promise<StoredTenant>;
  loadTenants(batchSize: number): AsyncIterable<readonly StoredTenant[]>;
}

const tenantsPerRead = 500;

/** What is set for tenants, as the core wants it: all of it at a takeover and now and then, one when it was changed. */
export interface TenantLimitsReader {
  readAll(): Promise<void>;
  read(tenantIds: readonly string[]): Promise<void>;
}

export function createTenantLimits(deps: {
  store: TenantLimitsStore;
  /** For what is not set. */
  defaults: TenantLimits;
  push: (event: Event) => void;
  now: () => number;
}): TenantLimitsReader {
  const { store, defaults, push, now } = deps;
  function tell(tenants: readonly StoredTenant[]): void {
    const configured = tenants.map(({ tenantId, settings }) => ({ tenantId, limits: limitsOf(settings, defaults) }));
    if (configured.length > 0) push({ kind: 'tenants.configured', atMs: now(), tenants: configured });
  }
  return {
    async readAll() {
      for await (const page of store.loadTenants(tenantsPerRead)) tell(page);
    },
    async read(tenantIds) {
      tell(await Promise.all(tenantIds.map((tenantId) => store.loadTenant(tenantId))));
    },
  };
}

/** In the core's integers. What a tenant has no word on is as the operator's defaults say. */
export function limitsOf({ weight, quotas }: StoredTenant['settings'], defaults: TenantLimits): TenantLimits {
  return {
    weight,
    cpuMillis: quotas.cpus === null ? defaults.cpuMillis : Math.round(quotas.cpus * 1000),
    memMb: quotas.memMb ?? defaults.memMb,
    gpus: quotas.gpus ?? defaults.gpus,
    running: quotas.running ?? defaults.running,
    launchesPerSecond: quotas.launchesPerSecond ?? defaults.launchesPerSecond,
  };
}
