import {
  adminUsageQuery,
  auditQuery,
  defaultTenantSettings,
  poisonQuery,
  tenantsQuery,
  usageQuery,
} from '@juice/contracts';
import type { Route } from './route.ts';
import { status, switchOn } from './status-examples.ts';

const admin = { group: 'Administration', caller: 'admin' } as const;
const at = '2026-01-31T09:30:00.000Z';
const secretFacts = { secretId: '9d1f0a6be4c87352', createdAt: at };
const callbackSecrets = [secretFacts];
const newSecret = { ...secretFacts, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwOpUvPgGgLQs=' };

const poison = {
  ...{ queue: 'juice.callback.events', reason: 'rejected', at, bytes: 21 },
  start: '{"v":1,"nobody":true}',
};

const used = {
  ...{ tasks: 120, finished: 112, failed: 5, killed: 2, expired: 1, attempts: 131 },
  ...{ cpuSeconds: 43_200.5, memMbSeconds: 22_118_656, gpuSeconds: 0 },
};
const month =
  'Days are of UTC, 366 of them at most. A task is counted on the day on which it ended; what an attempt was given, on each day that it ran, once it has ended, half a minute later. Kept for 400 days.';

const settings = {
  name: 'Acme',
  weight: 2,
  quotas: { ...defaultTenantSettings.quotas, cpus: 40, running: 100 },
  policy: ['host-volumes=/data'],
};
const tenant = {
  ...{ tenantId: 'acme', ...defaultTenantSettings, ...settings, callbackSecrets },
  ...{ version: 3, createdAt: at, updatedAt: at },
};
const limits = {
  ...{ cpus: 16, memMb: 16_384, diskMb: 102_400, gpus: 8, ports: 16, retry: 10 },
  ...{ expireSeconds: 2_592_000, runSeconds: 2_592_000, killGraceSeconds: 3600 },
};
const { version: _, createdAt: __, updatedAt: ___, ...own } = tenant;

const key = { keyId: '4f0c2b7d9a1e63c5', tenantId: 'acme', name: 'ci', state: 'active', createdAt: at };
const keyFacts = { ...key, createdBy: 'bootstrap', lastUsedAt: at };
const shownKey = 'jk_6b1e9c0d4a7f2835_9e1c7b5a3d2f4e6081a2b3c4d5e6f708192a3b4c5d6e7f80';
const newKey = { ...key, keyId: '6b1e9c0d4a7f2835', createdBy: 'bootstrap', key: shownKey };
const { tenantId: ____, ...adminKeyFacts } = keyFacts;
const { tenantId: _____, ...newAdminKey } = newKey;
const rotated = { ...newKey, replaced: { ...keyFacts, expiresAt: '2026-02-01T09:30:00.000Z' } };
const newKeyBody = { name: 'ci', expiresInSeconds: 7_776_000 };
const rotation = { overlapSeconds: 3600 };

export const tenantRoutes: readonly Route[] = [
  {
    ...{ method: 'get', path: '/v1/tenant', id: 'showOwnTenant', group: 'Tenant', caller: 'tenant' },
    summary: 'What holds for the tenant that asks',
    answer: {
      data: ['OwnTenant'],
      examples: { 'as an operator has set it': { ...own, limits } },
    },
  },
  {
    ...{ method: 'post', path: '/v1/tenant/callback-secrets', id: 'rotateOwnCallbackSecret' },
    ...{ group: 'Tenant', caller: 'tenant' },
    summary: 'Make a new secret that callbacks are signed with',
    about: 'Only with a key. What signed before also signs for `overlapSeconds` more. The secret is shown this once.',
    body: { schema: 'RotateSecretRequest', isOptional: true, examples: { 'an hour of both': rotation } },
    answer: { data: ['NewCallbackSecret'], examples: { 'the new secret': newSecret } },
    refusals: ['conflict'],
  },
  {
    ...{ method: 'get', path: '/v1/usage', id: 'showOwnUsage', group: 'Tenant', caller: 'tenant' },
    summary: 'What the tenant has used, by days',
    about: month,
    query: [usageQuery],
    answer: { data: ['Usage'], examples: { 'a day': { days: [{ day: '2026-01-31', ...used }], total: used } } },
  },
  {
    ...{ method: 'get', path: '/v1/admin/usage', id: 'findUsage', ...admin },
    summary: 'What tenants have used, by days',
    about: month,
    query: [adminUsageQuery],
    answer: {
      data: ['AdminUsage'],
      examples: { 'a day of one': { usage: [{ day: '2026-01-31', tenantId: 'acme', ...used }] } },
    },
  },
  {
    ...{ method: 'get', path: '/v1/admin/tenants', id: 'listTenants', ...admin },
    summary: 'The tenants that something is set for',
    about: 'Any other tenant has the defaults.',
    query: [tenantsQuery],
    answer: { data: ['Tenants'], examples: { 'a page': { tenants: [tenant], nextCursor: 'acme' } } },
  },
  {
    ...{ method: 'get', path: '/v1/admin/tenants/{tenantId}', id: 'showTenant', ...admin },
    summary: 'A tenant’s settings',
    answer: { data: ['Tenant'], headers: ['ETag'], examples: { 'as it was set': tenant } },
  },
  {
    ...{ method: 'put', path: '/v1/admin/tenants/{tenantId}', id: 'replaceTenant', ...admin },
    summary: 'Set a tenant’s settings as a whole',
    about: 'A member that is absent or null gets its default.',
    headers: ['If-Match'],
    body: { schema: 'TenantSettings', examples: { 'all but the defaults': settings } },
    answer: { data: ['Tenant'], headers: ['ETag'], examples: { 'as it is now': tenant } },
    refusals: ['precondition-failed', 'precondition-required'],
  },
  {
    ...{ method: 'patch', path: '/v1/admin/tenants/{tenantId}', id: 'changeTenant', ...admin },
    summary: 'Change some of a tenant’s settings',
    about: 'A member that is absent stays as it is; one that is null gets its default.',
    headers: ['If-Match'],
    body: { schema: 'TenantSettings', examples: { 'a larger quota': { quotas: { cpus: 80 } } } },
    answer: { data: ['Tenant'], headers: ['ETag'], examples: { 'as it is now': tenant } },
    refusals: ['precondition-failed', 'precondition-required'],
  },
  {
    ...{ method: 'delete', path: '/v1/admin/tenants/{tenantId}', id: 'resetTenant', ...admin },
    summary: 'Give a tenant the defaults again',
    about: 'Its keys, callback secrets and tasks stay.',
    headers: ['If-Match'],
    answer: {
      data: ['Tenant'],
      headers: ['ETag'],
      examples: { 'as it is now': { ...tenant, ...defaultTenantSettings, version: 4 } },
    },
    refusals: ['precondition-failed'],
  },
  {
    ...{ method: 'get', path: '/v1/admin/tenants/{tenantId}/callback-secrets', id: 'listCallbackSecrets', ...admin },
    summary: 'What a tenant’s callbacks are signed with',
    about: 'Not the secrets themselves.',
    answer: { data: ['CallbackSecrets'], examples: { one: { callbackSecrets } } },
  },
  {
    ...{ method: 'post', path: '/v1/admin/tenants/{tenantId}/callback-secrets', id: 'rotateCallbackSecret', ...admin },
    summary: 'Make a new secret that a tenant’s callbacks are signed with',
    body: { schema: 'RotateSecretRequest', isOptional: true, examples: { 'an hour of both': rotation } },
    answer: { data: ['NewCallbackSecret'], examples: { 'the new secret': newSecret } },
    refusals: ['conflict'],
  },
  {
    ...{ method: 'delete', path: '/v1/admin/tenants/{tenantId}/callback-secrets/{secretId}' },
    ...{ id: 'removeCallbackSecret', ...admin },
    summary: 'Let a callback secret sign no more',
    answer: { data: ['CallbackSecrets'], examples: { 'none is left': { callbackSecrets: [] } } },
    refusals: ['not-found', 'conflict'],
  },
  {
    ...{ method: 'get', path: '/v1/admin/tenants/{tenantId}/keys', id: 'listKeys', ...admin },
    summary: 'A tenant’s keys',
    answer: { data: ['Keys'], examples: { one: { keys: [keyFacts] } } },
  },
  {
    ...{ method: 'post', path: '/v1/admin/tenants/{tenantId}/keys', id: 'createKey', ...admin },
    summary: 'Make a key of a tenant',
    about: 'It is shown this once.',
    body: { schema: 'NewKeyRequest', isOptional: true, examples: { 'for 90 days': newKeyBody } },
    answer: { data: ['NewKey'], examples: { 'the new key': newKey } },
    refusals: ['conflict'],
  },
  {
    ...{ method: 'post', path: '/v1/admin/tenants/{tenantId}/keys/{keyId}/rotate', id: 'rotateKey', ...admin },
    summary: 'Replace a key of a tenant',
    about: 'The old one works for `overlapSeconds` more.',
    body: { schema: 'RotateKeyRequest', isOptional: true, examples: { 'an hour of both': rotation } },
    answer: { data: ['NewKey'], examples: { 'the new key': rotated } },
    refusals: ['not-found', 'conflict'],
  },
  {
    ...{ method: 'delete', path: '/v1/admin/keys/{keyId}', id: 'revokeKey', ...admin },
    summary: 'Revoke a key of a tenant',
    about: 'It may work for five seconds more. A repeated revocation changes nothing.',
    answer: { data: ['Key'], examples: { revoked: { ...keyFacts, state: 'revoked', revokedAt: at } } },
    refusals: ['not-found'],
  },
  {
    ...{ method: 'get', path: '/v1/admin/admin-keys', id: 'listAdminKeys', ...admin },
    summary: 'The admin keys',
    answer: { data: ['Keys'], examples: { one: { keys: [adminKeyFacts] } } },
  },
  {
    ...{ method: 'post', path: '/v1/admin/admin-keys', id: 'createAdminKey', ...admin },
    summary: 'Make an admin key',
    about: 'It is shown this once.',
    body: { schema: 'NewKeyRequest', isOptional: true, examples: { 'for 90 days': newKeyBody } },
    answer: { data: ['NewKey'], examples: { 'the new key': newAdminKey } },
    refusals: ['conflict'],
  },
  {
    ...{ method: 'post', path: '/v1/admin/admin-keys/{keyId}/rotate', id: 'rotateAdminKey', ...admin },
    summary: 'Replace an admin key',
    body: { schema: 'RotateKeyRequest', isOptional: true, examples: { 'an hour of both': rotation } },
    answer: { data: ['NewKey'], examples: { 'the new key': { ...newAdminKey, replaced: adminKeyFacts } } },
    refusals: ['not-found', 'conflict'],
  },
  {
    ...{ method: 'delete', path: '/v1/admin/admin-keys/{keyId}', id: 'revokeAdminKey', ...admin },
    summary: 'Revoke an admin key',
    answer: { data: ['Key'], examples: { revoked: { ...adminKeyFacts, state: 'revoked', revokedAt: at } } },
    refusals: ['not-found'],
  },
  {
    ...{ method: 'get', path: '/v1/admin/audit', id: 'findAudits', ...admin },
    summary: 'What admins have done',
    about: 'What is given must all hold.',
    query: [auditQuery],
    answer: {
      data: ['Audit'],
      examples: {
        'a page': {
          records: [
            {
              ...{ auditId: '001769851800000-0001', at, actor: 'bootstrap', action: 'key.created' },
              ...{ tenantId: 'acme', target: '4f0c2b7d9a1e63c5', detail: { name: 'ci', expiresAt: null } },
              ...{ outcome: 'done', requestId: 'order-4711-1', remoteAddress: '192.0.2.10' },
            },
          ],
        },
      },
    },
  },
  {
    ...{ method: 'get', path: '/v1/admin/queue', id: 'surveyQueue', ...admin },
    summary: 'What waits, over all tenants',
    about: '503 while no scheduler leads.',
    answer: { data: ['Queue'], examples: { 'one tenant waits': queueSurvey() } },
  },
  {
    ...{ method: 'get', path: '/v1/admin/poison', id: 'showPoison', ...admin },
    summary: 'Messages of the broker that could not be used',
    about:
      'How many, and the oldest of them; they stay where they are. No task depends on one. 503 while the broker is away.',
    query: [poisonQuery],
    answer: { data: ['Poison'], examples: { one: { count: 1, messages: [poison] } } },
  },
  {
    ...{ method: 'post', path: '/v1/admin/poison/redrive', id: 'redrivePoison', ...admin },
    summary: 'Put messages back into the queues that they came from',
    about:
      'The oldest first, once what was wrong is repaired: what cannot be used is here again at once. It is kept in the audit trail.',
    body: {
      schema: 'RedriveRequest',
      examples: { 'ten of them': { limit: 10, reason: 'the callback workers are repaired' } },
    },
    answer: { data: ['Redriven'], examples: { done: { redriven: 10, left: 0 } } },
  },
  {
    ...{ method: 'get', path: '/v1/admin/status', id: 'showStatus', ...admin },
    summary: 'The system in one answer',
    about:
      'Which processes there are and of which version, who leads, what waits and runs, the queues, the callbacks, the endpoints and the switches. A part that cannot be asked within three seconds says why in `problem`.',
    answer: { data: ['Status'], examples: { 'the broker is away': status } },
  },
  {
    ...{ method: 'get', path: '/v1/admin/switches', id: 'listSwitches', ...admin },
    summary: 'What operators have stopped',
    about: 'The switches that are on; stop-launching and stop-intake whether they are or not.',
    answer: {
      data: ['Switches'],
      examples: { 'one is on': { switches: [{ name: 'stop-intake', on: false }, switchOn] } },
    },
  },
  {
    ...{ method: 'put', path: '/v1/admin/switches/{switchName}', id: 'turnSwitch', ...admin },
    summary: 'Stop launching or intake, drain a scheduler; or go on',
    about:
      '`stop-launching`, `stop-launching:<role>` for offers of one role, `stop-intake`, `drain-scheduler:<host>` (its `JUICE_PUBLIC_HOST`). It is stored when this is answered, heeded by every process within seconds, and kept in the audit trail. A repeated request changes nothing but the reason.',
    body: {
      schema: 'SwitchRequest',
      examples: { 'nothing is launched': { on: true, reason: 'the rack is moved until noon' } },
    },
    answer: { data: ['Switch'], examples: { 'it is on': switchOn } },
  },
];

function queueSurvey() {
  return {
    asOf: at,
    cluster: {
      ...{ subscribed: true, suppressed: false, agents: 50, offers: 3 },
      ...{ total: { cpus: 800, memMb: 3_276_800, gpus: 0 }, penalised: ['agent-7.example.com'], reserved: [] },
    },
    ...{ waiting: 12, pausing: 0, running: 40 },
    tenants: [
      {
        ...{ tenantId: 'acme', share: 0.21, weight: 1, waiting: 12, running: 40, oldestWaitingAt: at },
        used: { cpus: 20, memMb: 10_240, gpus: 0 },
        limits: { cpus: null, memMb: null, gpus: null, running: 100, launchesPerSecond: null },
      },
    ],
    blocked: [
      {
        ...{ tenantId: 'acme', waiting: 12, by: 'room', since: at, exampleTaskIdStr: '806769905152840693' },
        summary: 'no agent has room: the best of 41 agents lacks 0.5 CPUs',
      },
    ],
  };
}
