import { z } from 'zod';
import { taskId, taskIdStr } from './task-answers.ts';

/** The scheduler's answers about what waits, as the leader gives them and the api passes them on. */
const instant = z.string().meta({ format: 'date-time' });
const count = z.number().int();
const limit = z.number().nullable().meta({ description: 'null: no limit' });

export const obstacles = [
  'constraint',
  'maintenance',
  'penalty',
  'reserved',
  'group',
  'too small',
  'role',
  'cpus',
  'mem',
  'disk',
  'gpus',
  'ports',
  'host port',
  'not offered',
] as const;
export type Obstacle = (typeof obstacles)[number];

/** Why agents do not take a task now: each agent counts once, with the first reason that applies. */
export const agentObstacle = z.object({
  why: z.enum(obstacles),
  /** What exactly: the field of a constraint, the group. */
  of: z.string().optional(),
  agents: count,
  /** Of amounts: what the best of these agents lacks, in CPUs, MB, GPUs or ports. */
  shortBy: z.number().optional(),
});
export type AgentObstacle = z.output<typeof agentObstacle>;

export const tenantUsage = z.object({
  /** The largest part of the known cluster's CPUs, memory or GPUs that its tasks take, 0 to 1. */
  share: z.number(),
  weight: z.number(),
  waiting: count,
  running: count,
  used: z.object({ cpus: z.number(), memMb: z.number(), gpus: z.number() }),
  limits: z.object({ cpus: limit, memMb: limit, gpus: limit, running: limit, launchesPerSecond: limit }),
});
export type TenantUsage = z.output<typeof tenantUsage>;

export const clusterView = z.object({
  subscribed: z.boolean(),
  /** Whether the master was asked to offer nothing, for nothing waited. */
  suppressed: z.boolean(),
  agents: count,
  offers: count,
});

/** Why a task waits. */
export const whyWaiting = z.object({
  taskIdStr,
  /** `pausing`: between two attempts. `unknown`: the scheduler has not read it yet, which takes seconds. */
  state: z.enum(['waiting', 'pausing', 'on the cluster', 'unknown']),
  /** In one sentence what would let it run. */
  summary: z.string(),
  asOf: instant,
  notBefore: instant.optional(),
  expiresAt: instant.optional(),
  /** When it, or a task like it, was last tried. */
  lastConsidered: instant.optional(),
  position: z
    .object({
      /** 1: the tenant's next. */
      inTenant: count,
      ofTenant: count,
      /** How many tenants with waiting tasks have a smaller share, and how many there are. */
      tenantsAhead: count,
      tenants: count,
      /** About: were all shares to grow alike. */
      overall: count,
      ofAll: count,
    })
    .optional(),
  tenant: tenantUsage.optional(),
  /** The tenant's limit that another such task would break. */
  limitedBy: z.enum(['cpus', 'mem', 'gpus', 'running', 'pace']).optional(),
  /** The host that is kept for it. */
  reservedHost: z.string().optional(),
  /** Agents that could ever hold it, by what they had at their best. */
  possibleAgents: count.optional(),
  obstacles: z.array(agentObstacle).optional(),
  cluster: clusterView.optional(),
});
export type WhyWaiting = z.output<typeof whyWaiting>;

/** The same to a tenant, and of a task that does not wait any more: then the task itself says enough. */
export const taskWhy = whyWaiting.extend({ taskId, state: z.enum([...whyWaiting.shape.state.options, 'ended']) });
export type TaskWhy = z.output<typeof taskWhy>;

/** Where the leader answers on its own port, to whoever has the lease's secret. */
export const inquiryPaths = { why: '/internal/v1/why/', queue: '/internal/v1/queue' } as const;

/** What waits, over all tenants. */
export const queueSurvey = z.object({
  asOf: instant,
  leadsSince: instant.optional().meta({ description: 'When the scheduler that tells this took the lead.' }),
  cluster: clusterView.extend({
    /** All agents known, at their best. */
    total: z.object({ cpus: z.number(), memMb: z.number(), gpus: z.number() }),
    penalised: z.array(z.string()),
    reserved: z.array(z.object({ host: z.string(), taskIdStr: z.string() })),
  }),
  waiting: count,
  pausing: count,
  running: count,
  /** Largest share first; those with the most waiting come before others alike. */
  tenants: z.array(tenantUsage.extend({ tenantId: z.string(), oldestWaitingAt: instant.optional() })),
  /** What waits in the largest numbers and found no room. */
  blocked: z.array(
    z.object({
      tenantId: z.string(),
      waiting: count,
      by: z.enum(['room', 'limit', 'group', 'pace']),
      since: instant,
      exampleTaskIdStr: z.string(),
      summary: z.string(),
    }),
  ),
});
export type QueueSurvey = z.output<typeof queueSurvey>;
