import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, test } from '@jest/globals';
import { startRawServer, type Visitor } from '../testing/raw-server.ts';
import { createAlarms } from '../testing/scripted-master.ts';
import { until } from '../testing/until.ts';
import type { CallAnswer } from './answers.ts';
import { createPipeline } from './pipeline.ts';

const accepted: CallAnswer = { kind: 'accepted' };
const unknown = { kind: 'unknown' };
const lost = { kind: 'subscription-lost' };
const answer202 = 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n';
const closing202 = 'HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\nConnection: close\r\n\r\n';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function startServer(onRequest: (visitor: Visitor, body: string) => void) {
  const server = await startRawServer(onRequest);
  cleanUps.push(() => server.stop());
  return server;
}

function openPipeline(url: URL, { setAlarm = createAlarms().setAlarm, maxWaiting = 100_000 } = {}) {
  const headers = { Accept: 'application/json', 'Mesos-Stream-Id': 's' };
  const pipeline = createPipeline({ url, headers, ca: undefined, timeoutMs: 777, maxWaiting, setAlarm });
  cleanUps.push(() => pipeline.end());
  const call = (name: string) => pipeline.call(Buffer.from(name));
  return { pipeline, call, callAll: (count: number) => Array.from({ length: count }, (_, i) => call(String(i))) };
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, i) => String(from + i));

describe('while the connection holds', () => {
  test('requests are as HTTP wants them', async () => {
    const { visitors, url } = await startServer(({ socket }) => socket.write(answer202));
    expect(await openPipeline(url).call('hello')).toEqual(accepted);
    expect(visitors[0]?.head.split('\r\n')).toEqual([
      'POST /mesos/api?x=1 HTTP/1.1',
      `Host: ${url.host}`,
      'Accept: application/json',
      'Mesos-Stream-Id: s',
      'Content-Length: 5',
      '',
      '',
    ]);
  });

  test('one is sent first, each answer allows one more, and a hundred are the most', async () => {
    const { visitors, url } = await startServer(() => undefined);
    const { callAll, pipeline } = openPipeline(url);
    const answers = callAll(300);
    const seen = () => visitors[0]?.bodies.length ?? 0;
    await until(() => seen() === 1, 'the first');
    for (let answered = 0; answered < 250; answered++) {
      visitors[0]?.socket.write(answer202);
      const allowed = Math.min(300, answered + 1 + Math.min(100, answered + 2));
      await until(() => seen() === allowed, `${allowed} requests after ${answered + 1} answers`);
      expect(pipeline.waiting()).toBe(300 - allowed);
    }
    visitors[0]?.socket.write(answer202.repeat(50));
    expect(await Promise.all(answers)).toEqual(Array(300).fill(accepted));
    expect(visitors[0]?.bodies).toEqual(numbers(300));
    expect(visitors).toHaveLength(1);
  });

  test('each gets its own answer, however they come', async () => {
    const { url } = await startServer(({ socket }, body) => {
      for (const byte of `HTTP/1.1 400 Bad\r\nContent-Length: ${body.length}\r\n\r\n${body}`) socket.write(byte);
    });
    const answers = await Promise.all(openPipeline(url).callAll(40));
    expect(answers).toEqual(numbers(40).map((detail) => ({ kind: 'refused', status: 400, detail })));
  });

  test('what comes when too many wait is not sent', async () => {
    const { visitors, url } = await startServer(({ socket }) => socket.write(answer202));
    const answers = await Promise.all(openPipeline(url, { maxWaiting: 3 }).callAll(5));
    const full = { kind: 'unknown', detail: 'not sent: 3 calls wait already' };
    expect(answers).toEqual([accepted, accepted, accepted, full, full]);
    expect(visitors[0]?.bodies).toEqual(numbers(3));
  });
});

test('over TLS a server is asked for the name that its certificate must have', async () => {
  const pem = (file: string) => readFileSync(new URL(`../testing/tls/${file}.pem`, import.meta.url), 'utf8');
  const ca = pem('cert');
  const names: string[] = [];
  const server = createTlsServer({
    key: pem('key'),
    cert: ca,
    SNICallback(name, use) {
      names.push(name);
      use(null);
    },
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, 'localhost');
  await once(server, 'listening');
  cleanUps.push(() => server.close());
  const url = new URL(`https://localhost:${(server.address() as AddressInfo).port}/`);
  const { setAlarm } = createAlarms();
  const pipeline = createPipeline({ url, headers: {}, ca, timeoutMs: 777, maxWaiting: 1, setAlarm });
  const answer = await pipeline.call(Buffer.from('a'));
  expect(answer).toEqual({ kind: 'unknown', detail: expect.stringContaining('altnames') });
  expect(names).toEqual(['localhost']);
});

describe('when the connection ends', () => {
  test('after answers, the others are sent once more, in order, before those waiting', async () => {
    const { visitors, url } = await startServer((visitor, body) => {
      if (visitors.length === 1 && body === '30') visitor.socket.destroy();
      else visitor.socket.write(answer202);
    });
    // Answers are read before the end is seen, but for those still under way: these calls come twice.
    expect(await Promise.all(openPipeline(url).callAll(100))).toEqual(Array(100).fill(accepted));
    const [first, second] = visitors as [Visitor, Visitor];
    expect(visitors).toHaveLength(2);
    const again = Number(second.bodies[0]);
    expect(again).toBeLessThanOrEqual(30);
    expect(first.bodies).toEqual(numbers(31));
    expect(second.bodies).toEqual(numbers(100 - again, again));
  });

  test.each([
    [1, 'closes it', (socket: Socket) => socket.end(closing202)],
    [3, 'closes it', (socket: Socket) => socket.end(closing202)],
    [3, 'says that it will', (socket: Socket) => socket.write(closing202)],
  ])('after every %d answers, because the server %s, all are answered', async (each, _how, answerLast) => {
    const { visitors, url } = await startServer(({ socket, bodies }) => {
      if (bodies.length < each) socket.write(answer202);
      else if (bodies.length === each) answerLast(socket);
    });
    expect(await Promise.all(openPipeline(url).callAll(30))).toEqual(Array(30).fill(accepted));
    expect(visitors).toHaveLength(30 / each);
  });

  test('while idle, the next call has a new one', async () => {
    const { visitors, url } = await startServer(({ socket }) => socket.write(answer202));
    const { call } = openPipeline(url);
    expect(await call('a')).toEqual(accepted);
    // As some proxies say goodbye.
    visitors[0]?.socket.end('HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
    await once(visitors[0]?.socket as Socket, 'close');
    expect(await call('b')).toEqual(accepted);
    expect(visitors.map(({ bodies }) => bodies)).toEqual([['a'], ['b']]);
  });

  test('without an answer, nothing is known of its call, and nobody waits for another', async () => {
    let isUp = false;
    const { visitors, url } = await startServer(({ socket }) => {
      if (isUp) socket.write(answer202);
      else socket.end();
    });
    const { call, callAll } = openPipeline(url);
    const [first, ...others] = await Promise.all(callAll(5));
    expect(first).toEqual({ kind: 'unknown', detail: 'the connection was closed' });
    expect(others).toEqual(Array(4).fill({ kind: 'unknown', detail: 'not sent: the connection was closed' }));
    isUp = true;
    expect(await call('x')).toEqual(accepted);
    expect(visitors.map(({ bodies }) => bodies)).toEqual([['0'], ['x']]);
  });

  test('before it was made, that is what all are told', async () => {
    const { url } = await startServer(() => undefined);
    for (const cleanUp of cleanUps.splice(0)) await cleanUp();
    const answers = await Promise.all(openPipeline(url).callAll(3));
    expect(answers).toEqual(Array(3).fill({ kind: 'unknown', detail: expect.stringContaining('ECONNREFUSED') }));
  });

  test('because it brings what is no HTTP, nothing is known of the call', async () => {
    const { url } = await startServer(({ socket }) => socket.write('220 smtp ready\r\n\r\n'));
    const answer = await openPipeline(url).call('a');
    expect(answer).toEqual({ kind: 'unknown', detail: expect.stringContaining('not an HTTP answer: 220') });
  });
});

describe('a master that is silent', () => {
  test('for too long ends all, those waiting too; then a new connection is made', async () => {
    const alarms = createAlarms();
    let isSilent = false;
    const { visitors, url } = await startServer(({ socket }) => {
      if (!isSilent) socket.write(answer202);
    });
    const { call, callAll, pipeline } = openPipeline(url, { setAlarm: alarms.setAlarm });
    await Promise.all(callAll(10));
    expect(alarms.delays()).toEqual([]);
    isSilent = true;
    const answers = Promise.all(callAll(30));
    await until(() => visitors[0]?.bodies.length === 21, 'eleven in flight');
    expect(pipeline.waiting()).toBe(19);
    // One alarm, however many are in flight or wait.
    expect(alarms.delays()).toEqual([777]);
    alarms.ringAll();
    const silent = 'no answer within 777 ms';
    expect(await answers).toEqual([
      ...Array<CallAnswer>(11).fill({ kind: 'unknown', detail: silent }),
      ...Array<CallAnswer>(19).fill({ kind: 'unknown', detail: `not sent: ${silent}` }),
    ]);
    expect(alarms.delays()).toEqual([]);
    isSilent = false;
    expect(await call('x')).toEqual(accepted);
    expect(visitors[1]?.bodies).toEqual(['x']);
  });

  test('has its whole time again after each answer', async () => {
    const isCancelled: boolean[] = [];
    const setAlarm = () => {
      const at = isCancelled.push(false) - 1;
      return () => void (isCancelled[at] = true);
    };
    const { visitors, url } = await startServer(() => undefined);
    const answers = openPipeline(url, { setAlarm }).callAll(3);
    await until(() => visitors[0]?.bodies.length === 1, 'the first');
    expect(isCancelled).toEqual([false]);
    visitors[0]?.socket.write(answer202);
    await until(() => visitors[0]?.bodies.length === 3, 'the other two');
    expect(isCancelled).toEqual([true, false]);
    visitors[0]?.socket.write(answer202);
    expect(await answers[1]).toEqual(accepted);
    expect(isCancelled).toEqual([true, true, false]);
    visitors[0]?.socket.write(answer202);
    expect(await answers[2]).toEqual(accepted);
    expect(isCancelled).toEqual([true, true, true]);
  });
});

describe('at the end of the stream', () => {
  test('what waits is not sent, what is in flight is answered, and the connection is closed', async () => {
    const { visitors, url } = await startServer(() => undefined);
    const { call, callAll, pipeline } = openPipeline(url);
    const [first, ...others] = callAll(5);
    await until(() => visitors[0]?.bodies.length === 1, 'the first');
    pipeline.end();
    expect(await Promise.all(others)).toMatchObject(Array(4).fill(lost));
    expect(await call('x')).toMatchObject(lost);
    const { socket } = visitors[0] as Visitor;
    const closed = once(socket, 'close');
    socket.write(answer202);
    expect(await first).toEqual(accepted);
    await closed;
    expect(visitors.map(({ bodies }) => bodies)).toEqual([['0']]);
  });

  test('what was in flight when the connection broke as well is unknown, and not sent again', async () => {
    const { visitors, url } = await startServer(({ socket }, body) => {
      if (body === 'a') socket.write(answer202);
    });
    const { call, pipeline } = openPipeline(url);
    await call('a');
    const answer = call('b');
    await until(() => visitors[0]?.bodies.length === 2, 'the second');
    pipeline.end();
    visitors[0]?.socket.destroy();
    expect(await answer).toMatchObject(unknown);
    expect(visitors).toHaveLength(1);
  });

  test('an idle connection is closed at once, and none is opened for nothing', async () => {
    const { visitors, url } = await startServer(({ socket }) => socket.write(answer202));
    const { call, pipeline } = openPipeline(url);
    await call('a');
    const closed = once(visitors[0]?.socket as Socket, 'close');
    pipeline.end();
    await closed;
    const unused = openPipeline(url);
    const answer = unused.call('b');
    unused.pipeline.end();
    expect(await answer).toMatchObject(lost);
    expect(visitors).toHaveLength(1);
  });
});
