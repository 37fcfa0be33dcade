import { DependencyFailure, defaultTenantSettings, type TenantSettings } from '@juice/contracts';
import type { SeenVersion, Signing, Tenant, TenantStore } from '@juice/persistence';

/** The tenant store in memory, with the promises of the real one; it can be made to fail. */
export interface MemoryTenants extends TenantStore {
  /** How often settings were read. */
  readonly loads: string[];
  setDown(isDown: boolean): void;
  /** Runs something just before the next save, as another process would. */
  beforeSave(act: () => Promise<unknown>): void;
}

interface Kept {
  readonly settings: TenantSettings | null;
  readonly signing: Signing;
  readonly version: number;
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
}

const none: Kept = {
  settings: null,
  signing: { secrets: [], operatorUntil: null },
  version: 0,
  createdAt: null,
  updatedAt: null,
};

export function createMemoryTenants(): MemoryTenants {
  const kept = new Map<string, Kept>();
  const loads: string[] = [];
  let isDown = false;
  let rival: (() => Promise<unknown>) | null = null;

  function reach(operation: string): void {
    if (isDown) throw new DependencyFailure({ dependency: 'mongodb', operation, retryable: true, detail: 'is down' });
  }

  function view(tenantId: string): Tenant {
    const { settings, signing, ...facts } = kept.get(tenantId) ?? none;
    const callbackSecrets = signing.secrets.map(({ secret: _, ...told }) => told);
    return { tenantId, settings: settings ?? defaultTenantSettings, callbackSecrets, ...facts };
  }

  async function save({ tenantId, version }: SeenVersion, change: Partial<Kept>, atMs: number): Promise<Tenant | null> {
    reach('save tenant');
    const act = rival;
    rival = null;
    await act?.();
    const present = kept.get(tenantId) ?? none;
    if (present.version !== version) return null;
    const at = new Date(atMs);
    const createdAt = present.createdAt ?? at;
    kept.set(tenantId, { ...present, ...change, version: version + 1, createdAt, updatedAt: at });
    return view(tenantId);
  }

  async function tenantsAfter(tenantId: string | null, limit: number): Promise<readonly Tenant[]> {
    reach('list tenants');
    const known = [...kept].filter(([, { settings, signing }]) => settings !== null || signing.secrets.length > 0);
    const ids = known.map(([id]) => id).sort((a, b) => (a < b ? -1 : 1));
    return ids
      .filter((id) => id > (tenantId ?? ''))
      .slice(0, limit)
      .map(view);
  }

  return {
    loads,
    async loadTenant(tenantId) {
      reach('load tenant');
      loads.push(tenantId);
      return view(tenantId);
    },
    tenantsAfter,
    async *loadTenants(batchSize) {
      for (let last: string | null = null; ;) {
        const page = await tenantsAfter(last, batchSize);
        if (page.length > 0) yield page;
        if (page.length < batchSize) return;
        last = page.at(-1)?.tenantId ?? null;
      }
    },
    async signingOf(tenantId) {
      reach('load callback secrets');
      return (kept.get(tenantId) ?? none).signing;
    },
    async callbackRulesOf(tenantId) {
      reach('load callback rules');
      const { settings, signing } = kept.get(tenantId) ?? none;
      return { scheduleSeconds: (settings ?? defaultTenantSettings).callback.scheduleSeconds, signing };
    },
    saveSettings: (seen, settings, atMs) => save(seen, { settings }, atMs),
    saveSigning: (seen, signing, atMs) => save(seen, { signing }, atMs),
    setDown(down) {
      isDown = down;
    },
    beforeSave(act) {
      rival = act;
    },
  };
}
