import { isIPv6 } from 'node:net';
import { hostname, userInfo } from 'node:os';
import { z } from 'zod';
import { areRoles, rolesRight } from '@juice/contracts';
import { amqpUrlProblem } from '@juice/messaging';
import { mongoUrlProblem } from '@juice/persistence';
import {
  decimal,
  duration,
  flag,
  integer,
  list,
  oneOf,
  port,
  secret,
  text,
  retentionSettings,
  tracingSettings,
  url,
} from '@juice/runtime';
import { logLevels } from '@juice/observability';
import { defaultPolicy, usualPreemption } from '@juice/scheduling';
import { mesosMasters } from './mesos-masters.ts';
import { agentFilter } from './wanted-agents.ts';

const userRight = 'a unix user, without blanks, / and :';
const principalRight = 'a principal without a colon, which ends it in Basic credentials';
const hostRight = 'a host name or an address, without port, path and brackets';

function isHost(given: string): boolean {
  return isIPv6(given) || /^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?$/.test(given);
}

// Names are in capitals with `JUICE_` before them (`mongoUrl` → `JUICE_MONGO_URL`).
const settings = z.object({
  mongoUrl: secret(url(['mongodb', 'mongodb+srv'], mongoUrlProblem)).meta({
    env: 'JUICE_MONGO_URL',
    description: 'MongoDB, with the database in its path (juice when there is none).',
  }),
  amqpUrl: secret(url(['amqp', 'amqps'], amqpUrlProblem)).meta({ env: 'JUICE_AMQP_URL', description: 'RabbitMQ.' }),
  mesosMasters: mesosMasters().meta({
    env: 'JUICE_MESOS_MASTERS',
    description: 'Any masters of the cluster, which lead to the leader, or the ZooKeeper it registers in',
  }),
  mesosRoles: list(rolesRight)
    .refine(areRoles, { error: `must be ${rolesRight}` })
    .default(['*'])
    .meta({
      env: 'JUICE_MESOS_ROLE',
      description: 'The roles to subscribe with; a task that names one is run on offers of that role alone',
    }),
  mesosUser: text(userRight)
    .refine((given) => /^[^\s/:]+$/.test(given), { error: `must be ${userRight}` })
    .default(() => userInfo().username)
    .meta({ env: 'JUICE_MESOS_USER', description: 'The unix user that tasks run as on the agents' }),
  mesosPrincipal: text(principalRight)
    .refine((given) => !given.includes(':'), { error: `must be ${principalRight}` })
    .optional()
    .meta({ env: 'JUICE_MESOS_PRINCIPAL', description: 'For Basic authentication' }),
  mesosSecret: secret(text('the secret of the principal')).optional().meta({ env: 'JUICE_MESOS_SECRET', secret: true }),
  mesosCaFile: text('a file of certificates in PEM').optional().meta({
    env: 'JUICE_MESOS_CA_FILE',
    description: 'Who signed the masters’ certificates, where that is no public authority',
  }),
  mesosGpus: flag().default(false).meta({
    env: 'JUICE_MESOS_GPUS',
    description: 'Whether agents with GPUs are wanted; without it Mesos never offers them',
  }),
  mesosWebuiUrl: url(['http', 'https'])
    .optional()
    .meta({ env: 'JUICE_MESOS_WEBUI_URL', description: 'Where Mesos’ own pages link to for this framework' }),
  frameworkName: text('a name')
    .default('juice')
    .meta({ env: 'JUICE_FRAMEWORK_NAME', description: 'As Mesos shows it' }),
  failoverTimeoutMs: duration({ minMs: 60_000 })
    .default(30 * 86_400_000)
    .meta({ env: 'JUICE_FAILOVER_TIMEOUT', description: 'How long Mesos keeps our tasks while no scheduler is there' }),
  whenFrameworkRemoved: oneOf(['new-id', 'wait']).default('new-id').meta({
    env: 'JUICE_FRAMEWORK_REMOVED',
    description: 'Once the master has removed our framework: subscribe anew, or wait for an operator',
  }),
  lostAfterMs: duration({ minMs: 1_000 }).default(defaultPolicy.lostAfterMs).meta({
    env: 'JUICE_LOST_AFTER',
    description: 'How long an attempt of an unreachable agent is waited for before another may start',
  }),
  launchesPerSecond: integer({ min: 1, max: 100_000 })
    .default(defaultPolicy.launchesPerSecond)
    .meta({ env: 'JUICE_LAUNCHES_PER_SECOND', description: 'The most the master is asked for over a longer time' }),
  placement: oneOf(['pack', 'spread']).default(defaultPolicy.strategy).meta({
    env: 'JUICE_PLACEMENT',
    description: 'Fill agents one after the other, so that large tasks find room, or all alike',
  }),
  agentShare: decimal({ min: 0.05, max: 1 }).default(1).meta({
    env: 'JUICE_AGENT_SHARE',
    description: 'The part of each agent that may be used; the rest is left alone',
  }),
  preemption: oneOf(['off', 'on']).default('off').meta({
    env: 'JUICE_PREEMPTION',
    description: 'Whether running tasks are stopped for those of tenants that have less than their share',
  }),
  preemptionAfterMs: duration({ minMs: 1_000 }).default(usualPreemption.afterMs).meta({
    env: 'JUICE_PREEMPTION_AFTER',
    description: 'How long a tenant’s next task waits, and finds no room, before others are stopped for it',
  }),
  preemptionSafeShare: decimal({ min: 0, max: 1e6 }).default(usualPreemption.safeShare).meta({
    env: 'JUICE_PREEMPTION_SAFE_SHARE',
    description: 'In fair shares: tasks that a tenant has within so much are never stopped',
  }),
  preemptionMinDifference: decimal({ min: 0, max: 1e6 }).default(usualPreemption.minDifference).meta({
    env: 'JUICE_PREEMPTION_MIN_DIFFERENCE',
    description: 'In fair shares: so much more the one must have than the other will with its task',
  }),
  preemptionMost: integer({ min: 1, max: 10_000 }).default(usualPreemption.most).meta({
    env: 'JUICE_PREEMPTION_MOST',
    description: 'Tasks stopped at a time, for one task',
  }),
  agentAttributes: agentFilter().optional().meta({
    env: 'JUICE_AGENT_ATTRIBUTES',
    description: 'Which agents are used: a|b,c means those that have the value a or b, and c, among their attributes',
  }),
  tenantCpus: decimal({ min: 0, max: 1e9 }).optional().meta({
    env: 'JUICE_TENANT_CPUS',
    description: 'CPUs that a tenant’s tasks may take at once, unless it has a quota',
  }),
  tenantMem: integer().optional().meta({ env: 'JUICE_TENANT_MEM', description: 'Likewise MB of memory' }),
  tenantGpus: integer().optional().meta({ env: 'JUICE_TENANT_GPUS', description: 'Likewise GPUs' }),
  tenantRunning: integer()
    .optional()
    .meta({ env: 'JUICE_TENANT_RUNNING', description: 'Likewise tasks that are on the cluster' }),
  tenantLaunchesPerSecond: decimal({ min: 0.001, max: 1e6 })
    .optional()
    .meta({ env: 'JUICE_TENANT_LAUNCHES_PER_SECOND', description: 'Likewise launches a second' }),
  eventRetentionMs: duration({ minMs: 3_600_000 })
    .default(7 * 86_400_000)
    .meta({
      env: 'JUICE_EVENT_RETENTION',
      description: 'How long events are kept, and a stream of them can be resumed after it broke off',
    }),
  taskRetentionMs: retentionSettings.taskRetentionMs,
  quarantineRetentionMs: retentionSettings.quarantineRetentionMs,
  leaseMs: duration({ minMs: 500, maxMs: 300_000 })
    .default(10_000)
    .meta({ env: 'JUICE_LEASE', description: 'How long a silent leader keeps the lead' }),
  healthHost: text('a host')
    .default('127.0.0.1')
    .meta({ env: 'JUICE_HEALTH_HOST', description: '/livez /readyz /metrics' }),
  healthPort: port().default(8081).meta({ env: 'JUICE_HEALTH_PORT' }),
  publicHost: text(hostRight)
    .refine(isHost, { error: `must be ${hostRight}` })
    .default(() => hostname())
    .meta({ env: 'JUICE_PUBLIC_HOST', description: 'Where others reach this process: for the lease and for Mesos' }),
  stopGraceMs: duration().default(10_000).meta({ env: 'JUICE_STOP_GRACE', description: 'How long stopping may take' }),
  mongoPoolSize: integer({ min: 1, max: 500 }).default(10).meta({ env: 'JUICE_MONGO_POOL' }),
  logLevel: oneOf(logLevels).default('info').meta({ env: 'JUICE_LOG_LEVEL' }),
  ...tracingSettings,
});

/** Judged whatever else is wrong, so that it is told with the rest. */
const whatever = { when: () => true };

/** The scheduler's environment. */
export const configSchema = settings
  .refine((config) => config.mesosPrincipal === undefined || config.mesosSecret !== undefined, {
    error: 'must be given with JUICE_MESOS_PRINCIPAL',
    path: ['mesosSecret'],
    ...whatever,
  })
  .refine((config) => config.mesosSecret === undefined || config.mesosPrincipal !== undefined, {
    error: 'must be given with JUICE_MESOS_SECRET',
    path: ['mesosPrincipal'],
    ...whatever,
  })
  // What a stopped task leaves comes back as an offer of its own role, and offers of several roles are not put together.
  .refine((config) => config.preemption === 'off' || config.mesosRoles.length === 1, {
    error: 'must be off while JUICE_MESOS_ROLE names several roles',
    path: ['preemption'],
    ...whatever,
  });

export type SchedulerConfig = z.output<typeof configSchema>;
