import { getEventListeners } from 'node:events';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from '@jest/globals';
import { parseAllowList } from '@juice/destinations';
import {
  closedPort,
  startReceiver,
  startSocketReceiver,
  startUntrustedReceiver,
  type Reaction,
} from '../testing/receivers.ts';
import { until } from '../testing/until.ts';
import { createGuardedAgents, type Resolve } from './guard-dial.ts';
import { createHttpSender, keptBodyBytes, type Post, type PostResult } from './http-sender.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A sender that may call the loopback, unless it is told otherwise; limits are short where a test runs into them. */
function senderOf(
  given: {
    allow?: string[];
    resolve?: Resolve;
    totalMs?: number;
    connectMs?: number;
    idleMs?: number;
    abandoning?: AbortSignal;
  } = {},
) {
  const allow = parseAllowList(given.allow ?? ['127.0.0.0/8']);
  if (allow === null) throw new Error('not an allow list');
  const { resolve, idleMs } = given;
  const agents = createGuardedAgents({ allow, ...(resolve && { resolve }), ...(idleMs !== undefined && { idleMs }) });
  closers.push(() => agents.close());
  const limits = { totalMs: given.totalMs ?? 10_000, connectMs: given.connectMs ?? 5_000 };
  const abandoning = given.abandoning ?? new AbortController().signal;
  const send = createHttpSender({ agents, limits, abandoning });
  return (url: string, changes: Partial<Post> = {}): Promise<PostResult> =>
    send({
      url: new URL(url),
      headers: { 'content-type': 'application/json', 'user-agent': 'juice-callback/test' },
      body: Buffer.from('{"taskId":1}'),
      ...changes,
    });
}

async function receiver(react?: Reaction) {
  const made = await startReceiver(react);
  closers.push(() => made.close());
  return made;
}

async function socketReceiver(...given: Parameters<typeof startSocketReceiver>) {
  const made = await startSocketReceiver(...given);
  closers.push(() => made.close());
  return made;
}

describe('answers', () => {
  test('the exact bytes and headers arrive; the answer comes back with its timings', async () => {
    const { url, received } = await receiver((_, response) => {
      response.writeHead(202, { 'content-type': 'text/plain', 'set-cookie': 'a=b', 'x-request-id': 'r-1' });
      response.end('thanks');
    });
    const result = await senderOf()(`${url}/done?token=1`);
    expect(result).toMatchObject({
      kind: 'answered',
      status: 202,
      headers: { 'content-type': 'text/plain', 'x-request-id': 'r-1' },
      isBodyWhole: true,
      timings: { lookupMs: null, connectMs: expect.any(Number), tlsMs: null, firstByteMs: expect.any(Number) },
    });
    expect(result.kind === 'answered' && result.body.toString()).toBe('thanks');
    expect(result.kind === 'answered' && result.headers).not.toHaveProperty('set-cookie');
    expect(received).toHaveLength(1);
    expect(received[0]).toMatchObject({
      url: '/done?token=1',
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'content-length': '12',
        'user-agent': 'juice-callback/test',
        'accept-encoding': 'identity',
      },
    });
    expect(received[0]?.raw.toString()).toBe('{"taskId":1}');
  });

  test.each([301, 302, 303, 307, 308])('%i is not followed', async (status) => {
    const { url, received } = await receiver((_, response) => {
      response.writeHead(status, { location: '/secret' }).end();
    });
    expect(await senderOf()(url)).toMatchObject({ kind: 'answered', status, headers: { location: '/secret' } });
    expect(received).toHaveLength(1);
  });

  test.each([400, 404, 410, 429, 500, 503])('%i is an answer, asked for once', async (status) => {
    const { url, received } = await receiver((_, response) => {
      response.writeHead(status, { 'retry-after': '7' }).end('no');
    });
    expect(await senderOf()(url)).toMatchObject({ kind: 'answered', status, headers: { 'retry-after': '7' } });
    expect(received).toHaveLength(1);
  });

  test('a body that we did not ask to be compressed is kept as it is', async () => {
    const zipped = gzipSync('thanks');
    const { url } = await receiver((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(zipped);
    });
    const result = await senderOf()(url);
    expect(result).toMatchObject({ kind: 'answered', headers: { 'content-encoding': 'gzip' } });
    expect(result.kind === 'answered' && result.body.equals(zipped)).toBe(true);
  });

  test('of an endless body the beginning is kept, and the connection ends', async () => {
    let hasClosed = false;
    const { url } = await receiver((_, response) => {
      response.on('close', () => (hasClosed = true));
      response.writeHead(200);
      const more = (): void => {
        if (!hasClosed) response.write(Buffer.alloc(8192, 'x'), more);
      };
      more();
    });
    const result = await senderOf()(url);
    expect(result).toMatchObject({ kind: 'answered', status: 200, isBodyWhole: false });
    expect(result.kind === 'answered' && result.body.length).toBe(keptBodyBytes);
    await until(() => hasClosed, 'the end of the connection');
  });

  test('a body that drips is given up at the deadline; its status line has answered', async () => {
    const { url } = await receiver((_, response) => {
      response.writeHead(200);
      response.write('x');
    });
    const result = await senderOf({ totalMs: 200 })(url);
    expect(result).toMatchObject({ kind: 'answered', status: 200, isBodyWhole: false });
    expect(result.kind === 'answered' && result.body.toString()).toBe('x');
  });

  // Node ends such a request without a word, and got waits for one.
  test.each(['and ends', 'and waits'])(
    'an offer of another protocol is an answer like any other: it comes %s',
    async (how) => {
      let isClosed = false;
      const { url } = await socketReceiver((socket) => {
        socket.on('close', () => (isClosed = true));
        socket.once('data', () => {
          socket.write('HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\nServer: s\r\n\r\n');
          if (how === 'and ends') socket.end();
        });
      });
      const result = await senderOf()(url);
      expect(result).toMatchObject({ kind: 'answered', status: 101, headers: { server: 's' }, isBodyWhole: false });
      await until(() => isClosed);
    },
  );

  test('a connection that breaks within the body has answered too', async () => {
    const { url } = await receiver((_, response) => {
      response.writeHead(503, { 'content-length': '100' });
      response.write('busy', () => response.destroy());
    });
    expect(await senderOf()(url)).toMatchObject({ kind: 'answered', status: 503, isBodyWhole: false });
  });
});

describe('no answer', () => {
  test('refused', async () => {
    expect(await senderOf()(`http://127.0.0.1:${await closedPort()}/`)).toMatchObject({
      kind: 'failed',
      phase: 'connect',
      code: 'ECONNREFUSED',
    });
  });

  test('reset', async () => {
    const { url } = await socketReceiver((socket) => void socket.once('data', () => socket.resetAndDestroy()));
    expect(await senderOf()(url)).toMatchObject({ kind: 'failed', phase: 'response', code: 'ECONNRESET' });
  });

  test('closed without a word', async () => {
    const { url } = await socketReceiver((socket) => void socket.once('data', () => socket.end()));
    expect(await senderOf()(url)).toMatchObject({ kind: 'failed', phase: 'response', code: 'ECONNRESET' });
  });

  test('silence', async () => {
    const { url } = await socketReceiver(() => undefined);
    expect(await senderOf({ totalMs: 150 })(url)).toMatchObject({ kind: 'failed', phase: 'response', code: 'TIMEOUT' });
  });

  test('headers that drip', async () => {
    const { url } = await socketReceiver((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const drip = setInterval(() => socket.write('x-drip: 1\r\n'), 20);
      socket.on('close', () => clearInterval(drip));
    });
    expect(await senderOf({ totalMs: 200 })(url)).toMatchObject({ kind: 'failed', phase: 'response', code: 'TIMEOUT' });
  });

  test('not HTTP', async () => {
    const { url } = await socketReceiver((socket) => void socket.once('data', () => socket.end('SSH-2.0-none\r\n')));
    expect(await senderOf()(url)).toMatchObject({
      kind: 'failed',
      phase: 'response',
      code: expect.stringMatching(/^HPE_/),
    });
  });

  test('TLS spoken to a server without it', async () => {
    const { url } = await receiver();
    expect(await senderOf()(url.replace('http:', 'https:'))).toMatchObject({ kind: 'failed', phase: 'tls' });
  });

  test('a certificate that is not to be trusted', async () => {
    const { port, requests, close } = await startUntrustedReceiver();
    closers.push(close);
    const send = senderOf({ resolve: async () => [{ address: '127.0.0.1', family: 4 }] });
    expect(await send(`https://receiver.example:${port}/`)).toMatchObject({ kind: 'failed', phase: 'tls' });
    expect(requests()).toBe(0);
  });

  test('a TLS handshake that hangs has a limit of its own', async () => {
    const { url } = await socketReceiver(() => undefined);
    const result = await senderOf({ connectMs: 150 })(url.replace('http:', 'https:'));
    expect(result).toMatchObject({ kind: 'failed', phase: 'tls', code: 'TIMEOUT' });
  });

  test.each(['ENOTFOUND', 'EAI_AGAIN'])('a name that is not resolved: %s', async (code) => {
    const resolve: Resolve = async () => {
      throw Object.assign(new Error(code), { code, syscall: 'getaddrinfo' });
    };
    expect(await senderOf({ resolve })('http://receiver.example/')).toMatchObject({
      kind: 'failed',
      phase: 'lookup',
      code,
    });
  });

  test('a resolver that hangs has a limit of its own', async () => {
    const resolve: Resolve = () => new Promise(() => undefined);
    expect(await senderOf({ resolve, connectMs: 100 })('http://receiver.example/')).toMatchObject({
      kind: 'failed',
      phase: 'lookup',
      code: 'TIMEOUT',
    });
  });

  test('we are stopping', async () => {
    const { url } = await socketReceiver(() => undefined);
    const stopping = new AbortController();
    const send = senderOf({ abandoning: stopping.signal });
    const sent = [send(url), send(url)];
    stopping.abort();
    expect(await Promise.all([...sent, send(url)])).toEqual([
      { kind: 'stopped' },
      { kind: 'stopped' },
      { kind: 'stopped' },
    ]);
  });
});

describe('connections', () => {
  test('nothing of an attempt outlives it', async () => {
    const { url } = await receiver();
    const { signal } = new AbortController();
    const send = senderOf({ abandoning: signal });
    for (let n = 0; n < 20; n += 1) await send(url);
    expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  });

  test('are kept alive, and then not dialled again', async () => {
    const ports = new Set<number | undefined>();
    const { url } = await receiver((_, response) => {
      ports.add(response.socket?.remotePort);
      response.end('ok');
    });
    const send = senderOf();
    await send(url);
    expect(await send(url)).toMatchObject({ kind: 'answered', timings: { connectMs: null, lookupMs: null } });
    expect(ports.size).toBe(1);
  });

  test('one that was closed just as we sent on it is not held against the receiver', async () => {
    let connections = 0;
    const { url } = await socketReceiver((socket) => {
      connections += 1;
      let requests = 0;
      socket.on('data', () => {
        requests += 1;
        if (requests === 1) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
        else socket.resetAndDestroy();
      });
    });
    const send = senderOf();
    expect(await send(url)).toMatchObject({ status: 200 });
    expect(await send(url)).toMatchObject({ status: 200 });
    expect(connections).toBe(2);
  });
});

describe('the guard', () => {
  const outside = { address: '93.184.216.34', family: 4 };
  const inside = { address: '127.0.0.1', family: 4 };

  test.each([
    ['127.0.0.1', (port: number) => `http://127.0.0.1:${port}/`],
    ['[::1]', (port: number) => `http://[::1]:${port}/`],
    ['[::ffff:127.0.0.1]', (port: number) => `http://[::ffff:127.0.0.1]:${port}/`],
    ['2130706433', (port: number) => `http://2130706433:${port}/`],
    ['localhost', (port: number) => `http://localhost:${port}/`],
  ])('%s is not dialled', async (_name, urlOf) => {
    const { port, received } = await receiver();
    expect(await senderOf({ allow: [] })(urlOf(port))).toMatchObject({ kind: 'forbidden' });
    expect(await senderOf({ allow: [] })(urlOf(port).replace('http:', 'https:'))).toMatchObject({ kind: 'forbidden' });
    expect(received).toHaveLength(0);
  });

  test.each([
    ['a private address', [inside]],
    ['a public and a private one', [outside, inside]],
    ['a mapped private one', [{ address: '::ffff:10.0.0.1', family: 6 }]],
    ['none', []],
  ])('a name with %s is not dialled', async (_name, found) => {
    const { port, received } = await receiver();
    const send = senderOf({ allow: [], resolve: async () => found });
    expect(await send(`http://receiver.example:${port}/`)).toMatchObject({ kind: 'forbidden' });
    expect(received).toHaveLength(0);
  });

  test('a name is resolved once for a connection: what was judged is what is dialled', async () => {
    const { port } = await receiver((_, response) => void response.writeHead(200, { connection: 'close' }).end());
    const answers = [[inside], [outside]];
    const asked: string[] = [];
    const resolve: Resolve = async (host) => {
      asked.push(host);
      return answers.shift() ?? [];
    };
    const send = senderOf({ resolve });
    expect(await send(`http://receiver.example:${port}/`)).toMatchObject({ kind: 'answered', status: 200 });
    expect(asked).toEqual(['receiver.example']);
  });

  test('a rebinding name is judged anew for every connection', async () => {
    const { port, received } = await receiver(
      (_, response) => void response.writeHead(200, { connection: 'close' }).end(),
    );
    const answers = [[inside], [{ address: '10.0.0.1', family: 4 }]];
    const send = senderOf({ allow: ['127.0.0.1'], resolve: async () => answers.shift() ?? [] });
    expect(await send(`http://receiver.example:${port}/`)).toMatchObject({ status: 200 });
    expect(await send(`http://receiver.example:${port}/`)).toMatchObject({ kind: 'forbidden' });
    expect(received).toHaveLength(1);
  });

  test('a host that is allowed by name may be anywhere', async () => {
    const { port } = await receiver();
    const send = senderOf({ allow: ['receiver.internal'], resolve: async () => [inside] });
    expect(await send(`http://receiver.internal:${port}/`)).toMatchObject({ status: 200 });
    expect(await send(`http://other.internal:${port}/`)).toMatchObject({ kind: 'forbidden' });
  });
});
