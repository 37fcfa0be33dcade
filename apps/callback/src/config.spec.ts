import { describe, expect, test } from '@jest/globals';
import { isAddressAllowed } from '@juice/destinations';
import { describeConfig, loadConfig } from '@juice/runtime';
import { callbackConfigSchema, defaultCallbackOptions, readOptions } from './config.ts';
import { defaultSchedule } from './plan-next.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const other = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const needed = {
  JUICE_MONGO_URL: 'mongodb://u:p@db/juice',
  JUICE_AMQP_URL: 'amqp://u:p@mq/',
  JUICE_CALLBACK_SECRET: secret,
};

describe('the configuration', () => {
  test('needs three variables; the rest has defaults', () => {
    const config = loadConfig(callbackConfigSchema, needed);
    expect(config).toMatchObject({
      timeoutMs: 15_000,
      connectTimeoutMs: 5_000,
      concurrency: 64,
      perEndpoint: 4,
      leaseMs: 60_000,
    });
    expect(readOptions(config).schedule).toEqual(defaultSchedule);
    expect(readOptions(config).keys).toHaveLength(1);
    const {
      mongoUrl: _mongo,
      amqpUrl: _amqp,
      healthHost: _host,
      healthPort: _port,
      logLevel: _level,
      ...options
    } = config;
    expect(defaultCallbackOptions(secret)).toEqual(options);
  });

  test('several secrets, a schedule and an allow list', () => {
    const config = loadConfig(callbackConfigSchema, {
      ...needed,
      JUICE_CALLBACK_SECRET: `${secret}, ${other}`,
      JUICE_CALLBACK_SCHEDULE: '0s, 500ms, 2m',
      JUICE_CALLBACK_ALLOW: '10.0.0.0/8, .svc.cluster.local',
    });
    const { keys, schedule, allow } = readOptions(config);
    expect(keys).toHaveLength(2);
    expect(schedule).toEqual([0, 500, 120_000]);
    expect(isAddressAllowed('10.9.9.9', allow)).toBe(true);
    expect(allow.allowsHost('a.svc.cluster.local')).toBe(true);
  });

  test.each([
    ['JUICE_CALLBACK_SECRET', 'whsec_short'],
    ['JUICE_CALLBACK_SECRET', `${secret} nonsense!`],
    ['JUICE_CALLBACK_SCHEDULE', '0s,5'],
    ['JUICE_CALLBACK_ALLOW', '10.0.0.0/99'],
    ['JUICE_CALLBACK_TIMEOUT', '15'],
    ['JUICE_CALLBACK_CONCURRENCY', '0'],
    ['JUICE_CALLBACK_LEASE', '20s'],
  ])('%s=%s is refused by name', (variable, value) => {
    const load = () => loadConfig(callbackConfigSchema, { ...needed, [variable]: value });
    expect(load).toThrow(
      expect.objectContaining({ code: 'CONFIG_PROBLEMS', message: expect.stringContaining(variable) }),
    );
  });

  test('shows no secret', () => {
    const config = loadConfig(callbackConfigSchema, needed);
    const shown = JSON.stringify(describeConfig(callbackConfigSchema, config));
    expect(shown).not.toContain(secret);
    expect(shown).not.toContain('u:p');
    expect(() => loadConfig(callbackConfigSchema, { ...needed, JUICE_CALLBACK_SECRET: `${secret} nonsense!` })).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(secret) }),
    );
  });
});
