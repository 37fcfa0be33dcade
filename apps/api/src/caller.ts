import type { Request, Response } from 'express';
import { InvariantBroken } from '@juice/contracts';
import { factsOf } from './request-facts.ts';

/** Who a request is from, once that is known. */
export type Caller = TenantCaller | AdminCaller;

export interface TenantCaller {
  readonly kind: 'tenant';
  readonly tenantId: string;
  /** null: it said so itself, and was believed (JUICE_AUTH=header). */
  readonly keyId: string | null;
}

export interface AdminCaller {
  readonly kind: 'admin';
  /** `bootstrap` for JUICE_ADMIN_KEY. */
  readonly keyId: string;
}

/** A caller as the audit trail names it. */
export interface Actor {
  readonly actor: string;
  readonly requestId: string;
  readonly remoteAddress: string | null;
}

export function setCaller(response: Response, caller: Caller): void {
  const facts = factsOf(response);
  facts.caller = caller;
  if (caller.kind === 'tenant') facts.tenantId = caller.tenantId;
  if (caller.keyId !== null) facts.keyId = caller.keyId;
}

/** Only behind a gate. */
export function callerOf(response: Response): Caller {
  const { caller } = factsOf(response);
  if (caller === undefined) throw new InvariantBroken('a route of callers is open to anybody');
  return caller;
}

/** The tenant that a request is from. Only behind the gate that lets tenants in. */
export function tenantOf(response: Response): TenantCaller {
  const { caller } = factsOf(response);
  if (caller?.kind !== 'tenant') throw new InvariantBroken('a route of tenants is open to others');
  return caller;
}

/**
 * Only behind a gate. A tenant that is believed without a key needs a name, and what that names is all that is known: for what a
 * tenant does to what is its own.
 */
export function actorOf(request: Request, response: Response, name: string | null = null): Actor {
  const actor = callerOf(response).keyId ?? name;
  if (actor === null) throw new InvariantBroken('an action without an actor');
  return { actor, requestId: factsOf(response).requestId, remoteAddress: request.socket.remoteAddress ?? null };
}
