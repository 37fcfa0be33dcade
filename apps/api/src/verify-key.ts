import { DependencyFailure } from '@juice/contracts';
import { createShortMemory } from '@juice/persistence';
import { hashSecret, parseKey } from './api-key.ts';

/** A key as the store has it; the part that is needed to judge it. */
export interface KnownKey {
  /** null: an admin key. */
  readonly tenantId: string | null;
  readonly hash: string;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
  readonly lastUsedAt: Date | null;
}

/** The part of the key store that judging keys needs. */
export interface KeyLookup {
  findKey(keyId: string): Promise<KnownKey | null>;
  hasAdminKey(atMs: number): Promise<boolean>;
  touchKey(keyId: string, atMs: number): Promise<void>;
}

export type Verified =
  /** JUICE_ADMIN_KEY. */
  | { readonly kind: 'bootstrap' }
  | { readonly kind: 'key'; readonly keyId: string; readonly tenantId: string | null }
  | { readonly kind: 'refused'; readonly why: 'garbled' | 'unknown' | 'expired' | 'revoked' };

export interface KeyVerifier {
  /** Throws DependencyFailure when the store has to be asked and cannot be. */
  verify(token: string): Promise<Verified>;
  /** Whether anybody at all may be an admin. */
  hasAdminKey(): Promise<boolean>;
  /** The next verification asks the store. */
  forget(keyId: string): void;
}

/**
 * How long a key is believed without asking the store: a revoked one works that much longer, in processes other than the
 * one that revoked it.
 */
export const keyMemoryMs = 5_000;
/** A few megabytes; more keys than this in five seconds cost a query each. */
const mostKept = 10_000;
/** Exact enough to see whether a key is still in use. */
const touchEveryMs = 60_000;
/** What the secret of an unknown id is compared with: the hash of nothing that anybody knows. */
const hashOfNobody = '0'.repeat(64);

/**
 * Judges keys. An unknown id and a wrong secret take the same steps and give the same verdict, and secrets are compared by
 * their hashes in constant time; that a key has expired or was revoked is told only to who has its secret.
 */
export function createKeyVerifier(deps: {
  keys: KeyLookup;
  /** JUICE_ADMIN_KEY; null: not set. */
  adminKey: string | null;
  now: () => number;
  /** Milliseconds of a clock that only goes forward. */
  monotonicMs: () => number;
  /** Whether two hashes are the same, in a time that does not depend on them. */
  isSame: (a: Buffer, b: Buffer) => boolean;
}): KeyVerifier {
  const { keys, now, monotonicMs } = deps;
  const memory = { keepMs: keyMemoryMs, most: mostKept, monotonicMs };
  const known = createShortMemory({ ...memory, load: async (keyId) => asRemembered(await keys.findKey(keyId)) });
  const adminKeys = createShortMemory({ ...memory, load: () => keys.hasAdminKey(now()) });
  const adminHash = deps.adminKey === null ? null : hashSecret(deps.adminKey);

  function isSame(a: string, b: string): boolean {
    return deps.isSame(Buffer.from(a, 'hex'), Buffer.from(b, 'hex'));
  }

  /** Beside the request, which does not wait for it; a note that is lost is made with the next use. */
  function noteUse(keyId: string, remembered: Remembered): void {
    const atMs = now();
    if (atMs - remembered.usedMs < touchEveryMs) return;
    remembered.usedMs = atMs;
    keys.touchKey(keyId, atMs).catch((error: unknown) => {
      if (!(error instanceof DependencyFailure)) throw error;
    });
  }

  return {
    async verify(token) {
      if (adminHash !== null && isSame(hashSecret(token), adminHash)) return { kind: 'bootstrap' };
      const parsed = parseKey(token);
      if (parsed === null) return { kind: 'refused', why: 'garbled' };
      const remembered = await known.recall(parsed.keyId);
      const isRight = isSame(hashSecret(parsed.secret), remembered.key?.hash ?? hashOfNobody);
      if (remembered.key === null || !isRight) return { kind: 'refused', why: 'unknown' };
      const { tenantId, revokedAt, expiresAt } = remembered.key;
      if (revokedAt !== null) return { kind: 'refused', why: 'revoked' };
      if (expiresAt !== null && expiresAt.getTime() <= now()) return { kind: 'refused', why: 'expired' };
      noteUse(parsed.keyId, remembered);
      return { kind: 'key', keyId: parsed.keyId, tenantId };
    },
    hasAdminKey: async () => adminHash !== null || adminKeys.recall('any'),
    forget(keyId) {
      known.forget(keyId);
      adminKeys.forget('any');
    },
  };
}

interface Remembered {
  readonly key: KnownKey | null;
  /** When its use was last noted. */
  usedMs: number;
}

function asRemembered(key: KnownKey | null): Remembered {
  return { key, usedMs: key?.lastUsedAt?.getTime() ?? -Infinity };
}
