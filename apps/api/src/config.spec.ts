import { describe, expect, test } from '@jest/globals';
import { ConfigProblems, describeConfig, loadConfig } from '@juice/runtime';
import { apiConfigSchema, authOf, defaultApiOptions } from './config.ts';
import { isLoopback } from './loopback.ts';

const required = { JUICE_MONGO_URL: 'mongodb://db/juice', JUICE_AMQP_URL: 'amqp://mq' };

function problemsOf(env: Record<string, string>): string[] {
  try {
    loadConfig(apiConfigSchema, env);
    return [];
  } catch (error: unknown) {
    if (!(error instanceof ConfigProblems)) throw error;
    return error.problems.map(({ variable }) => variable);
  }
}

test('two variables are required; the rest are the original’s limits', () => {
  expect(problemsOf({})).toEqual(['JUICE_MONGO_URL', 'JUICE_AMQP_URL']);
  const { mongoUrl, amqpUrl, logLevel, ...options } = loadConfig(apiConfigSchema, required);
  expect({ mongoUrl, amqpUrl, logLevel }).toEqual({
    mongoUrl: 'mongodb://db/juice',
    amqpUrl: 'amqp://mq',
    logLevel: 'info',
  });
  expect(options).toEqual(defaultApiOptions());
  expect(options).toMatchObject({
    ...{ host: '127.0.0.1', port: 8080, timeZone: 'UTC', taskExpiryMs: 86_400_000, allow: [] },
    ...{ minCpu: 0.1, defaultCpu: 1, maxCpu: 16, minMem: 256, defaultMem: 512, maxMem: 16_384 },
  });
});

test('every problem is told at once, by the variable’s name', () => {
  const wrong = {
    ...required,
    JUICE_PORT: '70000',
    JUICE_TIME_ZONE: 'Mars/Olympus',
    JUICE_ALLOW: 'privileged,everything',
    JUICE_TASK_EXPIRY: '86400',
    JUICE_MESOS_ROLE: 'a,a',
    JUICE_MAX_CPU: 'many',
  };
  expect(problemsOf(wrong)).toEqual([
    'JUICE_PORT',
    'JUICE_TIME_ZONE',
    'JUICE_TASK_EXPIRY',
    'JUICE_ALLOW',
    'JUICE_MESOS_ROLE',
    'JUICE_MAX_CPU',
  ]);
});

test.each([
  ['*', ['*']],
  ['batch, web/front', ['batch', 'web/front']],
  ['', undefined],
])('the scheduler’s roles as %j', (given, roles) => {
  expect(loadConfig(apiConfigSchema, { ...required, JUICE_MESOS_ROLE: given }).mesosRoles).toEqual(roles);
});

test.each([',', 'a b', '-a', 'a//b', '/a', 'a/*', '..'])('%j are no roles', (given) => {
  expect(problemsOf({ ...required, JUICE_MESOS_ROLE: given })).toEqual(['JUICE_MESOS_ROLE']);
});

test('limits that contradict each other are refused', () => {
  expect(problemsOf({ ...required, JUICE_MAX_CPU: '0.5' })).toEqual(['JUICE_DEFAULT_CPU']);
  expect(problemsOf({ ...required, JUICE_MIN_MEM: '1024', JUICE_DEFAULT_MEM: '512' })).toEqual(['JUICE_DEFAULT_MEM']);
});

test.each([
  ['127.0.0.1', true],
  ['127.9.8.7', true],
  ['::1', true],
  ['0:0:0:0:0:0:0:1', true],
  ['::ffff:127.0.0.1', true],
  ['localhost', true],
  ['LocalHost', true],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
  ['128.0.0.1', false],
  ['::2', false],
  ['127.example.com', false],
  ['localhost.example.com', false],
  ['juice', false],
])('listening on %s is on loopback: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

describe('how tenants are told apart', () => {
  const load = (env: Record<string, string>) => loadConfig(apiConfigSchema, { ...required, ...env });

  test('by X-Tenant-Id on loopback, when nothing is said', () => {
    expect(authOf(load({}))).toBe('header');
    expect(authOf(load({ JUICE_HOST: '::1', JUICE_AUTH: ' ' }))).toBe('header');
    expect(authOf(load({ JUICE_AUTH: 'api-key' }))).toBe('api-key');
  });

  test('has to be chosen on any other address', () => {
    for (const host of ['0.0.0.0', '::', '10.1.2.3', 'api.internal']) {
      expect(() => load({ JUICE_HOST: host })).toThrow(
        /^The configuration cannot be used:\n {2}JUICE_AUTH: must be chosen where JUICE_HOST is not loopback: api-key \(.*\), or header \(.*\)$/,
      );
      expect(authOf(load({ JUICE_HOST: host, JUICE_AUTH: 'header' }))).toBe('header');
      expect(authOf(load({ JUICE_HOST: host, JUICE_AUTH: 'api-key' }))).toBe('api-key');
    }
    expect(() => authOf({ auth: undefined, host: '0.0.0.0' })).toThrow(RangeError);
    expect(problemsOf({ ...required, JUICE_AUTH: 'none' })).toEqual(['JUICE_AUTH']);
  });

  test('the admin key is long, without blanks, and never repeated', () => {
    const key = 'x'.repeat(32);
    expect(load({ JUICE_ADMIN_KEY: key }).adminKey).toBe(key);
    for (const wrong of ['short', 'x'.repeat(31), `${key} ${key}`, `${key}ä`, 'x'.repeat(513)]) {
      expect(() => load({ JUICE_ADMIN_KEY: wrong })).toThrow(/JUICE_ADMIN_KEY: must be 32 to 512 ASCII characters/);
      expect(() => load({ JUICE_ADMIN_KEY: wrong })).not.toThrow(new RegExp(`"${wrong}`));
    }
    expect(JSON.stringify(describeConfig(apiConfigSchema, load({ JUICE_ADMIN_KEY: key })))).not.toContain(key);
  });
});

test('origins are whole, and any of them only where keys are shown', () => {
  const problems = (origins: string, more: Record<string, string> = {}) =>
    problemsOf({ ...required, JUICE_CORS_ORIGINS: origins, ...more });
  expect(problems('https://app.example.com, http://localhost:3000')).toEqual([]);
  for (const wrong of ['app.example.com', 'https://app.example.com/', 'https://*.example.com/x', 'ftp://a', 'null'])
    expect(problems(wrong)).toEqual(['JUICE_CORS_ORIGINS']);
  expect(problems('*')).toEqual(['JUICE_CORS_ORIGINS']);
  expect(problems('*', { JUICE_AUTH: 'header' })).toEqual(['JUICE_CORS_ORIGINS']);
  expect(problems('*', { JUICE_AUTH: 'api-key' })).toEqual([]);
});
