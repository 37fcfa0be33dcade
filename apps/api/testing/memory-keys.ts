import { DependencyFailure } from '@juice/contracts';
import type { ApiKey, KeyStore } from '@juice/persistence';

/** The key store in memory, with the promises of the real one; it can be made to fail. */
export interface MemoryKeys extends KeyStore {
  readonly stored: Map<string, ApiKey>;
  /** Ids that were looked up, and ids whose use was noted, in order. */
  readonly lookups: string[];
  readonly touches: string[];
  setDown(isDown: boolean): void;
}

export function createMemoryKeys(): MemoryKeys {
  const stored = new Map<string, ApiKey>();
  const lookups: string[] = [];
  const touches: string[] = [];
  let isDown = false;

  function fail(operation: string, retryable: boolean): never {
    throw new DependencyFailure({ dependency: 'mongodb', operation, retryable, detail: 'is down' });
  }

  function change(keyId: string, next: (key: ApiKey) => Partial<ApiKey>): ApiKey | null {
    if (isDown) fail('change key', true);
    const key = stored.get(keyId);
    if (key === undefined) return null;
    const changed = { ...key, ...next(key) };
    stored.set(keyId, changed);
    return changed;
  }

  return {
    stored,
    lookups,
    touches,
    async addKey(key) {
      if (isDown) fail('add key', true);
      if (stored.has(key.keyId)) fail('add key', false);
      stored.set(key.keyId, { ...key, revokedAt: null, lastUsedAt: null });
    },
    async findKey(keyId) {
      if (isDown) fail('find key', true);
      lookups.push(keyId);
      return stored.get(keyId) ?? null;
    },
    async keysOf(tenantId, limit) {
      if (isDown) fail('list keys', true);
      const own = [...stored.values()].filter((key) => key.tenantId === tenantId);
      return own
        .toReversed()
        .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime())
        .slice(0, limit);
    },
    async hasAdminKey(atMs) {
      if (isDown) fail('find admin key', true);
      return [...stored.values()].some(
        ({ tenantId, revokedAt, expiresAt }) =>
          tenantId === null && revokedAt === null && (expiresAt === null || expiresAt.getTime() > atMs),
      );
    },
    revokeKey: async (keyId, atMs) => change(keyId, ({ revokedAt }) => ({ revokedAt: revokedAt ?? new Date(atMs) })),
    expireKey: async (keyId, atMs) =>
      change(keyId, ({ expiresAt }) => ({ expiresAt: new Date(Math.min(atMs, expiresAt?.getTime() ?? Infinity)) })),
    async touchKey(keyId, atMs) {
      change(keyId, ({ lastUsedAt }) => ({ lastUsedAt: new Date(Math.max(atMs, lastUsedAt?.getTime() ?? 0)) }));
      touches.push(keyId);
    },
    setDown(down) {
      isDown = down;
    },
  };
}
