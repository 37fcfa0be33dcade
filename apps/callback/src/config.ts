import { z } from 'zod';
import { allowListRight, parseAllowList, type AllowList } from '@juice/destinations';
import { amqpUrlProblem } from '@juice/messaging';
import { mongoUrlProblem } from '@juice/persistence';
import { logLevels } from '@juice/observability';
import {
  duration,
  integer,
  list,
  oneOf,
  port,
  retentionSettings,
  secret,
  text,
  tracingSettings,
  url,
} from '@juice/runtime';
import type { Schedule } from './plan-next.ts';
import { parseSigningKey, type SigningKey } from './sign.ts';

/** What a lease must outlast an attempt by: the claim, the settling, and clocks that differ between workers. */
const leaseMarginMs = 10_000;

const secretsRight = 'one or several secrets (whsec_… or whsk_…), separated by blanks or commas';
const scheduleRight = 'durations (0s,5s,30s,2m), each the delay before a try, separated by commas';

/** The dispatcher's environment. Durations are in ms once read. */
export const callbackConfigSchema = z
  .object({
    mongoUrl: secret(url(['mongodb', 'mongodb+srv'], mongoUrlProblem)).meta({
      env: 'JUICE_MONGO_URL',
      description: 'MongoDB, with the database in its path (juice when there is none).',
    }),
    amqpUrl: secret(url(['amqp', 'amqps'], amqpUrlProblem)).meta({ env: 'JUICE_AMQP_URL', description: 'RabbitMQ.' }),
    secrets: secret(
      text(secretsRight).refine((given) => readKeys(given) !== null, { error: `must be ${secretsRight}` }),
    ).meta({
      env: 'JUICE_CALLBACK_SECRET',
      description: 'Callbacks are signed with each of them: the new and the old one during a rotation.',
    }),
    schedule: list(scheduleRight)
      .refine((given) => readSchedule(given) !== null, { error: `must be ${scheduleRight}` })
      .default(['0s', '5s', '30s', '2m', '10m', '30m', '1h', '3h', '6h', '12h', '24h', '24h'])
      .meta({
        env: 'JUICE_CALLBACK_SCHEDULE',
        description: 'When a state is tried; when it is used up, the lane is dead.',
      }),
    timeoutMs: duration({ minMs: 100, maxMs: 300_000 })
      .default(15_000)
      .meta({ env: 'JUICE_CALLBACK_TIMEOUT', description: 'For a whole attempt, the answer included.' }),
    connectTimeoutMs: duration({ minMs: 50, maxMs: 300_000 }).default(5_000).meta({
      env: 'JUICE_CALLBACK_CONNECT_TIMEOUT',
      description: 'For each of: resolving the name, connecting, the TLS handshake.',
    }),
    allow: list(allowListRight)
      .refine((given) => parseAllowList(given) !== null, { error: `must be ${allowListRight}` })
      .default([])
      .meta({ env: 'JUICE_CALLBACK_ALLOW', description: 'Receivers that may be called although they are not public.' }),
    concurrency: integer({ min: 1, max: 10_000 })
      .default(64)
      .meta({ env: 'JUICE_CALLBACK_CONCURRENCY', description: 'Lanes worked on at a time.' }),
    perEndpoint: integer({ min: 1, max: 10_000 })
      .default(4)
      .meta({ env: 'JUICE_CALLBACK_PER_ENDPOINT', description: "Of these, at most so many of one tenant's origin." }),
    leaseMs: duration({ minMs: 1_000, maxMs: 3_600_000 }).default(60_000).meta({
      env: 'JUICE_CALLBACK_LEASE',
      description: 'How long a worker that has died keeps a lane.',
    }),
    longestSleepMs: duration({ minMs: 50, maxMs: 300_000 })
      .default(10_000)
      .meta({ env: 'JUICE_CALLBACK_SWEEP', description: 'At least this often all due lanes are looked for.' }),
    stopGraceMs: duration().default(10_000).meta({
      env: 'JUICE_STOP_GRACE',
      description: 'How long attempts in hand may take when the service stops.',
    }),
    healthHost: text('a host')
      .default('127.0.0.1')
      .meta({ env: 'JUICE_HEALTH_HOST', description: 'Where /livez, /readyz and /metrics are.' }),
    healthPort: port().default(8082).meta({ env: 'JUICE_HEALTH_PORT', description: 'Their port.' }),
    logLevel: oneOf(logLevels)
      .default('info')
      .meta({ env: 'JUICE_LOG_LEVEL', description: 'What is logged: this level and those before it.' }),
    taskRetentionMs: retentionSettings.taskRetentionMs,
    attemptRetentionMs: retentionSettings.attemptRetentionMs,
    replayRetentionMs: retentionSettings.replayRetentionMs,
    ...tracingSettings,
  })
  .refine((config) => config.leaseMs >= config.timeoutMs + leaseMarginMs, {
    error: `JUICE_CALLBACK_LEASE must be at least ${leaseMarginMs / 1000}s longer than JUICE_CALLBACK_TIMEOUT`,
    path: ['leaseMs'],
  });

export type CallbackConfig = Readonly<z.output<typeof callbackConfigSchema>>;

/** What the running service needs of it; connections are made and health is served by the caller. */
export type CallbackOptions = Omit<CallbackConfig, 'mongoUrl' | 'amqpUrl' | 'healthHost' | 'healthPort' | 'logLevel'>;

/** The options that the environment leaves at their defaults, for who starts the service in a process of its own. */
export function defaultCallbackOptions(secrets: string): CallbackOptions {
  const parsed = callbackConfigSchema.parse({ mongoUrl: 'mongodb://unused', amqpUrl: 'amqp://unused', secrets });
  const {
    mongoUrl: _mongo,
    amqpUrl: _amqp,
    healthHost: _host,
    healthPort: _port,
    logLevel: _level,
    ...options
  } = parsed;
  return options;
}

/** The options' texts, read. Throws RangeError for one that is not right (the schema lets none pass). */
export function readOptions({ secrets, schedule, allow }: Pick<CallbackOptions, 'secrets' | 'schedule' | 'allow'>): {
  keys: readonly SigningKey[];
  schedule: Schedule;
  allow: AllowList;
} {
  return {
    keys: readKeys(secrets) ?? wrong('secrets', secretsRight),
    schedule: readSchedule(schedule) ?? wrong('schedule', scheduleRight),
    allow: parseAllowList(allow) ?? wrong('allow', allowListRight),
  };
}

function readKeys(given: string): readonly SigningKey[] | null {
  const keys = given
    .split(/[\s,]+/)
    .filter((part) => part !== '')
    .map(parseSigningKey);
  return keys.length > 0 && keys.every((key) => key !== null) ? keys : null;
}

function readSchedule(given: readonly string[]): Schedule | null {
  const delays = given.map((text) => duration().safeParse(text));
  return delays.length > 0 && delays.every(({ success }) => success) ? delays.map(({ data }) => data ?? 0) : null;
}

function wrong(option: string, right: string): never {
  throw new RangeError(`${option} must be ${right}`);
}
