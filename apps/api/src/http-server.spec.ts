import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { failureAnswer } from '@juice/contracts';
import { createApiFixture } from '../testing/api-fixture.ts';
import { readRawAnswer, talkRaw } from '../testing/raw-client.ts';
import { until } from '../testing/until.ts';
import { startHttpServer, type HttpServer } from './http-server.ts';
import { startWaitingRoom } from './waiting-room.ts';

// What arrives below HTTP, and what never becomes a request.

const at = { host: '127.0.0.1', port: 0, newRequestId: () => 'request-2' };
const fixture = createApiFixture();
let server: HttpServer;

beforeAll(async () => {
  server = await startHttpServer({ ...at, app: fixture.app });
});
afterAll(async () => {
  await server.stop();
});

const valid = '{"taskName":"a","commands":"true"}';
const posted = (head: string, body = valid): string =>
  `POST /v1/tasks HTTP/1.1\r\nHost: a\r\nX-Tenant-Id: t\r\nContent-Type: application/json\r\n${head}\r\n\r\n${body}`;

describe('what is not HTTP is answered with the envelope', () => {
  test.each([
    ['text', 'hello\r\n\r\n', 400],
    ['TLS', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]), 400],
    ['a blank in the path', 'GET /v1 tasks HTTP/1.1\r\n\r\n', 400],
    ['a header without a name', 'GET / HTTP/1.1\r\n: x\r\n\r\n', 400],
    ['two lengths', posted('Content-Length: 3\r\nContent-Length: 4'), 400],
    ['a length and chunks', posted('Content-Length: 34\r\nTransfer-Encoding: chunked'), 400],
    ['a negative length', posted('Content-Length: -1'), 400],
    ['headers without end', `GET / HTTP/1.1\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`, 431],
    ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n', 405],
    ['a method that is none', 'FOO / HTTP/1.1\r\nHost: a\r\n\r\n', 405],
    ['a method in small letters', 'get / HTTP/1.1\r\nHost: a\r\n\r\n', 405],
    ['an unknown expectation', posted('Content-Length: 34\r\nExpect: 200-ok'), 417],
  ])('%s', async (_, sent, status) => {
    const answer = readRawAnswer(await talkRaw(server.port, sent));
    expect(answer.status).toBe(status);
    expect(answer.head.toLowerCase()).toContain('content-type: application/json');
    expect(failureAnswer.parse(answer.body)).toMatchObject({ status: -2127560592, requestId: 'request-2' });
    expect(fixture.tasks.inserts).toEqual([]);
  });

  test.each([
    ['chunks that are none', posted('Transfer-Encoding: chunked', 'zz\r\nx\r\n')],
    ['a body cut off', posted('Content-Length: 34', '{"taskName":')],
  ])('%s: stores nothing', async (_, sent) => {
    await talkRaw(server.port, sent, true);
    expect(fixture.tasks.inserts).toEqual([]);
  });
});

test.each([
  ['a wrong length', posted('Content-Length: -1'), 'header Content-Length must be the number'],
  ['a length and chunks', posted('Content-Length: 34\r\nTransfer-Encoding: chunked'), 'Transfer-Encoding'],
  ['chunks that are none', posted('Transfer-Encoding: chunked', 'zz\r\nx\r\n'), 'the body must be in chunks'],
  ['a header without a name', 'GET / HTTP/1.1\r\n: x\r\n\r\n', 'each header must be a name'],
])('%s: the message says what would be right', async (_, sent, words) => {
  const answer = readRawAnswer(await talkRaw(server.port, sent));
  expect(answer).toMatchObject({ status: 400, body: { message: expect.stringContaining(words) } });
});

test('a header behind thousands of others is heeded', async () => {
  const sent = posted(`${'a:b\r\n'.repeat(2500)}Content-Length: ${valid.length}\r\nConnection: close`);
  expect(readRawAnswer(await talkRaw(server.port, sent))).toMatchObject({ status: 200, body: { status: 0 } });
  fixture.tasks.inserts.length = 0;
});

test('what is no HTTP behind a request waits for the answer of that, which ends the connection', async () => {
  const { app, tasks } = createApiFixture();
  const own = await startHttpServer({ ...at, app });
  const open = tasks.stall();
  const talked = talkRaw(own.port, `${posted(`Content-Length: ${valid.length}`)}GARBAGE\r\n\r\n`);
  await until('the submission is being stored', () => tasks.inserts.length > 0);
  open();
  const text = await talked;
  expect(readRawAnswer(text)).toMatchObject({ status: 200, body: { status: 0 } });
  expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
  await own.stop();
});

describe('a body announced as larger than may be', () => {
  test('is refused before it is sent, and not asked for', async () => {
    const own = await startHttpServer({ ...at, app: fixture.app, mostBodyBytes: 8_000_000 });
    const text = await talkRaw(own.port, posted('Content-Length: 99999999\r\nExpect: 100-continue', ''));
    expect(readRawAnswer(text)).toMatchObject({ status: 413, body: { message: expect.stringContaining('at most') } });
    await own.stop();
  });

  test('is refused while it is being sent, and what comes of it is taken in until it ends', async () => {
    const body = 'x'.repeat(3_000_000);
    const next = 'GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const text = await talkRaw(server.port, `${posted(`Content-Length: ${body.length}`, body)}${next}`);
    expect(text.match(/^HTTP\/1\.1 \d+|(?<=\})HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200']);
  });

  test('one that may be is asked for', async () => {
    const sent = posted(`Content-Length: ${valid.length}\r\nExpect: 100-continue\r\nConnection: close`);
    const text = await talkRaw(server.port, sent);
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
  });
});

test('a request without a Host, in HTTP/1.0, with a thousand ids, is answered like any other', async () => {
  const ids = Array.from({ length: 1000 }, (_, n) => 806769905152840693n + BigInt(n)).join('%2C');
  const sent = `GET /v1/tasks?taskIds=${ids} HTTP/1.0\r\nX-Tenant-Id: t\r\n\r\n`;
  expect(readRawAnswer(await talkRaw(server.port, sent))).toMatchObject({ status: 200, body: { status: 0, data: [] } });
  const bare = 'GET /v1/tasks HTTP/1.1\r\nConnection: close\r\n\r\n';
  expect(readRawAnswer(await talkRaw(server.port, bare))).toMatchObject({ status: 400, body: { status: -2127552257 } });
});

test('stopping answers what is in hand, and takes in nothing new', async () => {
  const { app, tasks } = createApiFixture();
  const stopped = await startHttpServer({ ...at, app });
  const open = tasks.stall();
  const inHand = talkRaw(stopped.port, posted(`Content-Length: ${valid.length}\r\nConnection: close`));
  await until('the submission is being stored', () => tasks.inserts.length > 0);
  const stopping = stopped.stop(60_000);
  await expect(talkRaw(stopped.port, 'GET / HTTP/1.1\r\n\r\n')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  open();
  expect(readRawAnswer(await inHand)).toMatchObject({ status: 200 });
  await stopping;
});

test('stopping ends a kept-alive connection with the answer it waits for, and one that never asked', async () => {
  const { app, tasks } = createApiFixture();
  const stopped = await startHttpServer({ ...at, app });
  const open = tasks.stall();
  const silent = talkRaw(stopped.port, '');
  const inHand = talkRaw(stopped.port, posted(`Content-Length: ${valid.length}`));
  await until('the submission is being stored', () => tasks.inserts.length > 0);
  const stopping = stopped.stop(60_000);
  open();
  expect(readRawAnswer(await inHand)).toMatchObject({ status: 200 });
  // Long before the grace: the test would time out.
  await stopping;
  expect(await silent.catch(() => '')).toBe('');
});

test('stopping without a grace ends what does not end', async () => {
  const { app, tasks } = createApiFixture();
  const stopped = await startHttpServer({ ...at, app });
  const open = tasks.stall();
  const inHand = talkRaw(stopped.port, posted(`Content-Length: ${valid.length}`));
  await until('the submission is being stored', () => tasks.inserts.length > 0);
  await stopped.stop();
  expect(await inHand).toBe('');
  open();
});

test('the waiting room is alive, not ready, and sends everybody away for a while', async () => {
  const room = await startWaitingRoom(at);
  const get = async (path: string) => {
    const answer = await fetch(`${room.url}${path}`);
    return { status: answer.status, retryAfter: answer.headers.get('retry-after'), body: await answer.json() };
  };
  expect(await get('/livez')).toMatchObject({ status: 200, retryAfter: null });
  for (const path of ['/readyz', '/v1/tasks?taskIds=1', '/nowhere']) {
    expect(await get(path)).toMatchObject({ status: 503, retryAfter: '5', body: { status: -2127552258 } });
  }
  await room.stop();
});

test('of more connections than may be, further ones are closed at once and counted; those that there are go on', async () => {
  let dropped = 0;
  const full = await startHttpServer({
    ...{ ...at, app: fixture.app, maxConnections: 2 },
    connectionDropped: () => (dropped += 1),
  });
  const open = [connect(full.port, '127.0.0.1'), connect(full.port, '127.0.0.1')];
  await until('both are open', () => full.countConnections() === 2);
  const third = connect(full.port, '127.0.0.1');
  await new Promise<void>((resolve) => third.once('close', () => resolve()));
  expect(dropped).toBe(1);
  const [first] = open;
  const answered = new Promise<string>((resolve) => first?.once('data', (data) => resolve(String(data))));
  first?.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(await answered).toContain('200 OK');
  for (const one of open) one.destroy();
  await until('both are closed', () => full.countConnections() === 0);
  await full.stop();
});
