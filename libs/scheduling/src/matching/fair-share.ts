import type { State } from '../state.ts';
import type { Tenant } from '../tenant.ts';
import { dominantShare } from './amounts.ts';

/**
 * Weighted dominant-resource fairness: a tenant's share is the largest part of the cluster's CPUs, memory or GPUs that its
 * tasks take, by its weight. Whoever has the least is next.
 */
export function shareOf({ agents }: State, { used, limits }: Tenant): number {
  return dominantShare(used, agents.total) / limits.weight;
}
