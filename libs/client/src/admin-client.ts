import type {
  AdminUsageAnswer,
  AuditAnswer,
  CallbackSecretFacts,
  CallbackSecretsAnswer,
  KeyFacts,
  KeysAnswer,
  NewCallbackSecretAnswer,
  NewKeyAnswer,
  PoisonAnswer,
  QueueSurvey,
  RedriveAnswer,
  StatusAnswer,
  SwitchAnswer,
  SwitchesAnswer,
  TenantAnswer,
  TenantSettings,
  TenantsAnswer,
  TenantUsageDay,
} from '@juice/contracts';
import type { UsageRange } from './tenant-client.ts';
import { createCall, type CallOptions, type ClientOptions } from './call.ts';

type Settings = { readonly [K in keyof TenantSettings]?: Partial<TenantSettings[K]> | TenantSettings[K] | null };
/** What is made once: with no answer it is not known whether it was made, and it is not asked for again. */
const once = { isRepeatable: false } as const;

/** What operators do. Throws as the tenant's client does. */
export interface AdminClient {
  tenants(options?: CallOptions): AsyncIterable<TenantAnswer>;
  tenant(tenantId: string, options?: CallOptions): Promise<TenantAnswer>;
  /** Changes what is given, if the settings are still those of this version; without one, whatever they are. */
  changeTenant(
    tenantId: string,
    settings: Settings,
    options?: CallOptions & { readonly version?: number },
  ): Promise<TenantAnswer>;
  resetTenant(tenantId: string, options?: CallOptions): Promise<TenantAnswer>;
  /** null: the admins' own. */
  keys(tenantId: string | null, options?: CallOptions): Promise<readonly KeyFacts[]>;
  createKey(
    tenantId: string | null,
    key?: { readonly name?: string; readonly expiresInSeconds?: number },
    options?: CallOptions,
  ): Promise<NewKeyAnswer>;
  rotateKey(
    tenantId: string | null,
    keyId: string,
    key?: { readonly overlapSeconds?: number; readonly expiresInSeconds?: number },
    options?: CallOptions,
  ): Promise<NewKeyAnswer>;
  revokeKey(tenantId: 'any' | null, keyId: string, options?: CallOptions): Promise<KeyFacts>;
  callbackSecrets(tenantId: string, options?: CallOptions): Promise<readonly CallbackSecretFacts[]>;
  /** Those that are left; without one, callbacks are signed with the operator's. */
  removeCallbackSecret(
    tenantId: string,
    secretId: string,
    options?: CallOptions,
  ): Promise<readonly CallbackSecretFacts[]>;
  rotateCallbackSecret(
    tenantId: string,
    secret?: { readonly overlapSeconds?: number },
    options?: CallOptions,
  ): Promise<NewCallbackSecretAnswer>;
  audit(
    query?: { readonly tenant?: string; readonly actor?: string; readonly limit?: number; readonly cursor?: string },
    options?: CallOptions,
  ): Promise<AuditAnswer>;
  queue(options?: CallOptions): Promise<QueueSurvey>;
  /** What tenants have used, by day and then by tenant; page after page as it is asked for. */
  usage(
    query?: UsageRange & { readonly tenant?: string | undefined },
    options?: CallOptions,
  ): AsyncIterable<TenantUsageDay>;
  /** Messages of the broker that could not be used; they stay where they are. */
  poison(options?: CallOptions & { readonly limit?: number }): Promise<PoisonAnswer>;
  /** Puts the oldest of them back into the queues that they came from. */
  redrivePoison(
    request: { readonly reason: string; readonly limit?: number | undefined },
    options?: CallOptions,
  ): Promise<RedriveAnswer>;
  /** The system in one answer. */
  status(options?: CallOptions): Promise<StatusAnswer>;
  /** What operators have stopped. */
  switches(options?: CallOptions): Promise<readonly SwitchAnswer[]>;
  turnSwitch(
    name: string,
    to: { readonly on: boolean; readonly reason: string },
    options?: CallOptions,
  ): Promise<SwitchAnswer>;
}

export function createAdminClient({
  adminKey,
  ...options
}: ClientOptions & { readonly adminKey: string }): AdminClient {
  const call = createCall(options, { authorization: `Bearer ${adminKey}` });

  async function ask<T>(asked: Parameters<typeof call>[0]): Promise<T> {
    return (await call(asked)).data as T;
  }

  const keysOf = (tenantId: string | null): string =>
    tenantId === null ? '/v1/admin/admin-keys' : `${pathOf(tenantId)}/keys`;

  return {
    async *tenants({ signal } = {}) {
      for (let cursor: string | undefined; ;) {
        const asked = { method: 'GET', path: '/v1/admin/tenants', query: { cursor }, signal } as const;
        const page = await ask<TenantsAnswer>(asked);
        yield* page.tenants;
        cursor = page.nextCursor;
        if (cursor === undefined) return;
      }
    },
    tenant: (tenantId, { signal } = {}) => ask({ method: 'GET', path: pathOf(tenantId), signal }),
    changeTenant: (tenantId, body, { version, signal } = {}) => {
      const headers = { 'if-match': version === undefined ? '*' : `"${version}"` };
      return ask({ method: 'PATCH', path: pathOf(tenantId), body, headers, signal });
    },
    resetTenant: (tenantId, { signal } = {}) => ask({ method: 'DELETE', path: pathOf(tenantId), signal }),
    keys: async (tenantId, { signal } = {}) =>
      (await ask<KeysAnswer>({ method: 'GET', path: keysOf(tenantId), signal })).keys,
    createKey: (tenantId, body = {}, { signal } = {}) =>
      ask({ method: 'POST', path: keysOf(tenantId), body, signal, ...once }),
    rotateKey: (tenantId, keyId, body = {}, { signal } = {}) => {
      const path = `${keysOf(tenantId)}/${encodeURIComponent(keyId)}/rotate`;
      return ask({ method: 'POST', path, body, signal, ...once });
    },
    revokeKey: (tenantId, keyId, { signal } = {}) => {
      const keys = tenantId === null ? '/v1/admin/admin-keys' : '/v1/admin/keys';
      return ask({ method: 'DELETE', path: `${keys}/${encodeURIComponent(keyId)}`, signal });
    },
    callbackSecrets: async (tenantId, { signal } = {}) =>
      (await ask<CallbackSecretsAnswer>({ method: 'GET', path: secretsOf(tenantId), signal })).callbackSecrets,
    removeCallbackSecret: async (tenantId, secretId, { signal } = {}) => {
      const path = `${secretsOf(tenantId)}/${encodeURIComponent(secretId)}`;
      return (await ask<CallbackSecretsAnswer>({ method: 'DELETE', path, signal })).callbackSecrets;
    },
    rotateCallbackSecret: (tenantId, body = {}, { signal } = {}) =>
      ask({ method: 'POST', path: secretsOf(tenantId), body, signal, ...once }),
    audit: (query = {}, { signal } = {}) => ask({ method: 'GET', path: '/v1/admin/audit', query, signal }),
    async *usage(query = {}, { signal } = {}) {
      for (let cursor: string | undefined; ;) {
        const asked = { method: 'GET', path: '/v1/admin/usage', query: { ...query, cursor }, signal } as const;
        const page = await ask<AdminUsageAnswer>(asked);
        yield* page.usage;
        cursor = page.nextCursor;
        if (cursor === undefined) return;
      }
    },
    queue: ({ signal } = {}) => ask({ method: 'GET', path: '/v1/admin/queue', signal }),
    poison: ({ signal, limit } = {}) => ask({ method: 'GET', path: '/v1/admin/poison', query: { limit }, signal }),
    redrivePoison: (body, { signal } = {}) =>
      ask({ method: 'POST', path: '/v1/admin/poison/redrive', body, signal, ...once }),
    status: ({ signal } = {}) => ask({ method: 'GET', path: '/v1/admin/status', signal }),
    switches: async ({ signal } = {}) =>
      (await ask<SwitchesAnswer>({ method: 'GET', path: '/v1/admin/switches', signal })).switches,
    turnSwitch: (name, body, { signal } = {}) =>
      ask({ method: 'PUT', path: `/v1/admin/switches/${encodeURIComponent(name)}`, body, signal }),
  };
}

function secretsOf(tenantId: string): string {
  return `${pathOf(tenantId)}/callback-secrets`;
}

function pathOf(tenantId: string): string {
  return `/v1/admin/tenants/${encodeURIComponent(tenantId)}`;
}
