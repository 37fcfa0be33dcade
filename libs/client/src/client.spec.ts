import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { build } from 'esbuild';
import { createAdminClient, createClient, JuiceError, JuiceUnreachableError } from './index.ts';

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

type Reply = Response | Error;

/** A service that gives these answers, one after the other, and the last one from then on. */
function serve(...replies: (() => Reply)[]) {
  const sent: Sent[] = [];
  const fetch = (url: string, init: { method: string; headers: Record<string, string>; body?: string }) => {
    sent.push({ method: init.method, url, headers: init.headers, body: JSON.parse(init.body ?? 'null') });
    const reply = (replies[sent.length - 1] ?? replies.at(-1))?.() ?? new Error('nothing to answer');
    return reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply);
  };
  return { sent, fetch: fetch as unknown as typeof globalThis.fetch };
}

const ok = (data: string) => () => new Response(`{"status":0,"message":"OK","data":${data}}`);
const fail =
  (status: number, headers: Record<string, string> = {}) =>
  () =>
    new Response(
      '{"status":-2127552257,"message":"object not null error: no","details":[{"member":"taskName","code":-1,"message":"no"}],"requestId":"r1"}',
      { status, headers },
    );
const broken = () => new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
const options = { url: 'http://juice.test/', tenantId: 'acme' };
const id = 806769905152840693n;
const task = { taskName: 'a', commands: 'true' };

beforeEach(() => void jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] }));
afterEach(() => void jest.useRealTimers());

/** Lets as much time pass as it takes. */
async function settled<T>(promise: Promise<T>): Promise<{ value?: T; error?: unknown }> {
  let outcome: { value?: T; error?: unknown } | undefined;
  void promise.then(
    (value) => void (outcome = { value }),
    (error: unknown) => void (outcome = { error }),
  );
  for (let passes = 0; outcome === undefined && passes < 1000; passes += 1) await jest.advanceTimersByTimeAsync(250);
  return outcome ?? {};
}

describe('ids', () => {
  test('are exact, whatever their size, and stay out of texts', async () => {
    const text = `{"taskId":${id},"taskIdStr":"${id}","message":"\\"taskId\\":9007199254740993, 12345678901234567890","rerunOf":5,"exitCode":0,"x":[9007199254740993,1.2345678901234567e+20]}`;
    const { fetch } = serve(ok(text));
    const found = await createClient({ ...options, fetch }).get(id);
    expect(found).toEqual({
      ...{ taskId: id, taskIdStr: String(id), message: '"taskId":9007199254740993, 12345678901234567890' },
      ...{ rerunOf: 5n, exitCode: 0, x: [9007199254740993n, 1.2345678901234567e20] },
    });
  });

  test('are not mistaken for the digits of other numbers', async () => {
    const { fetch } = serve(
      ok('{"days":[],"total":{"cpuSeconds":5.9464999999999995,"memMbSeconds":1.2345678901234567e+21}}'),
    );
    const total = { cpuSeconds: 5.9464999999999995, memMbSeconds: 1.2345678901234567e21 };
    expect(await createClient({ ...options, fetch }).usage()).toEqual({ days: [], total });
  });

  test('go out as they are', async () => {
    const { fetch, sent } = serve(ok('[]'));
    await createClient({ ...options, fetch }).find([id, '806769905152840695']);
    expect(sent[0]?.url).toBe('http://juice.test/v1/tasks?taskIds=806769905152840693%2C806769905152840695');
  });
});

describe('what is refused', () => {
  test('is told with its status, code, details and request, and is not tried again', async () => {
    const { fetch, sent } = serve(fail(400));
    const { error } = await settled(createClient({ ...options, fetch }).submit(task));
    expect(error).toBeInstanceOf(JuiceError);
    expect(error).toMatchObject({
      ...{ status: 400, code: -2127552257, requestId: 'r1', retryAfterMs: null },
      details: [{ member: 'taskName', code: -1, message: 'no' }],
    });
    expect(sent).toHaveLength(1);
  });

  test('by something else than Juice is told too', async () => {
    const { fetch } = serve(() => new Response('<html>bad gateway</html>', { status: 502 }));
    const { error } = await settled(createClient({ ...options, fetch }).get(id));
    expect(error).toMatchObject({ status: 502, code: 0 });
  });
});

describe('what is sent again', () => {
  test('has the same key each time, and another one for another submission', async () => {
    const { fetch, sent } = serve(broken, fail(503, { 'retry-after': '1' }), ok(`{"taskId":${id}}`));
    const client = createClient({ ...options, fetch });
    expect(await settled(client.submit(task))).toEqual({ value: id });
    expect(await settled(client.submit(task))).toEqual({ value: id });
    const keys = sent.map(({ headers }) => headers['idempotency-key']);
    expect(new Set(keys.slice(0, 3)).size).toBe(1);
    expect(keys[3]).not.toBe(keys[0]);
    expect(sent[0]).toMatchObject({ method: 'POST', body: task, headers: { 'x-tenant-id': 'acme' } });
  });

  test('waits as long as the service asks for', async () => {
    const { fetch, sent } = serve(fail(429, { 'retry-after': '7' }), ok('{}'));
    const answered = createClient({ ...options, fetch }).why(id);
    await jest.advanceTimersByTimeAsync(6_999);
    expect(sent).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(300);
    await answered;
    expect(sent).toHaveLength(2);
  });

  test('is given up when the service asks for more than a minute, or after the last try', async () => {
    const long = serve(fail(429, { 'retry-after': '3600' }));
    const { error } = await settled(createClient({ ...options, fetch: long.fetch }).why(id));
    expect(error).toMatchObject({ status: 429, retryAfterMs: 3_600_000 });
    expect(long.sent).toHaveLength(1);
    const away = serve(broken);
    const gone = await settled(createClient({ ...options, fetch: away.fetch, retries: 2 }).kill(id));
    expect(gone.error).toBeInstanceOf(JuiceUnreachableError);
    expect(String(gone.error)).toContain('connect ECONNREFUSED');
    expect(away.sent).toHaveLength(3);
  });

  test('is never a request for a new key', async () => {
    const { fetch, sent } = serve(broken);
    const admin = createAdminClient({ url: options.url, adminKey: 'k', fetch });
    await settled(admin.createKey('acme', { name: 'ci' }));
    expect(sent).toHaveLength(1);
    expect(sent[0]).toMatchObject({
      url: 'http://juice.test/v1/admin/tenants/acme/keys',
      headers: { authorization: 'Bearer k' },
    });
  });

  test('ends with its signal, whose reason is thrown', async () => {
    const { fetch } = serve(fail(503, { 'retry-after': '30' }));
    const leaving = new AbortController();
    const answered = settled(createClient({ ...options, fetch }).get(id, { signal: leaving.signal }));
    await jest.advanceTimersByTimeAsync(1000);
    leaving.abort(new Error('enough'));
    expect((await answered).error).toEqual(new Error('enough'));
  });
});

test('a list goes through all pages, one at a time', async () => {
  const { fetch, sent } = serve(
    ok('{"tasks":[{"taskId":3},{"taskId":2}],"nextCursor":"2"}'),
    ok('{"tasks":[],"nextCursor":"1"}'),
    ok('{"tasks":[{"taskId":1}]}'),
  );
  const choice = { status: ['live', 1], labels: { team: 'red', any: null }, submittedAfter: new Date(0) };
  const ids: bigint[] = [];
  for await (const { taskId } of createClient({ ...options, fetch }).list(choice)) ids.push(taskId);
  expect(ids).toEqual([3n, 2n, 1n]);
  const query = new URL(sent[1]?.url ?? '').searchParams;
  expect([...query]).toEqual([
    ...[
      ['status', 'live,1'],
      ['label', 'team:red'],
      ['label', 'any'],
    ],
    ...[
      ['submittedAfter', '1970-01-01T00:00:00.000Z'],
      ['limit', '100'],
      ['cursor', '2'],
    ],
  ]);
});

test('waits until a task has ended; one out of reach has not', async () => {
  const statuses = [-1, 0, 1, 7, 1, 3];
  const { fetch, sent } = serve(...statuses.map((taskStatus) => ok(`{"taskStatus":${taskStatus}}`)));
  const { value } = await settled(createClient({ ...options, fetch }).wait(id));
  expect(value).toMatchObject({ taskStatus: 3 });
  expect(sent).toHaveLength(statuses.length);
});

test('many tasks go in requests of a thousand, each with a key of its own, and have results in their order', async () => {
  const results = (count: number) =>
    JSON.stringify(Array.from({ length: count }, (_, index) => ({ index, taskId: index })));
  const { fetch, sent } = serve(
    ok(`{"results":${results(1000)},"stored":1000}`),
    ok(`{"results":${results(1)},"stored":1}`),
  );
  const client = createClient({ ...options, fetch });
  const tasks = Array.from({ length: 1001 }, () => task);
  const { value } = await settled(client.submitMany(tasks, { idempotencyKey: 'order' }));
  expect(value?.map(({ index }) => index)).toEqual(tasks.map((_, index) => index));
  expect(sent.map(({ headers }) => headers['idempotency-key'])).toEqual(['order.0', 'order.1000']);
  await expect(client.submitMany(tasks, { allOrNothing: true })).rejects.toThrow(RangeError);
});

test('a filter says all of it, or that all are meant', async () => {
  const { fetch, sent } = serve(ok('{}'));
  const client = createClient({ ...options, fetch });
  await client.killWhere({ namePrefix: 'night-', labels: { team: 'red' } }, { dryRun: true });
  await client.killWhere('all', { limit: 5 });
  expect(sent.map(({ body }) => body)).toEqual([
    { filter: { namePrefix: 'night-', labels: [{ key: 'team', value: 'red' }] }, dryRun: true },
    { filter: { all: true }, limit: 5 },
  ]);
});

test('nothing but its own code is in it', async () => {
  const entry = `${import.meta.dirname}/index.ts`;
  const bundled = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    platform: 'neutral',
  });
  const inputs = Object.entries(bundled.metafile.inputs);
  expect(inputs.length).toBeGreaterThan(5);
  for (const [path, { imports }] of inputs) {
    expect(path).toMatch(/libs\/client\/src\/[\w-]+\.ts$/);
    expect(imports.filter(({ external }) => external === true)).toEqual([]);
  }
});
