import { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { DependencyFailure } from '@juice/contracts';
import { createLogger, type Log, type LogLevel } from './log.ts';

function arrange({ level = 'debug', pretty = false }: { level?: LogLevel; pretty?: boolean } = {}) {
  let written = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written += chunk.toString();
      done();
    },
  });
  const log = createLogger({ service: 'api', level, pretty, stream });
  return {
    log,
    async text(): Promise<string> {
      await log.close();
      return stripVTControlCharacters(written);
    },
    async lines(): Promise<Record<string, unknown>[]> {
      await log.close();
      return written
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    },
  };
}

describe('JSON lines', () => {
  test('have the fixed members first, then the fields', async () => {
    const { log, lines } = arrange();
    log.info('task.launched', { taskId: 1234567890123456789n, attempt: 1, message: 'kept apart', seen: new Set([1]) });
    const [line] = await lines();
    expect(Object.keys(line ?? {})).toEqual([
      'time',
      'level',
      'service',
      'event',
      'taskId',
      'attempt',
      'message',
      'seen',
    ]);
    expect(line).toMatchObject({
      level: 'info',
      service: 'api',
      event: 'task.launched',
      message: 'kept apart',
      seen: [1],
    });
    expect(line?.['taskId']).toBe('1234567890123456789');
    expect(line?.['time']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  test('fields never replace the fixed members', async () => {
    const { log, lines } = arrange();
    log.warn('task.ended', { event: 'x', level: 'x', service: 'x', time: 'x' });
    expect(await lines()).toEqual([expect.objectContaining({ event: 'task.ended', level: 'warn', service: 'api' })]);
  });

  test('errors show code and cause, and nothing else that hangs on them', async () => {
    const { log, lines } = arrange();
    const cause = Object.assign(new Error('connect ECONNREFUSED'), {
      code: 'ECONNREFUSED',
      document: { env: 'secret' },
    });
    const error = new DependencyFailure({
      dependency: 'mongodb',
      operation: 'insert',
      retryable: true,
      detail: 'down',
      cause,
    });
    log.error('service.failed', { error });
    const [line] = await lines();
    expect(line?.['error']).toEqual({
      name: 'Error',
      code: 'DEPENDENCY_FAILURE',
      message: 'mongodb: insert: down',
      cause: { name: 'Error', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED' },
    });
  });

  test('an error nobody expected has its stack; one of several addresses has words', async () => {
    const { log, lines } = arrange();
    log.error('service.failed', { error: new TypeError('oops') });
    log.error('service.failed', { error: new AggregateError([new Error('first address')]) });
    const [unexpected, several] = await lines();
    expect(unexpected).toMatchObject({ error: { name: 'TypeError', stack: expect.stringContaining('log.spec') } });
    expect(several).toMatchObject({ error: { message: 'first address' } });
  });

  test('what cannot be written does not throw into the caller', async () => {
    const { log, lines } = arrange();
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    log.info('task.ended', { loop });
    expect(await lines()).toEqual([expect.objectContaining({ event: 'task.ended', unwritable: ['loop'] })]);
  });
});

describe('levels', () => {
  const logAll = (log: Log): void => {
    log.error('service.failed');
    log.warn('dependency.lost');
    log.info('service.started');
    log.debug('offer.declined');
  };

  test.each<[LogLevel, number]>([
    ['error', 1],
    ['warn', 2],
    ['info', 3],
    ['debug', 4],
    ['silent', 0],
  ])('%s lets %i of four through', async (level, count) => {
    const { log, lines } = arrange({ level });
    logAll(log);
    expect(await lines()).toHaveLength(count);
  });

  test('isEnabled tells what would be written', () => {
    const { log } = arrange({ level: 'info' });
    expect([log.isEnabled('warn'), log.isEnabled('info'), log.isEnabled('debug')]).toEqual([true, true, false]);
    expect(arrange({ level: 'silent' }).log.isEnabled('error')).toBe(false);
  });
});

test('a child adds its fields, a line may replace them, and closing the parent closes it', async () => {
  const { log, lines } = arrange();
  const child = log.child({ requestId: 'r1', tenantId: 't' }).child({ tenantId: 'u' });
  child.info('http.answered', { status: 200 });
  const seen = await lines();
  expect(seen).toEqual([expect.objectContaining({ requestId: 'r1', tenantId: 'u', status: 200 })]);
  child.info('http.answered');
  await log.close();
});

test('everything logged before close reaches the stream, however much it is', async () => {
  const { log, lines } = arrange();
  for (let n = 0; n < 500; n += 1) log.info('task.ended', { n });
  const seen = await lines();
  expect(seen.map(({ n }) => n)).toEqual(Array.from({ length: 500 }, (_, n) => n));
});

test('pretty lines are for people', async () => {
  const { log, text } = arrange({ pretty: true });
  const error = Object.assign(new Error('down', { cause: new Error('refused') }), { code: 'E_DOWN' });
  log.warn('dependency.unreachable', {
    dependency: 'rabbitmq',
    taskId: 7n,
    detail: 'two words',
    none: undefined,
    error,
  });
  expect(await text()).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} warn {2}api {7}dependency\.unreachable dependency=rabbitmq taskId=7 detail="two words" error="E_DOWN: down ← Error: refused"\n$/,
  );
});
