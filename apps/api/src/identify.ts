import type { AdminCaller, TenantCaller } from './caller.ts';
import { readTenant, type Read } from './read-request.ts';
import { refuse, type Refusal } from './refusal.ts';
import { shortenValue } from './shorten-value.ts';
import type { KeyVerifier, Verified } from './verify-key.ts';

/** `header`: X-Tenant-Id is believed, so somebody in front must have seen to it. `api-key`: the key decides. */
export type Auth = 'header' | 'api-key';

/** What a request says of who it is from: its headers. */
export interface Credentials {
  readonly authorization: string | undefined;
  readonly tenantId: string | undefined;
}

export interface Identify {
  /** The tenant a request is from. */
  tenant(credentials: Credentials): Promise<Read<TenantCaller>>;
  /** The admin a request is from: always by key, whatever tenants have to show. */
  admin(credentials: Credentials): Promise<Read<AdminCaller>>;
}

export function createIdentify({ auth, verifier }: { auth: Auth; verifier: KeyVerifier }): Identify {
  return {
    async tenant({ authorization, tenantId }) {
      if (auth === 'header') {
        const named = readTenant(tenantId);
        return named.ok ? { ok: true, value: { kind: 'tenant', tenantId: named.value, keyId: null } } : named;
      }
      const token = readBearer(authorization);
      if (token === null) return unauthenticated('must be Bearer and an API key of the tenant');
      const verified = await verifier.verify(token);
      if (verified.kind === 'refused') return unauthenticated(whyRefused(verified));
      if (verified.kind === 'bootstrap' || verified.tenantId === null) {
        return forbidden('must carry a key of a tenant: an admin key opens the routes below /v1/admin alone');
      }
      const value = { kind: 'tenant', tenantId: verified.tenantId, keyId: verified.keyId } as const;
      return checkTenant(tenantId, value.tenantId) ?? { ok: true, value };
    },
    async admin({ authorization }) {
      if (!(await verifier.hasAdminKey())) return nobodyIsAdmin();
      const token = readBearer(authorization);
      if (token === null) return unauthenticated('must be Bearer and an admin key');
      const verified = await verifier.verify(token);
      if (verified.kind === 'refused') return unauthenticated(whyRefused(verified));
      if (verified.kind === 'key' && verified.tenantId !== null) {
        return forbidden('must carry an admin key: the key of a tenant does not open the routes below /v1/admin');
      }
      const keyId = verified.kind === 'bootstrap' ? 'bootstrap' : verified.keyId;
      return { ok: true, value: { kind: 'admin', keyId } };
    },
  };
}

function readBearer(authorization: string | undefined): string | null {
  return /^Bearer +(\S+)$/i.exec(authorization?.trim() ?? '')?.[1] ?? null;
}

/** Nothing of what was sent is repeated: it may be a key with a slip in it. */
function unauthenticated(right: string): Refusal {
  const message = `header Authorization ${right}`;
  return refuse('unauthenticated', { member: 'Authorization', code: 'NO_PERMISSION', message });
}

function forbidden(right: string): Refusal {
  const message = `header Authorization ${right}`;
  return refuse('forbidden', { member: 'Authorization', code: 'NO_PERMISSION', message });
}

function whyRefused({ why }: Extract<Verified, { kind: 'refused' }>): string {
  switch (why) {
    case 'garbled':
      return 'must carry an API key: jk_, its id, _ and its secret, as it was shown when it was made';
    case 'unknown':
      return 'must carry an API key that is known here';
    case 'expired':
      return 'must carry a key that works: this one has expired';
    case 'revoked':
      return 'must carry a key that works: this one was revoked';
  }
}

function checkTenant(header: string | undefined, tenantId: string): Refusal | null {
  const named = header?.trim() ?? '';
  if (named === '' || named === tenantId) return null;
  const member = 'X-Tenant-Id';
  const value = shortenValue(named);
  const message = `header ${member} must be ${tenantId}, the tenant of the key, or left out, not ${value}`;
  return refuse('forbidden', { member, code: 'NO_PERMISSION', message, value });
}

function nobodyIsAdmin(): Refusal {
  const message =
    'there is no admin key: set JUICE_ADMIN_KEY to at least 32 random characters, start the service again, and send it as Authorization: Bearer …';
  return refuse('forbidden', { member: 'Authorization', code: 'NO_PERMISSION', message });
}
