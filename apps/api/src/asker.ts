import type { Response } from 'express';
import { callerOf } from './caller.ts';

/** Who asks about callbacks, and whose are meant. */
export interface Asker {
  /** null: an operator asks, about everybody's. */
  readonly tenantId: string | null;
  /** For people who look later: the id of a key, or `tenant <name>` where a name is believed without one. */
  readonly by: string;
}

/** Only behind a gate. */
export function askerOf(response: Response): Asker {
  const caller = callerOf(response);
  if (caller.kind === 'admin') return { tenantId: null, by: caller.keyId };
  return { tenantId: caller.tenantId, by: caller.keyId ?? `tenant ${caller.tenantId}` };
}

/** Whose callbacks are meant: an operator may name a tenant, and a tenant is always meant itself. */
export function tenantMeant({ tenantId }: Asker, given: { readonly tenant?: string | undefined }): string | null {
  return tenantId ?? given.tenant ?? null;
}
