import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { Administration } from './admin-router.ts';
import { createApiKeys, type ApiKeyStore } from './api-keys.ts';
import { createAudit, type Audit, type AuditTrail } from './audit.ts';
import { createCallbackSecrets, type SigningStore } from './callback-secrets.ts';
import { createChangeTenant, type SettingsStore } from './change-tenant.ts';
import type { AuditFinder } from './find-audits.ts';
import { createGates, type Gates } from './gates.ts';
import { createIdentify, type Auth } from './identify.ts';
import { createLimitRequests } from './limit-requests.ts';
import { createRulesOf, type OperatorDefaults, type RulesOf } from './tenant-rules.ts';
import { createKeyVerifier, type KeyLookup } from './verify-key.ts';

/** What is known of tenants and keys; `@juice/persistence` provides it. */
export interface AccessStores {
  readonly tenants: Administration['tenants'] & SettingsStore & SigningStore;
  readonly keys: KeyLookup & ApiKeyStore;
  readonly audits: AuditTrail & AuditFinder;
}

/** Who is let in, what holds for them, and how operators change both. */
export interface Access {
  readonly gates: Gates;
  readonly rulesOf: RulesOf;
  readonly administration: Administration;
  readonly audit: Audit;
}

export function createAccess(deps: {
  stores: AccessStores;
  auth: Auth;
  /** JUICE_ADMIN_KEY; null: not set. */
  adminKey: string | null;
  operator: OperatorDefaults;
  tenantChanged: (tenantId: string) => void;
  isStoreUp: () => boolean;
  now: () => number;
  monotonicMs: () => number;
}): Access {
  const { stores, auth, now, monotonicMs } = deps;
  const { tenants, keys, audits } = stores;
  const randomHex = (bytes: number): string => randomBytes(bytes).toString('hex');
  const verifier = createKeyVerifier({ keys, adminKey: deps.adminKey, now, monotonicMs, isSame: timingSafeEqual });
  const rulesOf = createRulesOf({ tenants, operator: deps.operator, monotonicMs });
  const audit = createAudit({ audits, now });
  return {
    gates: createGates({
      identify: createIdentify({ auth, verifier }),
      isStoreUp: deps.isStoreUp,
      limitRequests: createLimitRequests({ rulesOf, monotonicMs }),
    }),
    rulesOf,
    audit,
    administration: {
      tenants,
      audits,
      changeTenant: createChangeTenant({
        tenants,
        audit,
        changed(tenantId) {
          rulesOf.forget(tenantId);
          deps.tenantChanged(tenantId);
        },
        now,
      }),
      callbackSecrets: createCallbackSecrets({ tenants, audit, changed: deps.tenantChanged, randomHex, now }),
      apiKeys: createApiKeys({ keys, audit, forget: (keyId) => verifier.forget(keyId), randomHex, now }),
      now,
    },
  };
}
