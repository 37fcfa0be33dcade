import type { CallbackSecretFacts, OwnTenantAnswer, RequestBounds, TenantAnswer } from '@juice/contracts';
import type { KnownSecret, KnownTenant } from './change-tenant.ts';
import { describeMachinePolicy, type MachinePolicy } from './machine-policy.ts';
import { policyFor } from './tenant-rules.ts';

/** A tenant as admins see it: no secret, only what there is to say of them. */
export function viewTenant(tenant: KnownTenant, nowMs: number): TenantAnswer {
  const { tenantId, settings, version, createdAt, updatedAt } = tenant;
  return {
    tenantId,
    ...settings,
    callbackSecrets: viewSecrets(tenant, nowMs),
    version,
    ...(createdAt !== null && { createdAt: createdAt.toISOString() }),
    ...(updatedAt !== null && { updatedAt: updatedAt.toISOString() }),
  };
}

/** A tenant as it sees itself: with the policy and the limits that hold for its tasks, whoever set them. */
export function viewOwnTenant(
  tenant: KnownTenant,
  operator: { readonly policy: MachinePolicy; readonly limits: RequestBounds },
  nowMs: number,
): OwnTenantAnswer {
  const { tenantId, settings } = tenant;
  return {
    tenantId,
    ...settings,
    policy: [...describeMachinePolicy(policyFor(settings, operator.policy))],
    callbackSecrets: viewSecrets(tenant, nowMs),
    limits: operator.limits,
  };
}

/** Those that still sign. */
export function viewSecrets({ callbackSecrets }: KnownTenant, nowMs: number): CallbackSecretFacts[] {
  const living = callbackSecrets.filter(({ expiresAt }) => expiresAt === null || expiresAt.getTime() > nowMs);
  return living.map(viewSecret);
}

export function viewSecret({ secretId, createdAt, expiresAt }: KnownSecret): CallbackSecretFacts {
  return {
    secretId,
    createdAt: createdAt.toISOString(),
    ...(expiresAt !== null && { expiresAt: expiresAt.toISOString() }),
  };
}
