import type { State } from '../state.ts';
import type { Task } from '../task.ts';
import type { Tenant } from '../tenant.ts';
import { add, dominantShare } from './amounts.ts';

/**
 * Weighted dominant-resource fairness: a tenant's share is the largest part of the cluster's CPUs, memory or GPUs that its
 * tasks take, by its weight. Whoever has the least is next.
 */
export function shareOf({ agents }: State, { used, limits }: Tenant): number {
  return dominantShare(used, agents.total) / limits.weight;
}

/** What its tenant's share would be with this task on the cluster as well. */
export function shareWith({ agents }: State, { tenant, shape }: Task): number {
  const then = { ...tenant.used };
  add(then, shape.needs);
  return dominantShare(then, agents.total) / tenant.limits.weight;
}
