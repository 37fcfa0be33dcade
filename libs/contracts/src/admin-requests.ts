import { z } from 'zod';
import { closedObject, integer, nonBlankLine } from './request-members.ts';
import { tenantIdPattern, tenantIdRight } from './tenant-id.ts';

/** How long what is replaced goes on working, when a request does not say. */
const defaultOverlapSeconds = 86_400;
/** Longer than a week is no rotation. */
const longestOverlapSeconds = 7 * 86_400;
/** A key that is to last longer than ten years is one that never expires. */
const longestKeySeconds = 10 * 365 * 86_400;

const name = nonBlankLine('a name', 200).nullish().meta({ description: 'For people.' });
const expiresInSeconds = integer(60, longestKeySeconds)
  .nullish()
  .meta({ description: 'How long the key works; for ever when left out.' });
const overlapSeconds = integer(0, longestOverlapSeconds)
  .nullish()
  .meta({ description: `How long what is replaced goes on working; ${defaultOverlapSeconds} when left out.` })
  .transform((given) => given ?? defaultOverlapSeconds);

/** The body of POST …/keys and /v1/admin/admin-keys; it may be left out. Without `expiresInSeconds` a key never expires. */
export const newKeyRequest = closedObject({ name, expiresInSeconds });
export type NewKeyRequest = z.output<typeof newKeyRequest>;

/** The body of POST …/rotate; it may be left out. The old key works for `overlapSeconds` more. */
export const rotateKeyRequest = closedObject({ name, expiresInSeconds, overlapSeconds });
export type RotateKeyRequest = z.output<typeof rotateKeyRequest>;

/** The body of POST …/callback-secrets; it may be left out. What signed before also signs for `overlapSeconds` more. */
export const rotateSecretRequest = closedObject({ overlapSeconds });
export type RotateSecretRequest = z.output<typeof rotateSecretRequest>;

/** Every action that is kept in the audit trail. */
export const auditActions = [
  'tenant.changed',
  'tenant.reset',
  'key.created',
  'key.rotated',
  'key.revoked',
  'callbackSecret.created',
  'callbackSecret.removed',
  'replay.created',
  'replay.paused',
  'replay.resumed',
  'replay.cancelled',
  'endpoint.paused',
  'endpoint.resumed',
  'callback.tested',
  'poison.redriven',
  'switch.turnedOn',
  'switch.turnedOff',
] as const;
export type AuditAction = (typeof auditActions)[number];

const limitRight = 'an integer from 1 to 1000';
const limit = z
  .string({ error: limitRight })
  .regex(/^\d{1,4}$/, { error: limitRight })
  .meta({ description: 'How many a page has at most; 100 when left out.' })
  .transform(Number)
  .refine((n) => n >= 1 && n <= 1000, { error: limitRight })
  .default(100);

const cursorRight = 'nextCursor of the page before';

function cursor(pattern: RegExp) {
  return z
    .string({ error: cursorRight })
    .regex(pattern, { error: cursorRight })
    .optional()
    .meta({ description: 'nextCursor of the page before; the first page when left out.' });
}

const tenantId = z.string({ error: tenantIdRight }).regex(tenantIdPattern, { error: tenantIdRight });

/** The query of GET /v1/admin/tenants. */
export const tenantsQuery = closedObject({
  cursor: cursor(tenantIdPattern),
  limit,
});
export type TenantsQuery = z.output<typeof tenantsQuery>;

const instantRight = 'an instant, such as 2026-01-31T00:00:00Z';
const actionRight = `one of ${auditActions.join(', ')}`;

/** The query of GET /v1/admin/audit: what is given must all hold. */
export const auditQuery = closedObject({
  tenant: tenantId.optional().meta({ description: 'The tenant it was about.' }),
  actor: nonBlankLine('the id of a key, bootstrap, or tenant and its id', 128)
    .optional()
    .meta({ description: 'The id of the key that asked; bootstrap; or `tenant <id>`, of a tenant without a key.' }),
  action: z.enum(auditActions, { error: actionRight }).optional(),
  since: z
    .string({ error: instantRight })
    .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/, { error: instantRight })
    .refine((text) => !Number.isNaN(Date.parse(text)), { error: instantRight })
    .optional()
    .meta({ format: 'date-time', description: 'At this instant or later.' }),
  cursor: cursor(/^\d{15}-[0-9a-f-]{1,36}$/),
  limit,
});
export type AuditQuery = z.output<typeof auditQuery>;
