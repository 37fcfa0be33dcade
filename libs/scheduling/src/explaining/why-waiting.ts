import type { AgentObstacle, TaskId, TenantUsage, WhyWaiting } from '@juice/contracts';
import { dominantShare } from '../matching/amounts.ts';
import { shareOf } from '../matching/fair-share.ts';
import type { State } from '../state.ts';
import { comesBefore, deadlineOf, type Task } from '../task.ts';
import { limitBrokenBy, mayLaunch, type Tenant } from '../tenant.ts';
import { obstaclesTo } from './obstacles.ts';
import { summarise } from './summarise.ts';

/**
 * Why a task waits, from what the core knows now. It is for people: it looks through everything that waits and every agent,
 * some milliseconds with a hundred thousand of the one and ten thousand of the other.
 */
export function whyWaiting(state: State, taskId: TaskId, atMs: number): WhyWaiting {
  const task = state.tasks.get(taskId);
  const facts = { taskIdStr: String(taskId), asOf: iso(atMs) };
  if (task === undefined) {
    const summary = 'the scheduler has not read it yet: it does so within seconds';
    return { ...facts, state: 'unknown', summary, cluster: clusterOf(state) };
  }
  if (task.live !== null) {
    const { agentHost, state: attemptState, preempted } = task.live;
    const fate = preempted ? ', and is stopped at no cost, to make room for a tenant that is below its fair share' : '';
    const summary = `attempt ${task.attempt} is ${attemptState} on ${agentHost}${fate}`;
    return { ...facts, state: 'on the cluster', summary, tenant: usageOf(state, task.tenant) };
  }
  const { tenant, shape } = task;
  const { obstacles, possible, free } = obstaclesTo(state, task, atMs);
  const limitedBy = limitBrokenBy(tenant, shape.needs) ?? (mayLaunch(tenant, atMs) ? null : 'pace');
  const triedMs = tenant.queue.bucketOf(shape)?.triedMs ?? 0;
  const host = reservedHost(state, taskId);
  return {
    ...facts,
    state: task.waits === 'pausing' ? 'pausing' : 'waiting',
    summary: summarise(state, task, { atMs, obstacles, possible, free, limitedBy, reservedHost: host }),
    ...(task.waits === 'pausing' ? { notBefore: iso(task.notBeforeMs) } : {}),
    expiresAt: iso(deadlineOf(task)),
    ...(triedMs > 0 ? { lastConsidered: iso(triedMs) } : {}),
    ...(task.waits === 'in queue' ? { position: positionOf(state, task) } : {}),
    tenant: usageOf(state, tenant),
    ...(limitedBy === null ? {} : { limitedBy }),
    ...(host === null ? {} : { reservedHost: host }),
    possibleAgents: possible,
    obstacles: [...obstacles] satisfies AgentObstacle[],
    cluster: clusterOf(state),
  };
}

export function usageOf(state: State, tenant: Tenant): TenantUsage {
  const { used, limits } = tenant;
  const cpus = limits.cpuMillis === null ? null : limits.cpuMillis / 1000;
  const { memMb, gpus, running, launchesPerSecond } = limits;
  return {
    share: dominantShare(used, state.agents.total),
    weight: limits.weight,
    waiting: tenant.queue.size,
    running: tenant.running,
    used: { cpus: used.cpuMillis / 1000, memMb: used.memMb, gpus: used.gpus },
    limits: { cpus, memMb, gpus, running, launchesPerSecond },
  };
}

export function clusterOf({ cluster, agents, offers }: State): NonNullable<WhyWaiting['cluster']> {
  const { subscribed, suppressed } = cluster;
  return { subscribed, suppressed, agents: agents.size, offers: offers.size };
}

export function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}

function reservedHost({ reservations, agents }: State, taskId: TaskId): string | null {
  const agentId = reservations.agentFor(taskId);
  return agentId === null ? null : (agents.get(agentId)?.hostname ?? null);
}

function positionOf(state: State, task: Task): NonNullable<WhyWaiting['position']> {
  const { tenant } = task;
  let before = 0;
  for (const { tasks } of tenant.queue.buckets())
    for (const other of tasks.items()) if (comesBefore(other, task)) before += 1;
  const mine = shareOf(state, tenant);
  let [ahead, tenants, overall, all] = [0, 0, before + 1, 0];
  for (const other of state.tenants.all()) {
    const { size } = other.queue;
    if (size === 0) continue;
    tenants += 1;
    all += size;
    if (other === tenant) continue;
    if (shareOf(state, other) < mine) ahead += 1;
    overall += Math.min(size, Math.round((before * other.limits.weight) / tenant.limits.weight));
  }
  const { size: ofTenant } = tenant.queue;
  return { inTenant: before + 1, ofTenant, tenantsAhead: ahead, tenants, overall, ofAll: all };
}
