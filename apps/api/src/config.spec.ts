import { expect, test } from '@jest/globals';
import { ConfigProblems, loadConfig } from '@juice/runtime';
import { apiConfigSchema, defaultApiOptions } from './config.ts';

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
    JUICE_MAX_CPU: 'many',
  };
  expect(problemsOf(wrong)).toEqual([
    'JUICE_PORT',
    'JUICE_TIME_ZONE',
    'JUICE_TASK_EXPIRY',
    'JUICE_ALLOW',
    'JUICE_MAX_CPU',
  ]);
});

test('limits that contradict each other are refused', () => {
  expect(problemsOf({ ...required, JUICE_MAX_CPU: '0.5' })).toEqual(['JUICE_DEFAULT_CPU']);
  expect(problemsOf({ ...required, JUICE_MIN_MEM: '1024', JUICE_DEFAULT_MEM: '512' })).toEqual(['JUICE_DEFAULT_MEM']);
});
