import { describe, expect, jest, test } from '@jest/globals';
import { createCallbacksClient, JuiceUnreachableError } from './index.ts';

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** A service that gives these answers, one after the other. */
function serve(...data: unknown[]) {
  const sent: Sent[] = [];
  const fetch = (url: string, init: { method: string; headers: Record<string, string>; body?: string }) => {
    sent.push({ method: init.method, url, headers: init.headers, body: JSON.parse(init.body ?? 'null') });
    if (sent.length > data.length) return Promise.reject(new TypeError('fetch failed'));
    return Promise.resolve(new Response(JSON.stringify({ status: 0, message: 'OK', data: data[sent.length - 1] })));
  };
  return { sent, fetch: fetch as unknown as typeof globalThis.fetch };
}

const url = 'http://juice.test';
const asTenant = { url, tenantId: 'acme', retries: 0 };

describe('the client of callbacks', () => {
  test('asks as a tenant, or as an operator', async () => {
    const { fetch, sent } = serve({ groups: [] }, { groups: [] });
    await createCallbacksClient({ ...asTenant, apiKey: 'k', fetch }).deadGroups();
    await createCallbacksClient({ url, adminKey: 'a', fetch }).deadGroups({ tenant: 'acme', limit: 5 });
    expect(sent).toMatchObject([
      { url: `${url}/v1/callbacks/dead-groups`, headers: { authorization: 'Bearer k', 'x-tenant-id': 'acme' } },
      {
        url: `${url}/v1/admin/callbacks/dead-groups?tenant=acme&limit=5`,
        headers: { authorization: 'Bearer a' },
      },
    ]);
  });

  test('reads dead callbacks page after page', async () => {
    const { fetch, sent } = serve({ dead: [{ group: 'a' }], nextCursor: 'c' }, { dead: [{ group: 'b' }] });
    const found = [];
    const since = new Date(0);
    for await (const one of createCallbacksClient({ ...asTenant, fetch }).dead({ cause: 'status-503', since }))
      found.push(one.group);
    expect(found).toEqual(['a', 'b']);
    expect(sent.map((one) => new URL(one.url).search)).toEqual([
      '?cause=status-503&since=1970-01-01T00%3A00%3A00.000Z&limit=100',
      '?cause=status-503&since=1970-01-01T00%3A00%3A00.000Z&limit=100&cursor=c',
    ]);
  });

  test('asks for a replay by the same key until it is answered, and by another one for another replay', async () => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] });
    try {
      const { fetch, sent } = serve();
      const client = createCallbacksClient({ url, tenantId: 'acme', retries: 1, fetch });
      for (const group of ['g', 'h']) {
        const asked = expect(client.replay({ group }, { reason: 'r' })).rejects.toBeInstanceOf(JuiceUnreachableError);
        await jest.advanceTimersByTimeAsync(60_000);
        await asked;
      }
      expect(sent.map(({ body }) => body)).toEqual(['g', 'g', 'h', 'h'].map((group) => ({ group, reason: 'r' })));
      const keys = sent.map(({ headers }) => headers['idempotency-key']);
      expect(new Set(keys).size).toBe(2);
      expect(keys[0]).toBe(keys[1]);
      expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/);
    } finally {
      jest.useRealTimers();
    }
  });

  test('counts what a replay would be, and says no more than was chosen', async () => {
    const { fetch, sent } = serve({}, {});
    const client = createCallbacksClient({ ...asTenant, fetch });
    await client.countReplay({ filter: { endpoint: 'https://a.example', until: new Date(0) } });
    await client.countReplay({ filter: { all: true } });
    expect(sent.map(({ body }) => body)).toEqual([
      { filter: { endpoint: 'https://a.example', until: '1970-01-01T00:00:00.000Z' }, dryRun: true },
      { filter: { all: true }, dryRun: true },
    ]);
  });

  test('follows a replay until it has ended or is paused', async () => {
    const [running, ended] = [{ state: 'running' }, { state: 'done', endedAt: 'now' }];
    const { fetch, sent } = serve(running, running, ended, running, { state: 'paused' });
    const client = createCallbacksClient({ ...asTenant, fetch });
    for (const last of ['done', 'paused']) {
      const states = [];
      for await (const { state } of client.followReplay('r 1', { everyMs: 1 })) states.push(state);
      expect(states.at(-1)).toBe(last);
    }
    expect(sent).toHaveLength(5);
    expect(sent[0]?.url).toBe(`${url}/v1/callbacks/replays/r%201`);
  });

  test('names one callback, a replay and an endpoint in the ways the service knows', async () => {
    const { fetch, sent } = serve({}, {}, {}, {}, {}, {}, { replays: [] }, { endpoints: [] });
    const client = createCallbacksClient({ url, adminKey: 'a', retries: 0, fetch });
    await client.show(806769905152840693n);
    await client.explain('806769905152840693_3');
    await client.changeReplay('r1', 'pause', { reason: 'busy' });
    await client.pauseEndpoint({ tenant: 'acme', endpoint: 'https://a.example' }, { reason: 'down' });
    await client.resumeEndpoint({ tenant: 'acme', endpoint: 'https://a.example' });
    await client.test({ tenant: 'acme', url: 'https://a.example/hook' });
    for await (const _ of client.replays()) throw new Error('there is none');
    for await (const _ of client.endpoints('acme')) throw new Error('there is none');
    expect(
      sent.map(({ method, url: at, body }) => [method, at.slice(`${url}/v1/admin/callbacks`.length), body]),
    ).toEqual([
      ['GET', '/806769905152840693', null],
      ['GET', '/806769905152840693_3/explain', null],
      ['POST', '/replays/r1/pause', { reason: 'busy' }],
      ['POST', '/endpoints/pause', { tenant: 'acme', endpoint: 'https://a.example', reason: 'down' }],
      ['POST', '/endpoints/resume', { tenant: 'acme', endpoint: 'https://a.example' }],
      ['POST', '/test', { tenant: 'acme', url: 'https://a.example/hook' }],
      ['GET', '/replays?limit=100', null],
      ['GET', '/endpoints?tenant=acme', null],
    ]);
  });
});
