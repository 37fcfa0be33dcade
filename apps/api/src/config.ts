import { z } from 'zod';
import { areRoles, rolesRight } from '@juice/contracts';
import { allowListRight, parseAllowList, type AllowList } from '@juice/destinations';
import { amqpUrlProblem } from '@juice/messaging';
import { mongoUrlProblem } from '@juice/persistence';
import {
  decimal,
  duration,
  integer,
  list,
  oneOf,
  port,
  secret,
  size,
  text,
  retentionSettings,
  tracingSettings,
  url,
} from '@juice/runtime';
import { isTimeZone } from './date-text.ts';
import type { Auth } from './identify.ts';
import { isLoopback } from './loopback.ts';
import { machinePolicyRight, parseMachinePolicy, type MachinePolicy } from './machine-policy.ts';

const authRight =
  'must be chosen where JUICE_HOST is not loopback: api-key (every tenant shows a key), or header (whoever sends X-Tenant-Id is believed: only behind something that authenticates tenants)';
const adminKeyRight = '32 to 512 ASCII characters, without blanks';

const originsRight = 'origins such as https://app.example.com, separated by commas, or *';

function isOrigin(origin: string): boolean {
  return origin === '*' || (URL.canParse(origin) && /^https?:/.test(origin) && new URL(origin).origin === origin);
}

/** The api's environment. Durations are in ms and sizes in bytes once read. */
export const apiConfigSchema = z
  .object({
    host: text().default('127.0.0.1').meta({ env: 'JUICE_HOST', description: 'The address to listen on.' }),
    port: port().default(8080).meta({ env: 'JUICE_PORT', description: 'The port to listen on.' }),
    auth: oneOf(['header', 'api-key']).optional().meta({
      env: 'JUICE_AUTH',
      description: 'header: X-Tenant-Id is believed; api-key: requests show a key. Not set: header, on loopback alone.',
    }),
    adminKey: secret(text(adminKeyRight).regex(/^[\x21-\x7e]{32,512}$/, { error: `must be ${adminKeyRight}` }))
      .optional()
      .meta({
        env: 'JUICE_ADMIN_KEY',
        description: 'An admin key that needs no database: to make the first keys with.',
      }),
    mongoUrl: secret(url(['mongodb', 'mongodb+srv'], mongoUrlProblem)).meta({
      env: 'JUICE_MONGO_URL',
      description: 'MongoDB, with the database in its path (juice when there is none).',
    }),
    amqpUrl: secret(url(['amqp', 'amqps'], amqpUrlProblem)).meta({ env: 'JUICE_AMQP_URL', description: 'RabbitMQ.' }),
    logLevel: oneOf(['error', 'warn', 'info', 'debug', 'silent'])
      .default('info')
      .meta({ env: 'JUICE_LOG_LEVEL', description: 'What is logged: this level and those before it.' }),
    timeZone: text('an IANA time zone, such as Asia/Shanghai')
      .refine(isTimeZone, { error: 'must be an IANA time zone, such as Asia/Shanghai' })
      .default('UTC')
      .meta({ env: 'JUICE_TIME_ZONE', description: 'The zone of submitAt, callbackAt and finishAt.' }),
    taskExpiryMs: duration({ minMs: 1000 }).default(86_400_000).meta({
      env: 'JUICE_TASK_EXPIRY',
      description: 'How long a task may wait that does not say, before it ends EXPIRED.',
    }),
    maxTaskExpiryMs: duration({ minMs: 1000 })
      .default(30 * 86_400_000)
      .meta({ env: 'JUICE_MAX_TASK_EXPIRY', description: 'The most that expireSeconds may say; more is refused.' }),
    maxRunMs: duration({ minMs: 1000 })
      .default(30 * 86_400_000)
      .meta({ env: 'JUICE_MAX_RUN', description: 'The most that maxRunSeconds may say; more is refused.' }),
    maxKillGraceMs: duration()
      .default(3_600_000)
      .meta({ env: 'JUICE_MAX_KILL_GRACE', description: 'The most that killGraceSeconds may say; more is refused.' }),
    allow: list(machinePolicyRight)
      .refine((words) => parseMachinePolicy(words) !== null, { error: `must be ${machinePolicyRight}` })
      .default([])
      .meta({ env: 'JUICE_ALLOW', description: 'What tasks may do to the machines they run on.' }),
    mesosRoles: list(rolesRight)
      .refine(areRoles, { error: `must be ${rolesRight}` })
      .optional()
      .meta({
        env: 'JUICE_MESOS_ROLE',
        description:
          'As the scheduler has it: a task for another role is refused. Not set: such a task waits until it expires.',
      }),
    callbackAllow: list(allowListRight)
      .refine((given) => parseAllowList(given) !== null, { error: `must be ${allowListRight}` })
      .default([])
      .meta({
        env: 'JUICE_CALLBACK_ALLOW',
        description: 'As the callback service has it: receivers that may be named although they are not public.',
      }),
    defaultCpu: cpus().default(1).meta({ env: 'JUICE_DEFAULT_CPU', description: 'CPUs of a task that names none.' }),
    minCpu: cpus().default(0.1).meta({ env: 'JUICE_MIN_CPU', description: 'Less is raised to this.' }),
    maxCpu: cpus().default(16).meta({ env: 'JUICE_MAX_CPU', description: 'More is refused.' }),
    defaultMem: mb().default(512).meta({ env: 'JUICE_DEFAULT_MEM', description: 'MB of a task that names none.' }),
    minMem: mb().default(256).meta({ env: 'JUICE_MIN_MEM', description: 'Less is raised to this.' }),
    maxMem: mb().default(16_384).meta({ env: 'JUICE_MAX_MEM', description: 'More is refused.' }),
    maxDisk: integer().default(102_400).meta({ env: 'JUICE_MAX_DISK', description: 'MB of disk; more is refused.' }),
    maxGpus: integer({ max: 1024 }).default(8).meta({ env: 'JUICE_MAX_GPUS', description: 'GPUs; more is refused.' }),
    maxPorts: integer({ max: 1024 })
      .default(16)
      .meta({ env: 'JUICE_MAX_PORTS', description: 'Host ports; more is refused.' }),
    maxRetry: integer({ max: 1000 })
      .default(10)
      .meta({ env: 'JUICE_MAX_RETRY', description: 'Retries; more is refused.' }),
    bodyLimitBytes: size()
      .default(1_048_576)
      .meta({ env: 'JUICE_BODY_LIMIT', description: 'A larger body is refused.' }),
    batchLimitBytes: size()
      .default(8_388_608)
      .meta({ env: 'JUICE_BATCH_LIMIT', description: 'The same for a batch of tasks.' }),
    maxWaiting: integer({ min: 1 }).default(1024).meta({
      env: 'JUICE_MAX_WAITING',
      description: 'Submissions that may wait to be stored; further ones are refused with 503.',
    }),
    tenantRequestsPerSecond: decimal({ min: 0.001, max: 1e6 }).optional().meta({
      env: 'JUICE_TENANT_REQUESTS_PER_SECOND',
      description: 'What a tenant may ask of each process of the api, unless it has a limit of its own.',
    }),
    tenantBurst: integer({ min: 1 }).optional().meta({
      env: 'JUICE_TENANT_BURST',
      description: 'Likewise requests at once. Not set: two seconds’ worth.',
    }),
    tenantWaiting: integer().optional().meta({
      env: 'JUICE_TENANT_WAITING',
      description: 'Tasks that a tenant may have waiting to be launched, unless it has a quota; more are refused.',
    }),
    agentScheme: oneOf(['http', 'https']).default('http').meta({
      env: 'JUICE_AGENT_SCHEME',
      description: 'How the agents serve the files of sandboxes: for what tasks have written.',
    }),
    agentPrincipal: text('a principal').optional().meta({
      env: 'JUICE_AGENT_PRINCIPAL',
      description: 'For agents that ask for Basic credentials.',
    }),
    agentSecret: secret(text('the secret of the principal')).optional().meta({ env: 'JUICE_AGENT_SECRET' }),
    corsOrigins: list(originsRight)
      .refine((origins) => origins.every(isOrigin), { error: `must be ${originsRight}` })
      .default([])
      .meta({
        env: 'JUICE_CORS_ORIGINS',
        description: 'Origins whose pages may call the API from a browser; * is any, with JUICE_AUTH=api-key alone.',
      }),
    maxConnections: integer({ min: 1 }).default(10_000).meta({
      env: 'JUICE_MAX_CONNECTIONS',
      description: 'Connections at a time; further ones are closed at once.',
    }),
    maxStreams: integer({ min: 0, max: 100_000 }).default(1_000).meta({
      env: 'JUICE_EVENT_STREAMS',
      description: 'Event streams open at a time; further ones are refused with 429.',
    }),
    maxStreamsPerTenant: integer({ min: 0, max: 100_000 }).default(50).meta({
      env: 'JUICE_EVENT_STREAMS_PER_TENANT',
      description: 'Of these, at most so many of one tenant.',
    }),
    stopGraceMs: duration().default(20_000).meta({
      env: 'JUICE_STOP_GRACE',
      description: 'How long requests in hand may take when the service stops.',
    }),
    taskRetentionMs: retentionSettings.taskRetentionMs,
    replayRetentionMs: retentionSettings.replayRetentionMs,
    auditRetentionMs: retentionSettings.auditRetentionMs,
    usageRetentionMs: retentionSettings.usageRetentionMs,
    ...tracingSettings,
  })
  .refine((config) => config.minCpu <= config.defaultCpu && config.defaultCpu <= config.maxCpu, {
    error: 'JUICE_MIN_CPU ≤ JUICE_DEFAULT_CPU ≤ JUICE_MAX_CPU must hold',
    path: ['defaultCpu'],
  })
  .refine((config) => config.taskExpiryMs <= config.maxTaskExpiryMs, {
    error: 'JUICE_TASK_EXPIRY ≤ JUICE_MAX_TASK_EXPIRY must hold',
    path: ['taskExpiryMs'],
  })
  .refine((config) => config.minMem <= config.defaultMem && config.defaultMem <= config.maxMem, {
    error: 'JUICE_MIN_MEM ≤ JUICE_DEFAULT_MEM ≤ JUICE_MAX_MEM must hold',
    path: ['defaultMem'],
  })
  .refine((config) => (config.agentPrincipal === undefined) === (config.agentSecret === undefined), {
    error: 'must be given together with JUICE_AGENT_PRINCIPAL, or not at all',
    path: ['agentSecret'],
  })
  .refine((config) => !config.corsOrigins.includes('*') || config.auth === 'api-key', {
    error: 'may be * with JUICE_AUTH=api-key alone: without keys any page in any browser could act for any tenant',
    path: ['corsOrigins'],
  })
  .refine((config) => config.auth !== undefined || isLoopback(config.host), { error: authRight, path: ['auth'] });

export type ApiConfig = Readonly<z.output<typeof apiConfigSchema>>;

/** What the running service needs of it; connections are made beforehand. */
export type ApiOptions = Omit<ApiConfig, 'mongoUrl' | 'amqpUrl' | 'logLevel'>;

/** The options that the environment leaves at their defaults, for who starts the service in a process of its own. */
export function defaultApiOptions(): ApiOptions {
  const {
    mongoUrl: _mongo,
    amqpUrl: _amqp,
    logLevel: _level,
    ...options
  } = apiConfigSchema.parse({
    mongoUrl: 'mongodb://unused',
    amqpUrl: 'amqp://unused',
  });
  return options;
}

/** How tenants are told apart. Throws RangeError when nothing was chosen where something must be (the schema lets none pass). */
export function authOf({ auth, host }: Pick<ApiConfig, 'auth' | 'host'>): Auth {
  if (auth === undefined && !isLoopback(host)) throw new RangeError(`JUICE_AUTH ${authRight}`);
  return auth ?? 'header';
}

/** The policy of a configuration that was read. */
export function policyOf({ allow }: Pick<ApiConfig, 'allow'>): MachinePolicy {
  const policy = parseMachinePolicy(allow);
  if (policy === null) throw new RangeError(`JUICE_ALLOW must be ${machinePolicyRight}`);
  return policy;
}

/** The receivers that a configuration which was read allows. */
export function callbackAllowOf({ callbackAllow }: Pick<ApiConfig, 'callbackAllow'>): AllowList {
  const allow = parseAllowList(callbackAllow);
  if (allow === null) throw new RangeError(`JUICE_CALLBACK_ALLOW must be ${allowListRight}`);
  return allow;
}

function cpus() {
  return decimal({ min: 0.001, max: 100_000 });
}

function mb() {
  return integer({ min: 1, max: 1_000_000_000 });
}
