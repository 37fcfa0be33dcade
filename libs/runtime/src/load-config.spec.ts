import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import {
  ConfigProblems,
  decimal,
  describeConfig,
  duration,
  flag,
  hideCredentials,
  integer,
  list,
  loadConfig,
  oneOf,
  port,
  secret,
  size,
  text,
  url,
  writeConfigExample,
  writeConfigTable,
} from './index.ts';

const schema = z.object({
  httpPort: port().default(8080),
  mongoUrl: url(['mongodb', 'mongodb+srv']).describe('Where the tasks are kept.'),
  callbackSecret: secret(text()).optional(),
  stopGrace: duration({ minMs: 1000 }).default(30_000).meta({ env: 'JUICE_STOP_GRACE' }),
  maxBody: size().default(65_536),
  logLevel: oneOf(['error', 'info']).default('info'),
  dryRun: flag().default(false),
  masters: list().default(['http://127.0.0.1:5050']),
  weight: decimal({ min: 0, max: 1 }).default(0.5),
  workers: integer({ min: 1, max: 64 }).default(4),
});

function problemsOf(env: Record<string, string>): ConfigProblems {
  try {
    loadConfig(schema, env);
  } catch (error: unknown) {
    if (error instanceof ConfigProblems) return error;
  }
  throw new Error('expected problems');
}

describe('loadConfig', () => {
  test('reads every kind of value, fills defaults in, and freezes the result', () => {
    const config = loadConfig(schema, {
      MONGO_URL: 'mongodb://a:1,b:2/juice',
      JUICE_STOP_GRACE: '2m',
      MAX_BODY: '1MB',
      DRY_RUN: 'yes',
      MASTERS: 'http://a:5050, http://b:5050',
      WEIGHT: '0.25',
      HTTP_PORT: '0',
    });
    expect(config).toEqual({
      httpPort: 0,
      mongoUrl: 'mongodb://a:1,b:2/juice',
      stopGrace: 120_000,
      maxBody: 1_048_576,
      logLevel: 'info',
      dryRun: true,
      masters: ['http://a:5050', 'http://b:5050'],
      weight: 0.25,
      workers: 4,
    });
    expect(Object.isFrozen(config)).toBe(true);
  });

  test('a blank variable is one that is not set', () => {
    expect(loadConfig(schema, { MONGO_URL: 'mongodb://a', HTTP_PORT: ' ' }).httpPort).toBe(8080);
    expect(problemsOf({ MONGO_URL: '' }).problems.map(({ variable }) => variable)).toEqual(['MONGO_URL']);
  });

  test('reports all problems at once, by variable, with what would be right', () => {
    const { message, problems } = problemsOf({
      HTTP_PORT: '80a',
      JUICE_STOP_GRACE: '30',
      LOG_LEVEL: 'loud',
      WORKERS: '65',
      DRY_RUN: 'maybe',
      MAX_BODY: '1 parsec',
      WEIGHT: '2',
    });
    expect(problems.map(({ variable }) => variable)).toEqual([
      'HTTP_PORT',
      'MONGO_URL',
      'JUICE_STOP_GRACE',
      'MAX_BODY',
      'LOG_LEVEL',
      'DRY_RUN',
      'WEIGHT',
      'WORKERS',
    ]);
    expect(message).toContain('HTTP_PORT is "80a": must be a TCP port');
    expect(message).toContain('MONGO_URL: is not set: must be a URL beginning with mongodb://');
    expect(message).toContain('JUICE_STOP_GRACE is "30": must be a duration with its unit');
    expect(message).toContain('LOG_LEVEL is "loud": must be one of error, info');
    expect(message).toContain('WORKERS is "65": must be a whole number, from 1 to 64');
  });

  test('shows neither secrets nor credentials in problems', () => {
    const strict = z.object({ apiKey: secret(integer()), brokerUrl: url(['amqp']) });
    expect(() => loadConfig(strict, { API_KEY: 'hunter2', BROKER_URL: 'http://user:hunter2@host' })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_PROBLEMS',
        message: expect.not.stringContaining('hunter2'),
      }),
    );
  });

  test('contradictions are problems of the variable they blame', () => {
    const pair = z
      .object({ lease: duration().default(3000), renew: duration().default(1000) })
      .refine(({ lease, renew }) => renew < lease, { path: ['renew'], message: 'must be shorter than LEASE' });
    expect(() => loadConfig(pair, { RENEW: '5s' })).toThrow('RENEW is "5s": must be shorter than LEASE');
    expect(() => loadConfig(pair, { LEASE: '500ms' })).toThrow('RENEW: must be shorter than LEASE');
  });
});

test('a URL needs its scheme and a host', () => {
  const one = z.object({ target: url(['http', 'https']) });
  for (const wrong of ['localhost:80', 'ftp://a', 'http://', 'http:///x', 'http://a b', 'http://a:99999']) {
    expect(() => loadConfig(one, { TARGET: wrong })).toThrow(ConfigProblems);
  }
  expect(loadConfig(one, { TARGET: 'https://a.example/x?y=1' })).toEqual({ target: 'https://a.example/x?y=1' });
});

test.each([
  ['mongodb://user:pa55@db:99999/juice', 'mongodb://db:99999/juice', 'has a port that is no number from 1 to 65535'],
  ['mongodb://db:0/juice', 'mongodb://db:0/juice', 'has a port that is no number from 1 to 65535'],
  ['mongodb://db1,db2:x/juice', 'mongodb://db1,db2:…/juice', 'has a port that is no number from 1 to 65535'],
  ['mongodb://user:pa55@/juice', 'mongodb:///juice', 'names no host'],
  ['mongodb://db1,,db2/juice', 'mongodb://db1,,db2/juice', 'names no host'],
  ['mongodb://user:pa55 x@db/juice', 'mongodb://db/juice', 'has a blank in it'],
  ['mongodb://user:pa55', 'mongodb://user:…', 'has a port that is no number from 1 to 65535'],
  [
    'mongodb://user:pa55/x@db',
    'mongodb://db',
    'has a user or password with a character that must be percent-encoded (/ ? # @)',
  ],
  ['mongodb://db/juice?secretive=pa55', 'mongodb://db/juice', 'has an option'],
  [
    'mongodb://user:1234?pa55&secretive@db/juice',
    'mongodb://db/juice',
    'has an option that cannot be one, or a user or password with a character that must be percent-encoded (/ ? # @)',
  ],
  ['postgres://user:pa55@db', 'postgres://db', ''],
])('%s: what is wrong with it, without its password', (given, shown, problem) => {
  const judge = (text: string): string | null => (text.includes('secretive') ? 'has an option' : null);
  const one = z.object({ storeUrl: secret(url(['mongodb', 'mongodb+srv'], judge)) });
  const right = 'must be a URL beginning with mongodb:// or mongodb+srv://';
  expect(() => loadConfig(one, { STORE_URL: given })).toThrow(
    expect.objectContaining({
      problems: [{ variable: 'STORE_URL', given: shown, problem: problem === '' ? right : `${problem}: ${right}` }],
      message: expect.not.stringContaining('pa55'),
    }),
  );
});

test('a secret that is no URL at all is not shown, and URLs that are right are taken as they are', () => {
  const one = z.object({ storeUrl: secret(url(['mongodb'])) });
  expect(() => loadConfig(one, { STORE_URL: 'user:pa55@db' })).toThrow(
    expect.objectContaining({ problems: [expect.objectContaining({ given: null })] }),
  );
  for (const right of ['mongodb://u:p%40@[::1]:27017/x?a=b', 'mongodb://h1:1,[::1]:2,h3/juice', 'MONGODB://h'])
    expect(loadConfig(one, { STORE_URL: right })).toEqual({ storeUrl: right });
});

test('the start-up line shows every variable, secrets only as set or not', () => {
  const env = { MONGO_URL: 'mongodb://user:pa%2Fss@host:1/juice?authSource=x', CALLBACK_SECRET: 'whsec_x' };
  const shown = describeConfig(schema, loadConfig(schema, env));
  expect(shown).toMatchObject({
    MONGO_URL: 'mongodb://host:1/juice',
    CALLBACK_SECRET: { set: true },
    JUICE_STOP_GRACE: 30_000,
  });
  const masters = { MONGO_URL: 'mongodb://h', MASTERS: 'http://juice:pass@a:5050,http://b:5050' };
  expect(describeConfig(schema, loadConfig(schema, masters))).toMatchObject({
    MASTERS: ['http://a:5050', 'http://b:5050'],
  });
  expect(describeConfig(schema, loadConfig(schema, { MONGO_URL: 'mongodb://h' }))).toMatchObject({
    CALLBACK_SECRET: { set: false },
  });
});

test('credentials are removed from a URL even where they are not escaped', () => {
  expect(hideCredentials('mongodb://user:pa/ss@word@h1:1,h2:2/juice?x=y')).toBe('mongodb://h1:1,h2:2/juice');
  expect(hideCredentials('no url @ all')).toBe('no url @ all');
  expect(hideCredentials('amqp://user:hunter2/v')).toBe('amqp://user:…/v');
  expect(hideCredentials('user:hunter2@host:5050')).toBe('…@host:5050');
  expect(hideCredentials('localhost,zk:/user:hunter2@host/mesos')).toBe('…@host/mesos');
  expect(hideCredentials('amqp://[::1]:5672/v')).toBe('amqp://[::1]:5672/v');
});

test('a bar in the words of a setting does not end its cell', () => {
  const setting = text('a|b').meta({ env: 'SOME', description: 'a or b: a|b', expects: 'a|b' });
  expect(writeConfigTable(z.object({ setting }))).toContain('| `SOME` | **required** | a\\|b | a or b: a\\|b |');
});

test('the docs table and the example come from the same schema', () => {
  const table = writeConfigTable(schema);
  expect(table).toContain(
    '| `MONGO_URL` | **required** | a URL beginning with mongodb:// or mongodb+srv:// | Where the tasks are kept. |',
  );
  expect(table).toContain('| `JUICE_STOP_GRACE` | `30s` |');
  expect(table).toContain('| `MAX_BODY` | `64kb` |');
  expect(table).toMatch(/`CALLBACK_SECRET`.*\*\(secret\)\*/);
  const example = writeConfigExample(schema);
  expect(example).toContain('# Where the tasks are kept.\n');
  expect(example).toContain('\nMONGO_URL=\n');
  expect(example).toContain('\n#HTTP_PORT=8080\n');
});
