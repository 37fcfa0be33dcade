import {
  applySettings,
  defaultTenantSettings,
  type TenantSettings,
  type TenantSettingsRequest,
} from '@juice/contracts';
import type { Acted, Audit } from './audit.ts';
import type { Actor } from './caller.ts';
import { parseMachinePolicy, machinePolicyRight } from './machine-policy.ts';
import { refuse, type Problem, type Refusal } from './refusal.ts';
import { shortenValue } from './shorten-value.ts';

/** A tenant as the store has it. */
export interface KnownTenant {
  readonly tenantId: string;
  readonly settings: TenantSettings;
  readonly callbackSecrets: readonly KnownSecret[];
  readonly version: number;
  readonly createdAt: Date | null;
  readonly updatedAt: Date | null;
}

export interface KnownSecret {
  readonly secretId: string;
  readonly createdAt: Date;
  /** null: it is the current one. */
  readonly expiresAt: Date | null;
}

/** The part of the tenant store that changing settings needs. */
export interface SettingsStore {
  loadTenant(tenantId: string): Promise<KnownTenant>;
  /** null when the tenant was changed since it was seen; settings null: back to the defaults. */
  saveSettings(
    seen: { readonly tenantId: string; readonly version: number },
    settings: TenantSettings | null,
    atMs: number,
  ): Promise<KnownTenant | null>;
}

export type SettingsChange =
  { readonly kind: 'replace' | 'merge'; readonly request: TenantSettingsRequest } | { readonly kind: 'reset' };

/** The version that a change is meant for, as If-Match says it: `any`, whatever is there; `first`, none was given. */
export type Expected = number | 'any' | 'first';

/**
 * Changes what is set for a tenant, and tells the services. Without a version that was seen only a tenant that was never
 * configured can be changed: nobody overwrites what somebody else has set without having looked.
 */
export type ChangeTenant = (
  actor: Actor,
  tenantId: string,
  change: SettingsChange,
  expected: Expected,
) => Promise<Acted<KnownTenant>>;

export function createChangeTenant(deps: {
  tenants: SettingsStore;
  audit: Audit;
  /** Tells the other services, and whoever in this one remembers settings. */
  changed: (tenantId: string) => void;
  now: () => number;
}): ChangeTenant {
  const { tenants, audit, changed, now } = deps;

  async function save(tenantId: string, change: SettingsChange, expected: Expected): Promise<Acted<KnownTenant>> {
    // A miss means that somebody else's change went through in between.
    for (;;) {
      const seen = await tenants.loadTenant(tenantId);
      const refusal = checkVersion(seen.version, expected);
      if (refusal !== null) return refusal;
      if (change.kind === 'reset' && seen.version === 0) return { ok: true, answer: seen };
      const saved = await tenants.saveSettings(seen, settingsAfter(seen.settings, change), now());
      if (saved !== null) {
        changed(tenantId);
        return { ok: true, answer: saved, noted: { version: saved.version } };
      }
    }
  }

  return async (actor, tenantId, change, expected) => {
    const problems = change.kind === 'reset' ? [] : checkPolicyWords(change.request.policy ?? []);
    const [first, ...more] = problems;
    if (first !== undefined) return refuse('invalid', first, ...more);
    const action = change.kind === 'reset' ? 'tenant.reset' : 'tenant.changed';
    const detail = change.kind === 'reset' ? {} : { kind: change.kind, given: change.request };
    return audit(actor, { action, tenantId, target: tenantId, detail }, () => save(tenantId, change, expected));
  };
}

function settingsAfter(present: TenantSettings, change: SettingsChange): TenantSettings | null {
  switch (change.kind) {
    case 'reset':
      return null;
    case 'replace':
      return applySettings(defaultTenantSettings, change.request);
    case 'merge':
      return applySettings(present, change.request);
  }
}

function checkVersion(version: number, expected: Expected): Refusal | null {
  if (expected === 'any' || expected === version || (expected === 'first' && version === 0)) return null;
  const member = 'If-Match';
  const right = `"${version}", the ETag of the tenant as it is now, or * for whatever is there`;
  if (expected === 'first') {
    const message = `header ${member} must be given, since the tenant is configured already: ${right}`;
    return refuse('precondition-required', { member, code: 'OBJECT_NOT_NULL', message });
  }
  const value = `"${expected}"`;
  const message = `header ${member} must be ${right}, not ${value}: somebody has changed it since`;
  return refuse('precondition-failed', { member, code: 'OBJECT_NOT_EQUAL', message, value });
}

function checkPolicyWords(words: readonly string[]): readonly Problem[] {
  return words.flatMap((word, at) => {
    if (parseMachinePolicy([word]) !== null) return [];
    const member = `policy[${at}]`;
    const value = shortenValue(word);
    const message = `${member} must be a word of ${machinePolicyRight}, not ${value}`;
    return [{ member, code: 'OBJECT_NOT_EQUAL', message, value } as const];
  });
}
