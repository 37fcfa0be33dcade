import type { KeyFacts, NewKeyAnswer, NewKeyRequest, RotateKeyRequest } from '@juice/contracts';
import { makeKey } from './api-key.ts';
import type { Acted, Audit } from './audit.ts';
import type { Actor } from './caller.ts';
import { refuse, type Refusal } from './refusal.ts';
import { shortenValue } from './shorten-value.ts';
import { stateOfKey, viewKey, type StoredKey } from './view-key.ts';

/** The part of the key store that managing keys needs. */
export interface ApiKeyStore {
  addKey(key: Omit<StoredKey, 'revokedAt' | 'lastUsedAt'>): Promise<void>;
  findKey(keyId: string): Promise<StoredKey | null>;
  keysOf(tenantId: string | null, limit: number): Promise<readonly StoredKey[]>;
  revokeKey(keyId: string, atMs: number): Promise<StoredKey | null>;
  expireKey(keyId: string, atMs: number): Promise<StoredKey | null>;
}

/** Whose keys: a tenant's, or (null) the admins'. */
type Owner = string | null;

export interface ApiKeys {
  list(owner: Owner): Promise<readonly KeyFacts[]>;
  create(actor: Actor, owner: Owner, request: NewKeyRequest): Promise<Acted<NewKeyAnswer>>;
  /** A new key of the same owner; the old one goes on until the overlap ends. */
  rotate(actor: Actor, owner: Owner, keyId: string, request: RotateKeyRequest): Promise<Acted<NewKeyAnswer>>;
  /** Ends a key of any tenant, or of an admin. A repeated revocation changes nothing. */
  revoke(actor: Actor, owners: 'tenants' | 'admins', keyId: string): Promise<Acted<KeyFacts>>;
}

/** Beyond it are keys that nobody looks for: those that work are far fewer. */
const mostListed = 1000;
/** Enough for a key per client and its successor; more is a script gone wrong. Two made at once may both be the last. */
const mostActive = 100;

export function createApiKeys(deps: {
  keys: ApiKeyStore;
  audit: Audit;
  /** Makes this process ask the store for the key again. */
  forget: (keyId: string) => void;
  randomHex: (bytes: number) => string;
  now: () => number;
}): ApiKeys {
  const { keys, audit, forget, randomHex, now } = deps;

  function make(actor: Actor, owner: Owner, { name, expiresInSeconds }: NewKeyRequest) {
    const atMs = now();
    const { keyId, key, hash } = makeKey(randomHex);
    const stored: StoredKey = {
      ...{ keyId, tenantId: owner, hash, name: name ?? null, createdAt: new Date(atMs), createdBy: actor.actor },
      expiresAt: typeof expiresInSeconds === 'number' ? new Date(atMs + expiresInSeconds * 1000) : null,
      ...{ revokedAt: null, lastUsedAt: null },
    };
    const told = { name: stored.name, expiresAt: stored.expiresAt?.toISOString() ?? null };
    return { stored, told, answer: { ...viewKey(stored, atMs), key } };
  }

  async function add({ revokedAt: _, lastUsedAt: __, ...stored }: StoredKey): Promise<Refusal | null> {
    const others = await keys.keysOf(stored.tenantId, mostListed);
    const active = others.filter((key) => stateOfKey(key, now()) === 'active').length;
    if (active >= mostActive) {
      const message = `there must be at most ${mostActive} keys that work, of one owner: revoke one that is not used`;
      return refuse('conflict', { member: 'keys', code: 'BAD_REQUEST', message });
    }
    await keys.addKey(stored);
    return null;
  }

  return {
    list: async (owner) => (await keys.keysOf(owner, mostListed)).map((key) => viewKey(key, now())),
    create(actor, owner, request) {
      const { stored, told, answer } = make(actor, owner, request);
      const what = { action: 'key.created', tenantId: owner, target: stored.keyId, detail: told } as const;
      return audit(actor, what, async () => (await add(stored)) ?? { ok: true, answer });
    },
    rotate(actor, owner, keyId, { overlapSeconds, ...request }) {
      const { stored, told, answer } = make(actor, owner, request);
      const detail = { ...told, newKeyId: stored.keyId, overlapSeconds };
      return audit(actor, { action: 'key.rotated', tenantId: owner, target: keyId, detail }, async () => {
        const present = await keys.findKey(keyId);
        if (present === null || present.tenantId !== owner) return unknownKey(keyId);
        const state = stateOfKey(present, now());
        if (state !== 'active') return endedKey(keyId, state);
        // The new one first: should the service end in between, the old one goes on, and nobody is locked out.
        const refusal = await add(stored);
        if (refusal !== null) return refusal;
        const replaced = (await keys.expireKey(keyId, now() + overlapSeconds * 1000)) ?? present;
        forget(keyId);
        return { ok: true, answer: { ...answer, replaced: viewKey(replaced, now()) } };
      });
    },
    async revoke(actor, owners, keyId) {
      // Whose a key is never changes: it can be read before.
      const present = await keys.findKey(keyId);
      const tenantId = present?.tenantId ?? null;
      return audit(actor, { action: 'key.revoked', tenantId, target: keyId, detail: {} }, async () => {
        if (present === null || (tenantId === null) !== (owners === 'admins')) return unknownKey(keyId);
        const revoked = await keys.revokeKey(keyId, now());
        forget(keyId);
        return revoked === null ? unknownKey(keyId) : { ok: true, answer: viewKey(revoked, now()) };
      });
    },
  };
}

function unknownKey(keyId: string): Refusal {
  const value = shortenValue(keyId);
  const message = `keyId must be that of a key of this owner: there is none with ${value}`;
  return refuse('not-found', { member: 'keyId', code: 'NO_RECORD', message, value });
}

function endedKey(keyId: string, state: 'expired' | 'revoked'): Refusal {
  const message = `keyId must be that of a key that works: this one ${state === 'expired' ? 'has expired' : 'was revoked'}; make a new one`;
  return refuse('conflict', { member: 'keyId', code: 'BAD_REQUEST', message, value: shortenValue(keyId) });
}
