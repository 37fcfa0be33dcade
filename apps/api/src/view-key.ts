import type { KeyFacts } from '@juice/contracts';

/** A key as the store has it. */
export interface StoredKey {
  readonly keyId: string;
  /** null: an admin key. */
  readonly tenantId: string | null;
  readonly hash: string;
  readonly name: string | null;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly lastUsedAt: Date | null;
}

export function stateOfKey({ revokedAt, expiresAt }: StoredKey, nowMs: number): KeyFacts['state'] {
  if (revokedAt !== null) return 'revoked';
  return expiresAt !== null && expiresAt.getTime() <= nowMs ? 'expired' : 'active';
}

/** A key as admins see it: without its hash. What there is none of is left out. */
export function viewKey(key: StoredKey, nowMs: number): KeyFacts {
  const { keyId, tenantId, name, createdAt, createdBy, expiresAt, revokedAt, lastUsedAt } = key;
  return {
    keyId,
    ...(tenantId !== null && { tenantId }),
    ...(name !== null && { name }),
    state: stateOfKey(key, nowMs),
    createdAt: createdAt.toISOString(),
    createdBy,
    ...(expiresAt !== null && { expiresAt: expiresAt.toISOString() }),
    ...(revokedAt !== null && { revokedAt: revokedAt.toISOString() }),
    ...(lastUsedAt !== null && { lastUsedAt: lastUsedAt.toISOString() }),
  };
}
