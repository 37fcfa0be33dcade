import type { Response } from 'express';
import { tenantOf } from './caller.ts';
import { refuse, type Refusal } from './refusal.ts';
import type { RulesOf } from './tenant-rules.ts';
import { createTokenBuckets } from './token-buckets.ts';

/** Of tenants that have asked of late; a bucket is a number and a name. */
const mostBuckets = 100_000;

/** Null: the request that this response answers may go on. Only behind the gate that lets tenants in. */
export type LimitRequests = (response: Response) => Promise<Refusal | null>;

/**
 * Takes a token for each request of a tenant that has a pace, and says in headers how many it has left. What is refused
 * costs a tenant nothing. Each process counts for itself: a tenant that asks several has as many paces.
 */
export function createLimitRequests(deps: { rulesOf: RulesOf; monotonicMs: () => number }): LimitRequests {
  const take = createTokenBuckets({ most: mostBuckets, monotonicMs: deps.monotonicMs });

  return async (response) => {
    const { tenantId } = tenantOf(response);
    const { pace } = await deps.rulesOf(tenantId);
    if (pace === null) return null;
    const { isAllowed, remaining, nextInMs, fullInMs } = take(tenantId, pace);
    const { perSecond, burst } = pace;
    response.setHeader('ratelimit-policy', `${burst};w=${Math.ceil(burst / perSecond)}`);
    response.setHeader('ratelimit-limit', burst);
    response.setHeader('ratelimit-remaining', remaining);
    response.setHeader('ratelimit-reset', Math.ceil(fullInMs / 1000));
    if (isAllowed) return null;
    const message = `the tenant may make ${perSecond} requests a second and ${burst} at once; wait as long as Retry-After says`;
    const problem = { member: 'requestsPerSecond', code: 'LIMIT_REACHED', message, value: String(perSecond) } as const;
    return { ...refuse('too-many', problem), retryAfterSeconds: Math.ceil(nextInMs / 1000) };
  };
}
