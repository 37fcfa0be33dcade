import type { QueueSurvey } from '@juice/contracts';
import type { State } from '../state.ts';
import { isOlder, type Task } from '../task.ts';
import type { Tenant } from '../tenant.ts';
import type { Bucket } from '../matching/tenant-queue.ts';
import { obstaclesTo } from './obstacles.ts';
import { summarise } from './summarise.ts';
import { clusterOf, iso, usageOf } from './why-waiting.ts';
import { limitBrokenBy } from '../tenant.ts';

/** More would help nobody to see what is going on. */
const mostTenants = 200;
const mostBlocked = 20;

/** What waits, and why, over all tenants: for people, and no more often than they ask. */
export function surveyQueue(state: State, atMs: number): QueueSurvey {
  const tenants = [...state.tenants.all()].filter(({ queue, running }) => queue.size + running > 0);
  const waiting = tenants.reduce((sum, { queue }) => sum + queue.size, 0);
  const { total } = state.agents;
  const penalised = [...state.agents.all()].filter(({ penalty }) => penalty.isIn(atMs)).map(({ hostname }) => hostname);
  const reserved = [...state.reservations.all()].map(({ agentId, task }) => ({
    host: state.agents.get(agentId)?.hostname ?? '',
    taskIdStr: String(task.taskId),
  }));
  return {
    asOf: iso(atMs),
    cluster: {
      ...clusterOf(state),
      total: { cpus: total.cpuMillis / 1000, memMb: total.memMb, gpus: total.gpus },
      penalised,
      reserved,
    },
    waiting,
    pausing: state.tasks.size - state.attempts.size - waiting,
    running: state.attempts.size,
    tenants: tenants
      .map((tenant) => rowOf(state, tenant))
      .sort(byShare)
      .slice(0, mostTenants),
    blocked: blockedOf(state, tenants, atMs),
  };
}

type Row = QueueSurvey['tenants'][number];

function rowOf(state: State, tenant: Tenant): Row {
  let oldest: Task | undefined;
  for (const { tasks } of tenant.queue.buckets())
    for (const task of tasks.items()) if (oldest === undefined || isOlder(task, oldest)) oldest = task;
  const since = oldest === undefined ? {} : { oldestWaitingAt: iso(oldest.submittedAtMs) };
  return { tenantId: tenant.id, ...usageOf(state, tenant), ...since };
}

function byShare(a: Row, b: Row): number {
  return b.share - a.share || b.waiting - a.waiting || (a.tenantId < b.tenantId ? -1 : 1);
}

function blockedOf(state: State, tenants: readonly Tenant[], atMs: number): QueueSurvey['blocked'] {
  const blocked: { bucket: Bucket; tenant: Tenant }[] = [];
  for (const tenant of tenants)
    for (const bucket of tenant.queue.buckets()) if (bucket.blockedBy !== null) blocked.push({ bucket, tenant });
  return blocked
    .sort((a, b) => b.bucket.tasks.size - a.bucket.tasks.size)
    .slice(0, mostBlocked)
    .flatMap(({ bucket, tenant }) => {
      const task = bucket.tasks.peek();
      if (task === undefined || bucket.blockedBy === null) return [];
      const found = obstaclesTo(state, task, atMs);
      const limitedBy = limitBrokenBy(tenant, bucket.shape.needs);
      return [
        {
          tenantId: tenant.id,
          waiting: bucket.tasks.size,
          by: bucket.blockedBy,
          since: iso(bucket.blockedSinceMs),
          exampleTaskIdStr: String(task.taskId),
          summary: summarise(state, task, { atMs, ...found, limitedBy, reservedHost: null }),
        },
      ];
    });
}
