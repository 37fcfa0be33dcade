import { z } from 'zod';
import { auditActions } from './admin-requests.ts';
import { tenantSettings } from './tenant-settings.ts';

/**
 * The bodies of the answers about tenants, keys and the audit trail. No secret is in any of them, except in the one that
 * tells of its making.
 */
const instant = z.string().meta({ format: 'date-time' });
const nextCursor = z.string().optional().meta({ description: 'The cursor of the next page; absent on the last one.' });

export const callbackSecretFacts = z.object({
  secretId: z.string(),
  createdAt: instant,
  expiresAt: instant.optional().meta({ description: 'Until when it signs beside the current one, which has none.' }),
});
export type CallbackSecretFacts = z.output<typeof callbackSecretFacts>;

const callbackSecrets = z
  .array(callbackSecretFacts)
  .meta({ description: 'The current one first. Without any, callbacks are signed with the service’s own secret.' });

export const tenantAnswer = z.object({
  tenantId: z.string(),
  ...tenantSettings.shape,
  callbackSecrets,
  version: z.number().int().meta({ description: 'Moved by every change; also the ETag. 0: never configured.' }),
  createdAt: instant.optional(),
  updatedAt: instant.optional(),
});
export type TenantAnswer = z.output<typeof tenantAnswer>;

export const tenantsAnswer = z.object({ tenants: z.array(tenantAnswer), nextCursor });
export type TenantsAnswer = z.output<typeof tenantsAnswer>;

/** What a tenant is told of itself. */
export const ownTenantAnswer = z.object({
  tenantId: z.string(),
  ...tenantSettings.shape,
  policy: z.array(z.string()).meta({ description: 'What its tasks may do to the machines they run on.' }),
  callbackSecrets,
  limits: z
    .object({
      cpus: z.number(),
      memMb: z.number(),
      diskMb: z.number(),
      gpus: z.number(),
      ports: z.number(),
      retry: z.number(),
      expireSeconds: z.number(),
      runSeconds: z.number(),
      killGraceSeconds: z.number(),
    })
    .meta({ description: 'The most that one task may ask for.' }),
});
export type OwnTenantAnswer = z.output<typeof ownTenantAnswer>;

export const newCallbackSecretAnswer = z.object({
  ...callbackSecretFacts.shape,
  secret: z.string().meta({ description: 'whsec_ and base64. Shown this once.' }),
});
export type NewCallbackSecretAnswer = z.output<typeof newCallbackSecretAnswer>;

export const callbackSecretsAnswer = z.object({ callbackSecrets });
export type CallbackSecretsAnswer = z.output<typeof callbackSecretsAnswer>;

export const keyFacts = z.object({
  keyId: z.string().meta({ description: 'The public part of the key: jk_<keyId>_<secret>.' }),
  tenantId: z.string().optional().meta({ description: 'Absent: an admin key.' }),
  name: z.string().optional(),
  state: z.enum(['active', 'expired', 'revoked']),
  createdAt: instant,
  createdBy: z.string().meta({ description: 'The id of an admin key, or bootstrap.' }),
  expiresAt: instant.optional(),
  revokedAt: instant.optional(),
  lastUsedAt: instant.optional().meta({ description: 'Exact to a minute.' }),
});
export type KeyFacts = z.output<typeof keyFacts>;

export const newKeyAnswer = z.object({
  ...keyFacts.shape,
  key: z.string().meta({ description: 'jk_<keyId>_<secret>. Shown this once; only a hash of it is kept.' }),
  replaced: keyFacts.optional().meta({ description: 'After a rotation: the key whose place it takes.' }),
});
export type NewKeyAnswer = z.output<typeof newKeyAnswer>;

export const keysAnswer = z.object({ keys: z.array(keyFacts).meta({ description: 'The newest first.' }) });
export type KeysAnswer = z.output<typeof keysAnswer>;

/** `begun`: whether it was done is not known (it may be under way, or the service ended in the midst of it). */
const auditOutcomes = ['begun', 'done', 'refused'] as const;

export const auditRecord = z.object({
  auditId: z.string(),
  at: instant,
  actor: z.string().meta({
    description:
      'The id of the key that asked; bootstrap; or `tenant <id>`, of a tenant that is believed without a key.',
  }),
  action: z.enum(auditActions),
  tenantId: z.string().optional(),
  target: z.string().meta({ description: 'The id of the tenant, key or callback secret.' }),
  detail: z.record(z.string(), z.unknown()).meta({ description: 'What was asked and came of it, without secrets.' }),
  outcome: z.enum(auditOutcomes),
  requestId: z.string(),
  remoteAddress: z.string().optional(),
});
export type AuditRecord = z.output<typeof auditRecord>;

export const auditAnswer = z.object({
  records: z.array(auditRecord).meta({ description: 'The newest first.' }),
  nextCursor,
});
export type AuditAnswer = z.output<typeof auditAnswer>;
