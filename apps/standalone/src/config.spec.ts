import { describe, expect, test } from '@jest/globals';
import { readConfig } from './config.ts';
import { parseAgents } from './local-agents.ts';

describe('the environment of standalone', () => {
  test('needs nothing', () => {
    const { own, api, callback } = readConfig({});
    expect(own.dataDir).toBe('.juice');
    expect(api.port).toBe(8080);
    expect(callback.allow).toEqual(['127.0.0.0/8', '::1', 'localhost']);
  });

  test('tells every problem of every service once', () => {
    const env = {
      JUICE_PORT: 'abc',
      JUICE_LEASE: '10',
      JUICE_LOCAL_AGENTS: 'many',
      JUICE_LOCAL_EXECUTOR: 'docker',
      JUICE_CALLBACK_SECRET: 'short',
      JUICE_LOG_LEVEL: 'loud',
    };
    const problems = ((): string[] => {
      try {
        readConfig(env);
        return [];
      } catch (error: unknown) {
        return (error as Error).message.split('\n').slice(1);
      }
    })();
    expect(problems.map((line) => /JUICE_\w+/.exec(line)?.[0]).sort()).toEqual(Object.keys(env).sort());
  });

  test('on another address than loopback it says what to choose', () => {
    expect(() => readConfig({ JUICE_HOST: '0.0.0.0' })).toThrow(
      /JUICE_AUTH: must be chosen where JUICE_HOST is not loopback/,
    );
    expect(readConfig({ JUICE_HOST: '0.0.0.0', JUICE_AUTH: 'api-key' }).api.auth).toBe('api-key');
    expect(readConfig({ JUICE_AUTH: 'api-key' }).api.auth).toBe('api-key');
  });

  test('the api knows the roles that the scheduler subscribes with', () => {
    expect(readConfig({}).api.mesosRoles).toEqual(['*']);
    expect(readConfig({ JUICE_MESOS_ROLE: 'batch,web' }).api.mesosRoles).toEqual(['batch', 'web']);
  });

  test('tasks are processes where nobody asks for simulated ones', () => {
    expect(readConfig({}).own.localExecutor).toBe('process');
    expect(readConfig({ JUICE_LOCAL_EXECUTOR: 'simulated' }).own.localExecutor).toBe('simulated');
  });

  test('a real part is taken instead of the embedded one', () => {
    expect(readConfig({ JUICE_MONGO_URL: 'mongodb://db.test/juice' }).api.mongoUrl).toBe('mongodb://db.test/juice');
  });
});

test.each([
  ['3', 3, { cpus: 8, memMb: 8192, diskMb: 20_000 }],
  ['1:2:512', 1, { cpus: 2, memMb: 512, diskMb: 20_000 }],
  ['2:0.5:256:100', 2, { cpus: 0.5, memMb: 256, diskMb: 100 }],
])('agents as %s', (given, count, agent) => {
  expect(parseAgents(given)).toEqual(Array.from({ length: count }, () => agent));
});

test.each(['', '0', 'x', '1:0', '1:2:3:4:5', '1:-2', '1000'])('%j are no agents', (given) => {
  expect(parseAgents(given)).toBeNull();
});
