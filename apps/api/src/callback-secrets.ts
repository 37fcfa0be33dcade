import type { NewCallbackSecretAnswer, RotateSecretRequest } from '@juice/contracts';
import type { Acted, Audit } from './audit.ts';
import type { Actor } from './caller.ts';
import type { KnownSecret, KnownTenant } from './change-tenant.ts';
import { refuse, type Refusal } from './refusal.ts';
import { shortenValue } from './shorten-value.ts';
import { viewSecret } from './view-tenant.ts';

export interface StoredSecret extends KnownSecret {
  readonly secret: string;
}

/** What signs a tenant's callbacks. */
export interface StoredSigning {
  /** The current one first; none: the operator's own signs alone. */
  readonly secrets: readonly StoredSecret[];
  /** Until when the operator's own signs too; null: not (any more). */
  readonly operatorUntil: Date | null;
}

/** The part of the tenant store that callback secrets need. */
export interface SigningStore {
  loadTenant(tenantId: string): Promise<KnownTenant>;
  signingOf(tenantId: string): Promise<StoredSigning>;
  /** null when the tenant was changed since it was seen. */
  saveSigning(
    seen: { readonly tenantId: string; readonly version: number },
    signing: StoredSigning,
    atMs: number,
  ): Promise<KnownTenant | null>;
}

export interface CallbackSecrets {
  /** A new secret becomes the current one; what signed before also signs until the overlap ends. */
  create(actor: Actor, tenantId: string, request: RotateSecretRequest): Promise<Acted<NewCallbackSecretAnswer>>;
  remove(actor: Actor, tenantId: string, secretId: string): Promise<Acted<KnownTenant>>;
}

/** Each callback carries a signature of each: more than rotations need, less than a header holds. */
const mostSecrets = 10;
/** As Standard Webhooks recommends: 24 to 64 bytes. */
const secretBytes = 32;
const idBytes = 8;

export function createCallbackSecrets(deps: {
  tenants: SigningStore;
  audit: Audit;
  /** Tells the workers that sign. */
  changed: (tenantId: string) => void;
  randomHex: (bytes: number) => string;
  now: () => number;
}): CallbackSecrets {
  const { tenants, audit, randomHex, now } = deps;

  /** Again when somebody else changed the tenant in between. The version is read first: what is read after is no older. */
  async function change(
    tenantId: string,
    next: (signing: StoredSigning) => StoredSigning | Refusal,
  ): Promise<KnownTenant | Refusal> {
    for (;;) {
      const seen = await tenants.loadTenant(tenantId);
      const signing = next(await tenants.signingOf(tenantId));
      if ('ok' in signing) return signing;
      const saved = await tenants.saveSigning(seen, signing, now());
      if (saved === null) continue;
      deps.changed(tenantId);
      return saved;
    }
  }

  return {
    create(actor, tenantId, { overlapSeconds }) {
      const made: StoredSecret = {
        secretId: randomHex(idBytes),
        secret: `whsec_${Buffer.from(randomHex(secretBytes), 'hex').toString('base64')}`,
        createdAt: new Date(now()),
        expiresAt: null,
      };
      const what = {
        action: 'callbackSecret.created',
        ...{ tenantId, target: made.secretId, detail: { overlapSeconds } },
      } as const;
      return audit(actor, what, async () => {
        const changed = await change(tenantId, (present) => addSecret(present, made, now(), overlapSeconds * 1000));
        if ('ok' in changed) return changed;
        return { ok: true, answer: { ...viewSecret(made), secret: made.secret } };
      });
    },
    remove(actor, tenantId, secretId) {
      const what = { action: 'callbackSecret.removed', tenantId, target: secretId, detail: {} } as const;
      return audit(actor, what, async () => {
        const changed = await change(tenantId, (present) => removeSecret(present, secretId, now()));
        return 'ok' in changed ? changed : { ok: true, answer: changed };
      });
    },
  };
}

function addSecret(
  present: StoredSigning,
  made: StoredSecret,
  nowMs: number,
  overlapMs: number,
): StoredSigning | Refusal {
  const untilMs = nowMs + overlapMs;
  const older = present.secrets.map((secret) => ({ ...secret, expiresAt: earlier(secret.expiresAt, untilMs) }));
  const living = older.filter(({ expiresAt }) => expiresAt.getTime() > nowMs);
  if (living.length >= mostSecrets) {
    const message = `there must be at most ${mostSecrets} callback secrets at a time: remove one, or wait until one has expired`;
    return refuse('conflict', { member: 'callbackSecrets', code: 'BAD_REQUEST', message });
  }
  // Until a tenant has a secret of its own the operator's signs: that one is replaced too, then.
  const operatorUntil = present.secrets.length === 0 ? new Date(untilMs) : present.operatorUntil;
  const isOver = operatorUntil === null || Math.min(operatorUntil.getTime(), untilMs) <= nowMs;
  return { secrets: [made, ...living], operatorUntil: isOver ? null : earlier(operatorUntil, untilMs) };
}

function removeSecret(present: StoredSigning, secretId: string, nowMs: number): StoredSigning | Refusal {
  const living = present.secrets.filter(({ expiresAt }) => expiresAt === null || expiresAt.getTime() > nowMs);
  const found = living.find((secret) => secret.secretId === secretId);
  if (found === undefined) {
    const value = shortenValue(secretId);
    const message = `the callback secret must be one of this tenant that signs: there is none with ${value}`;
    return refuse('not-found', { member: 'secretId', code: 'NO_RECORD', message, value });
  }
  if (found.expiresAt === null && living.length > 1) {
    const message =
      'the current callback secret cannot be removed while others sign beside it: make a new one first (with overlapSeconds 0, if this one is known to others)';
    return refuse('conflict', { member: 'secretId', code: 'BAD_REQUEST', message });
  }
  const secrets = living.filter((secret) => secret !== found);
  return { secrets, operatorUntil: secrets.length === 0 ? null : present.operatorUntil };
}

function earlier(present: Date | null, atMs: number): Date {
  return present !== null && present.getTime() < atMs ? present : new Date(atMs);
}
