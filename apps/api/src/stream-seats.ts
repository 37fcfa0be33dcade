import { refuse, type Refusal } from './refusal.ts';

/** How many streams there may be: each holds a connection, and a page of events, for as long as its client likes. */
export interface StreamSeats {
  /** A seat for a stream of the tenant, to be given back by `free`. */
  take(tenantId: string): { readonly ok: true; readonly free: () => void } | Refusal;
  readonly taken: number;
}

/** Streams last: a seat is rarely free a second later. */
const retryAfterSeconds = 10;

export function createStreamSeats(limits: {
  /** In the plural, for people. */
  readonly what: string;
  readonly most: number;
  readonly mostPerTenant: number;
}): StreamSeats {
  const ofTenant = new Map<string, number>();
  let taken = 0;

  function seat(tenantId: string, by: 1 | -1): void {
    taken += by;
    const count = (ofTenant.get(tenantId) ?? 0) + by;
    if (count === 0) ofTenant.delete(tenantId);
    else ofTenant.set(tenantId, count);
  }

  return {
    take(tenantId) {
      if ((ofTenant.get(tenantId) ?? 0) >= limits.mostPerTenant) {
        return tooMany(`${limits.what} of a tenant must be at most ${limits.mostPerTenant} at a time: end one first`);
      }
      if (taken >= limits.most) {
        return tooMany(`${limits.what} must be at most ${limits.most} at a time in this process: try again shortly`);
      }
      seat(tenantId, 1);
      let isFree = false;
      const free = (): void => {
        if (!isFree) seat(tenantId, -1);
        isFree = true;
      };
      return { ok: true, free };
    },
    get taken() {
      return taken;
    },
  };
}

function tooMany(message: string): Refusal {
  const problem = { member: 'request', code: 'LIMIT_REACHED', message } as const;
  return { ...refuse('too-many', problem), retryAfterSeconds };
}
