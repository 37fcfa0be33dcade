import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createClient, JuiceError, JuiceUnreachableError, type TaskEvent } from './index.ts';

type Reply = () => Response | Error;

/** A service that gives these answers, one after the other, and the last one from then on. */
function serve(...replies: Reply[]) {
  const sent: { url: string; headers: Readonly<Record<string, string>> }[] = [];
  const fetch = (url: string, { headers }: { headers: Record<string, string> }) => {
    sent.push({ url, headers });
    const reply = (replies[sent.length - 1] ?? replies.at(-1))?.() ?? new Error('nothing to answer');
    return reply instanceof Error ? Promise.reject(reply) : Promise.resolve(reply);
  };
  const client = createClient({ url: 'http://juice.test', tenantId: 'acme', fetch: fetch as typeof globalThis.fetch });
  return { sent, client, asked: () => sent.map(({ url }) => url.slice('http://juice.test/v1'.length)) };
}

/** A body in these pieces, that then ends, or breaks off. */
function body(pieces: readonly (string | Uint8Array)[], isWhole = true): ReadableStream<Uint8Array> {
  const left = pieces.map((piece) => (typeof piece === 'string' ? new TextEncoder().encode(piece) : piece));
  return new ReadableStream({
    pull(controller) {
      const piece = left.shift();
      if (piece !== undefined) controller.enqueue(piece);
      else if (isWhole) controller.close();
      else controller.error(new TypeError('terminated'));
    },
  });
}

const log = (offset: number, pieces: readonly (string | Uint8Array)[], isWhole = true): Reply => {
  const headers = { 'x-log-attempt': '2', 'x-log-offset': String(offset) };
  return () => new Response(body(pieces, isWhole), { headers });
};
const task = (facts: object) => () =>
  new Response(JSON.stringify({ status: 0, message: 'OK', data: { taskStatus: 1, attempts: [{}, {}], ...facts } }));
const events =
  (text: string, isWhole = true) =>
  () =>
    new Response(body([text], isWhole), { headers: { 'content-type': 'text/event-stream' } });
const refused = (status: number) => () =>
  new Response('{"status":-1,"message":"no","details":[],"requestId":"r"}', { status });
const event = (id: string, sequence: number) =>
  `id: ${id}\nevent: task.running\ndata: {"taskId":806769905152840693,"sequence":${sequence}}\n\n`;

beforeEach(() => void jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick', 'setImmediate'] }));
afterEach(() => void jest.useRealTimers());

/** All that comes, with as much time as it takes. */
async function gather<T>(items: AsyncIterable<T>): Promise<{ items: T[]; error?: unknown }> {
  const found: T[] = [];
  let end: { error?: unknown } | null = null;
  void (async () => {
    for await (const item of items) found.push(item);
  })().then(
    () => void (end = {}),
    (error: unknown) => void (end = { error }),
  );
  for (let passes = 0; end === null && passes < 1_000; passes += 1) await jest.advanceTimersByTimeAsync(250);
  return { items: found, ...(end ?? { error: new Error('it never ended') }) };
}

describe('a log', () => {
  test('is what was written, in part where that was asked for; letters that were cut are whole again', async () => {
    const { client, asked } = serve(log(5, ['a\n', new Uint8Array([0xc3]), new Uint8Array([0xa9])]));
    const { items } = await gather(client.log(7n, { stream: 'stderr', offset: -4 }));
    expect(items.join('')).toBe('a\né');
    expect(asked()).toEqual(['/tasks/7/logs/stderr?offset=-4']);
  });

  test('that is followed goes on where it broke off, in the same attempt, and ends when that has ended', async () => {
    const { client, asked } = serve(
      log(0, ['one\n'], false),
      () => new TypeError('fetch failed'),
      log(4, ['two\n']),
      task({}),
      log(8, ['three\n']),
      task({ attempts: [{}, { endedAt: '2026-01-01T00:00:00Z' }] }),
      log(14, ['four\n']),
    );
    const { items, error } = await gather(client.log('7', { follow: true }));
    expect([items.join(''), error]).toEqual(['one\ntwo\nthree\nfour\n', undefined]);
    const at = (offset: number) => `/tasks/7/logs/stdout?attempt=2&offset=${offset}&follow=true`;
    expect(asked().filter((path) => path.includes('logs'))).toEqual([
      ...['/tasks/7/logs/stdout?follow=true', at(4), at(4), at(8)],
      '/tasks/7/logs/stdout?attempt=2&offset=14',
    ]);
  });

  test('of a task that is not launched yet is waited for, and is no proxy’s page', async () => {
    const { client } = serve(
      ...[refused(404), task({ taskStatus: -1 }), log(0, ['one']), task({ attempts: [{}, { endedAt: 'then' }] })],
      log(3, []),
    );
    expect((await gather(client.log('7', { follow: true }))).items.join('')).toBe('one');
    const strange = serve(() => new Response('<html>'));
    expect((await gather(strange.client.log('7'))).error).toMatchObject({ code: 0 });
    expect((await gather(strange.client.events('7'))).error).toMatchObject({ code: 0 });
  });

  test('that is gone, or that nobody answers for, is an error', async () => {
    const gone = await gather(serve(refused(410)).client.log(7n, { follow: true }));
    expect(gone.error).toBeInstanceOf(JuiceError);
    const { client, sent } = serve(() => new TypeError('fetch failed'));
    expect((await gather(client.log(7n, { follow: true }))).error).toBeInstanceOf(JuiceUnreachableError);
    expect(sent).toHaveLength(5);
  });
});

describe('events', () => {
  test('go on behind the last one that was seen, over whatever breaks, and end with the task', async () => {
    const { client, sent } = serve(
      events(`retry: 1000\nid: 1-0\n\n${event('1-1', 1)}: heartbeat\nid: 1-5\n\nid: 1-9\nevent: task.fin`, false),
      refused(503),
      events(event('1-6', 2)),
      events('event: reset\ndata: {}\n\n'),
      events('id: 1-7\nevent: end\ndata: {}\n\n'),
    );
    const { items, error } = await gather(client.events(7n, { from: 'start' }));
    expect(error).toBeUndefined();
    const seen = items.map(({ id, name, data }: TaskEvent) => [id, name, data?.sequence, data?.taskId]);
    expect(seen).toEqual([
      ['1-1', 'task.running', 1, 806769905152840693n],
      ['1-6', 'task.running', 2, 806769905152840693n],
      ['1-6', 'reset', undefined, undefined],
    ]);
    expect(sent[0]?.url).toBe('http://juice.test/v1/tasks/7/events?from=start');
    expect(sent.slice(1).map(({ headers }) => headers['last-event-id'])).toEqual(['1-5', '1-5', '1-6', '1-6']);
  });

  test('of a task that has ended are over at once; all the tenant’s end with their signal', async () => {
    const over = serve(() => new Response(null, { status: 204 }));
    expect(await gather(over.client.events(7n, { lastEventId: '1-1' }))).toEqual({ items: [] });
    const leaving = new AbortController();
    const { client, asked } = serve(events(event('1-1', 1)));
    const { error } = await gather(
      (async function* () {
        for await (const one of client.events(null, { signal: leaving.signal })) {
          yield one;
          leaving.abort(new Error('enough'));
        }
      })(),
    );
    expect(error).toEqual(new Error('enough'));
    expect(asked()).toEqual(['/events']);
  });
});
