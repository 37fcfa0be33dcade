import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { KeyStore, NewKey } from '../src/index.ts';

export interface MadeKeyStore {
  readonly keys: KeyStore;
  close(): Promise<void>;
}

const atMs = Date.UTC(2026, 0, 31);

function newKey(keyId: string, given: Partial<NewKey> = {}): NewKey {
  const facts = { tenantId: 'acme', hash: keyId.repeat(3), name: null, createdBy: 'bootstrap', expiresAt: null };
  return { keyId, createdAt: new Date(atMs), ...facts, ...given };
}

const unused = { revokedAt: null, lastUsedAt: null };

/** What a store of API keys must do. `make` gives an empty one. */
export function keyStoreContract(make: () => Promise<MadeKeyStore>): void {
  describe('a key store', () => {
    let made: MadeKeyStore;
    let keys: KeyStore;
    beforeEach(async () => {
      made = await make();
      keys = made.keys;
    });
    afterEach(() => made.close());

    test('a key is found by its public id, as it was added', async () => {
      const key = newKey('k1', { name: 'ci', createdBy: 'k0', expiresAt: new Date(atMs + 1000) });
      await keys.addKey(key);
      await keys.addKey(newKey('k2', { tenantId: null }));
      expect(await keys.findKey('k1')).toEqual({ ...key, ...unused });
      expect(await keys.findKey('k2')).toEqual({ ...newKey('k2'), tenantId: null, ...unused });
      expect(await keys.findKey('k3')).toBeNull();
    });

    test('an id that is taken is refused, and what it names stays', async () => {
      await keys.addKey(newKey('k1'));
      await expect(keys.addKey(newKey('k1', { tenantId: 'other' }))).rejects.toMatchObject({
        code: 'DEPENDENCY_FAILURE',
        retryable: false,
      });
      expect(await keys.findKey('k1')).toMatchObject({ tenantId: 'acme' });
    });

    test('a tenant’s keys are listed, the newest first, and nobody else’s', async () => {
      await keys.addKey(newKey('k1'));
      await keys.addKey(newKey('k3', { createdAt: new Date(atMs + 3) }));
      await keys.addKey(newKey('k2', { createdAt: new Date(atMs + 2) }));
      await keys.addKey(newKey('k4', { tenantId: 'other' }));
      await keys.addKey(newKey('k5', { tenantId: null }));
      const ids = async (tenantId: string | null, limit = 10) =>
        (await keys.keysOf(tenantId, limit)).map(({ keyId }) => keyId);
      expect(await ids('acme')).toEqual(['k3', 'k2', 'k1']);
      expect(await ids('acme', 2)).toEqual(['k3', 'k2']);
      expect(await ids(null)).toEqual(['k5']);
      expect(await ids('nobody')).toEqual([]);
    });

    test('the first revocation counts', async () => {
      await keys.addKey(newKey('k1'));
      const revoked = { ...newKey('k1'), ...unused, revokedAt: new Date(atMs + 5) };
      expect(await keys.revokeKey('k1', atMs + 5)).toEqual(revoked);
      expect(await keys.revokeKey('k1', atMs + 9)).toEqual(revoked);
      expect(await keys.findKey('k1')).toEqual(revoked);
      expect(await keys.revokeKey('k2', atMs)).toBeNull();
    });

    test('an end can be brought forward, and not put off', async () => {
      await keys.addKey(newKey('k1'));
      expect(await keys.expireKey('k1', atMs + 50)).toMatchObject({ expiresAt: new Date(atMs + 50) });
      expect(await keys.expireKey('k1', atMs + 90)).toMatchObject({ expiresAt: new Date(atMs + 50) });
      expect(await keys.expireKey('k1', atMs + 20)).toMatchObject({ expiresAt: new Date(atMs + 20), revokedAt: null });
      expect(await keys.expireKey('k2', atMs)).toBeNull();
    });

    test('the last use is kept, whatever order uses are told in', async () => {
      await keys.addKey(newKey('k1'));
      await keys.touchKey('k1', atMs + 60);
      await keys.touchKey('k1', atMs + 30);
      expect(await keys.findKey('k1')).toEqual({ ...newKey('k1'), ...unused, lastUsedAt: new Date(atMs + 60) });
      await keys.touchKey('k2', atMs);
      expect(await keys.findKey('k2')).toBeNull();
    });

    test('there is an admin key while one works', async () => {
      expect(await keys.hasAdminKey(atMs)).toBe(false);
      await keys.addKey(newKey('k1'));
      expect(await keys.hasAdminKey(atMs)).toBe(false);
      await keys.addKey(newKey('k2', { tenantId: null, expiresAt: new Date(atMs + 10) }));
      expect(await keys.hasAdminKey(atMs + 9)).toBe(true);
      expect(await keys.hasAdminKey(atMs + 10)).toBe(false);
      await keys.addKey(newKey('k3', { tenantId: null }));
      expect(await keys.hasAdminKey(atMs + 10)).toBe(true);
      await keys.revokeKey('k3', atMs);
      expect(await keys.hasAdminKey(atMs + 10)).toBe(false);
    });
  });
}
