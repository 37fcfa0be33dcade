import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { createAlarms } from '../../testing/scripted-master.ts';
import { connectZooKeeper, opcode } from './connection.ts';
import { writeJute } from './jute.ts';

const servers: { server: Server; sockets: Socket[] }[] = [];
afterEach(async () => {
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  }
});

/** A server that answers whatever comes as it is told: for what ZooKeeper does not do. */
async function connectTo(answer: (socket: Socket, turn: number) => void) {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    let turn = 0;
    socket.on('error', () => undefined);
    socket.on('data', () => answer(socket, turn++));
  });
  servers.push({ server, sockets });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const alarms = createAlarms();
  const closing = new AbortController();
  const connecting = connectZooKeeper({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    auth: null,
    sessionTimeoutMs: 900,
    setAlarm: alarms.setAlarm,
    signal: closing.signal,
    onWatch: () => undefined,
  });
  connecting.catch(() => undefined);
  return { connecting, alarms, closing };
}

const frame = (record: Buffer): Buffer => writeJute({ buffer: record });
const session = (timeoutMs: number): Buffer =>
  frame(writeJute({ int: 0 }, { int: timeoutMs }, { long: 7n }, { buffer: Buffer.alloc(16) }, { boolean: false }));
const reply = (xid: number): Buffer => frame(writeJute({ int: xid }, { long: 1n }, { int: 0 }));

test('reads frames however they are cut, and keeps to the timeout that the server sets', async () => {
  const { connecting, alarms } = await connectTo((socket) => {
    for (const byte of session(300)) socket.write(Buffer.of(byte));
  });
  await connecting;
  expect(alarms.delays()).toEqual([200, 100]);
});

test('gives up a server that is silent, before and after the session is open', async () => {
  const mute = await connectTo(() => undefined);
  mute.alarms.ringAll();
  await expect(mute.connecting).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE', retryable: true });
  const { connecting, alarms } = await connectTo((socket, turn) => turn === 0 && socket.write(session(900)));
  const connection = await connecting;
  const asking = connection.request(opcode.exists, Buffer.alloc(0));
  alarms.ringAll();
  await expect(asking).rejects.toThrow(/silent for 600 ms/);
  await expect(connection.ended).resolves.toThrow(/silent for 600 ms/);
  await expect(connection.request(opcode.exists, Buffer.alloc(0))).rejects.toThrow(/silent for 600 ms/);
});

test('gives up when the server hangs up, as one without a quorum does', async () => {
  const { connecting } = await connectTo((socket) => socket.end());
  await expect(connecting).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE', retryable: true });
});

test.each([
  ['is no ZooKeeper', (socket: Socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')],
  ['grants no session', (socket: Socket) => socket.write(session(0))],
  ['cuts its answer short', (socket: Socket) => socket.write(frame(Buffer.alloc(6)))],
])('refuses a peer that %s', async (_what, answer) => {
  const { connecting } = await connectTo(answer);
  await expect(connecting).rejects.toMatchObject({ message: expect.stringMatching(/zookeeper/) });
});

test('ends at a reply to something else', async () => {
  const { connecting } = await connectTo((socket, turn) => socket.write(turn === 0 ? session(900) : reply(99)));
  const connection = await connecting;
  await expect(connection.request(opcode.exists, Buffer.alloc(0))).rejects.toThrow(/replied to request 99/);
});

test('is closed by its signal, even while it connects', async () => {
  const { connecting, closing, alarms } = await connectTo(() => undefined);
  closing.abort();
  await expect(connecting).rejects.toThrow(/closed/);
  expect(alarms.delays()).toEqual([]);
});
