import type { Request, RequestHandler } from 'express';
import { DependencyFailure } from '@juice/contracts';
import { answerRefusal } from './answer.ts';
import { setCaller } from './caller.ts';
import type { Credentials, Identify } from './identify.ts';
import type { LimitRequests } from './limit-requests.ts';
import { refuse, type Refusal } from './refusal.ts';

/** What a route is behind: past its gate the store is there, as far as is known, and the caller is known and let in. */
export interface Gates {
  readonly tenant: RequestHandler;
  readonly admin: RequestHandler;
  /** For answers that go on: whether a tenant's request would still be let in. While that cannot be told, it would. */
  readonly isStillIn: (request: Request) => Promise<boolean>;
}

export function createGates(deps: {
  identify: Identify;
  /** Whether the store is reachable, as far as is known: while it is not, nobody is made to wait for its time-out. */
  isStoreUp: () => boolean;
  /** Behind the tenants' gate. */
  limitRequests: LimitRequests;
}): Gates {
  function gate(who: keyof Identify, limit: LimitRequests | null): RequestHandler {
    return async (request, response, next) => {
      if (!deps.isStoreUp()) return answerRefusal(response, storeAway());
      const caller = await deps.identify[who](credentialsOf(request));
      if (!caller.ok) return answerRefusal(response, caller);
      setCaller(response, caller.value);
      const refusal = limit === null ? null : await limit(response);
      if (refusal !== null) return answerRefusal(response, refusal);
      next();
    };
  }

  async function isStillIn(request: Request): Promise<boolean> {
    try {
      return (await deps.identify.tenant(credentialsOf(request))).ok;
    } catch (error: unknown) {
      if (!(error instanceof DependencyFailure)) throw error;
      return true;
    }
  }

  return {
    tenant: gate('tenant', deps.limitRequests),
    admin: gate('admin', null),
    isStillIn,
  };
}

function storeAway(): Refusal {
  const message = 'the database is not reachable; nothing was stored, try again shortly';
  return refuse('unavailable', { member: 'request', code: 'DATA_ACCESS', message });
}

function credentialsOf(request: Request): Credentials {
  return { authorization: request.get('authorization'), tenantId: request.get('x-tenant-id') };
}
