import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { defaultTenantSettings, type TenantSettings } from '@juice/contracts';
import type { CallbackSecret, Signing, Tenant, TenantStore } from '../src/index.ts';

export interface MadeTenantStore {
  readonly tenants: TenantStore;
  close(): Promise<void>;
}

const atMs = Date.UTC(2026, 0, 31);
const at = new Date(atMs);
const never = { tenantId: 'acme', version: 0 };
const settings: TenantSettings = {
  name: 'Acme',
  weight: 2.5,
  quotas: { cpus: 10.5, memMb: 4096, gpus: 0, running: 5, waiting: null, launchesPerSecond: 0.5 },
  requestsPerSecond: 20,
  burst: 40,
  callback: { events: 'terminal', scheduleSeconds: [0, 60] },
  policy: ['host-volumes=/data'],
  suspended: true,
};

function secretOf(n: number, expiresAt: Date | null = null): CallbackSecret {
  return { secretId: `secret-${n}`, secret: `whsec_${n}`, createdAt: new Date(atMs + n), expiresAt };
}

/** What a store of tenants must do. `make` gives an empty one. */
export function tenantStoreContract(make: () => Promise<MadeTenantStore>): void {
  describe('a tenant store', () => {
    let made: MadeTenantStore;
    let tenants: TenantStore;
    beforeEach(async () => {
      made = await make();
      tenants = made.tenants;
    });
    afterEach(() => made.close());

    async function pages(batchSize: number): Promise<string[][]> {
      const read: string[][] = [];
      for await (const page of tenants.loadTenants(batchSize)) read.push(page.map(({ tenantId }) => tenantId));
      return read;
    }

    test('a tenant that nobody configured has the defaults, and is not listed', async () => {
      const unknown: Tenant = {
        ...{ tenantId: 'acme', settings: defaultTenantSettings, callbackSecrets: [], version: 0 },
        ...{ createdAt: null, updatedAt: null },
      };
      expect(await tenants.loadTenant('acme')).toEqual(unknown);
      expect(await tenants.signingOf('acme')).toEqual({ secrets: [], operatorUntil: null });
      expect(await tenants.tenantsAfter(null, 10)).toEqual([]);
      expect(await pages(10)).toEqual([]);
    });

    test('settings are kept as they were given', async () => {
      const saved = await tenants.saveSettings(never, settings, atMs);
      const kept = { tenantId: 'acme', settings, callbackSecrets: [], version: 1, createdAt: at, updatedAt: at };
      expect(saved).toEqual(kept);
      expect(await tenants.loadTenant('acme')).toEqual(kept);
      expect(await tenants.tenantsAfter(null, 10)).toEqual([kept]);
      expect(await tenants.loadTenant('acm')).toMatchObject({ version: 0 });
    });

    test('a change applies to the version that was seen, and to no other', async () => {
      const [won, ...lost] = (
        await Promise.all([1, 2, 3].map((weight) => tenants.saveSettings(never, { ...settings, weight }, atMs)))
      ).sort((a) => (a === null ? 1 : -1));
      expect(lost).toEqual([null, null]);
      expect(await tenants.loadTenant('acme')).toEqual(won);
      expect(await tenants.saveSettings({ ...never, version: 2 }, settings, atMs)).toBeNull();
      expect(await tenants.saveSigning(never, { secrets: [secretOf(1)], operatorUntil: null }, atMs)).toBeNull();
      const later = await tenants.saveSettings({ ...never, version: 1 }, settings, atMs + 5);
      expect(later).toMatchObject({ settings, version: 2, createdAt: at, updatedAt: new Date(atMs + 5) });
      expect(await tenants.saveSettings({ ...never, version: 1 }, settings, atMs)).toBeNull();
    });

    test('an unknown version makes nothing', async () => {
      expect(await tenants.saveSettings({ ...never, version: 4 }, settings, atMs)).toBeNull();
      expect(await tenants.loadTenant('acme')).toMatchObject({ version: 0 });
    });

    test('a reset gives the defaults back, leaves the secrets, and no version comes again', async () => {
      await tenants.saveSettings(never, settings, atMs);
      await tenants.saveSigning({ ...never, version: 1 }, { secrets: [secretOf(1)], operatorUntil: null }, atMs);
      const reset = await tenants.saveSettings({ ...never, version: 2 }, null, atMs);
      expect(reset).toMatchObject({ settings: defaultTenantSettings, version: 3 });
      expect(await tenants.tenantsAfter(null, 10)).toEqual([reset]);
      await tenants.saveSigning({ ...never, version: 3 }, { secrets: [], operatorUntil: null }, atMs);
      expect(await tenants.tenantsAfter(null, 10)).toEqual([]);
      expect(await tenants.saveSettings(never, settings, atMs)).toBeNull();
      expect(await tenants.saveSettings({ ...never, version: 4 }, settings, atMs)).toMatchObject({ version: 5 });
    });

    test('secrets are read where they are asked for, and only told of elsewhere', async () => {
      const signing: Signing = {
        secrets: [secretOf(2), secretOf(1, new Date(atMs + 9))],
        operatorUntil: new Date(atMs + 7),
      };
      const saved = await tenants.saveSigning(never, signing, atMs);
      expect(await tenants.signingOf('acme')).toEqual(signing);
      expect(saved?.callbackSecrets).toEqual([
        { secretId: 'secret-2', createdAt: new Date(atMs + 2), expiresAt: null },
        { secretId: 'secret-1', createdAt: new Date(atMs + 1), expiresAt: new Date(atMs + 9) },
      ]);
      const told = [saved, await tenants.loadTenant('acme'), await tenants.tenantsAfter(null, 10)];
      expect(JSON.stringify(told)).not.toContain('whsec_');
      expect(saved).toMatchObject({ settings: defaultTenantSettings, version: 1, createdAt: at });
      await tenants.saveSettings({ ...never, version: 1 }, settings, atMs);
      expect(await tenants.signingOf('acme')).toEqual(signing);
      await tenants.saveSigning({ ...never, version: 2 }, { secrets: [secretOf(2)], operatorUntil: null }, atMs);
      expect(await tenants.signingOf('acme')).toEqual({ secrets: [secretOf(2)], operatorUntil: null });
      expect(await tenants.loadTenant('acme')).toMatchObject({ settings, version: 3 });
    });

    test('what callbacks go by is told of each tenant, of many at once too', async () => {
      const signing: Signing = { secrets: [secretOf(1)], operatorUntil: at };
      const plain = { scheduleSeconds: null, signing: { secrets: [], operatorUntil: null } };
      await tenants.saveSettings(never, settings, atMs);
      await tenants.saveSigning({ tenantId: 'zeta', version: 0 }, signing, atMs);
      const asked = ['acme', 'zeta', 'nobody', 'acme'];
      expect(await Promise.all(asked.map((tenantId) => tenants.callbackRulesOf(tenantId)))).toEqual([
        { ...plain, scheduleSeconds: [0, 60] },
        { ...plain, signing },
        plain,
        { ...plain, scheduleSeconds: [0, 60] },
      ]);
    });

    test('pages follow each other in the order of ids, and hold each tenant once', async () => {
      for (const tenantId of ['b', 'a', 'd', 'c', 'B'])
        await tenants.saveSettings({ tenantId, version: 0 }, settings, atMs);
      const ids = async (after: string | null, limit: number) =>
        (await tenants.tenantsAfter(after, limit)).map(({ tenantId }) => tenantId);
      expect(await ids(null, 2)).toEqual(['B', 'a']);
      expect(await ids('a', 2)).toEqual(['b', 'c']);
      expect(await ids('bb', 9)).toEqual(['c', 'd']);
      expect(await pages(2)).toEqual([['B', 'a'], ['b', 'c'], ['d']]);
      expect(await pages(5)).toEqual([['B', 'a', 'b', 'c', 'd']]);
    });
  });
}
