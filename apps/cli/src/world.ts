import type { Command } from 'commander';
import {
  createAdminClient,
  createCallbacksClient,
  createClient,
  type AdminClient,
  type CallbacksClient,
  type TenantClient,
} from '@juice/client';
import type { Output } from './output.ts';

/** What the program has of the world outside it. */
export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly say: (line: string) => void;
  /** As it is, without a line's end. */
  readonly write: (text: string) => void;
  readonly complain: (line: string) => void;
  /** A file's text; `-` is the standard input. */
  readonly readText: (path: string) => Promise<string>;
}

/** What a command is run with: the clients, and where to tell what came of it. */
export interface Session {
  readonly output: Output;
  readonly tenant: () => TenantClient;
  readonly admin: () => AdminClient;
  /** Of callbacks: as an operator, or as the tenant. */
  readonly callbacks: (isAdmin: boolean) => CallbacksClient;
}

/** Something is missing that only the caller knows. */
export class UsageError extends Error {}

interface GlobalOptions {
  readonly url?: string;
  readonly tenant?: string;
  readonly json?: boolean;
}

const defaultUrl = 'http://127.0.0.1:8080';

/** Keys come by the environment alone: an option would be seen in the list of processes. */
export function openSession(command: Command, { env, say }: World): Session {
  const { url, tenant: tenantId, json } = command.optsWithGlobals<GlobalOptions>();
  const given = (name: string): string | undefined => (env[name]?.trim() === '' ? undefined : env[name]?.trim());
  const at = { url: url ?? given('JUICE_URL') ?? defaultUrl };
  if (!URL.canParse(at.url) || !/^https?:$/.test(new URL(at.url).protocol))
    throw new UsageError(`JUICE_URL (or --url) must be an http or https URL, not ${JSON.stringify(at.url)}`);

  function tenantCredentials(): { readonly apiKey?: string; readonly tenantId?: string } {
    const [apiKey, name] = [given('JUICE_API_KEY'), tenantId ?? given('JUICE_TENANT')];
    if (apiKey === undefined && name === undefined) {
      throw new UsageError('set JUICE_API_KEY to a key of the tenant, or JUICE_TENANT (or --tenant) to its name');
    }
    if (name !== undefined && !isHeaderText(name))
      throw new UsageError(`JUICE_TENANT (or --tenant) must be a tenant's name, not ${JSON.stringify(name)}`);
    if (apiKey !== undefined && !isHeaderText(apiKey))
      throw new UsageError('JUICE_API_KEY must be a key, such as jk_…');
    return { ...(apiKey !== undefined && { apiKey }), ...(name !== undefined && { tenantId: name }) };
  }

  function adminCredentials(): { readonly adminKey: string } {
    const adminKey = given('JUICE_ADMIN_KEY');
    if (adminKey === undefined) throw new UsageError('set JUICE_ADMIN_KEY to an admin key');
    if (!isHeaderText(adminKey)) throw new UsageError('JUICE_ADMIN_KEY must be an admin key, such as jk_…');
    return { adminKey };
  }

  return {
    output: { isJson: json === true, say },
    tenant: () => createClient({ ...at, ...tenantCredentials() }),
    admin: () => createAdminClient({ ...at, ...adminCredentials() }),
    callbacks: (isAdmin) => createCallbacksClient({ ...at, ...(isAdmin ? adminCredentials() : tenantCredentials()) }),
  };
}

/** What a header can hold without being misread. */
function isHeaderText(text: string): boolean {
  return /^[\x20-\x7e]+$/.test(text);
}
