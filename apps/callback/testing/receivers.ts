import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createServer as createSocketServer, type AddressInfo, type Socket } from 'node:net';
import { parseExactJson } from '@juice/contracts';
import { selfSigned } from './self-signed.ts';

/** A POST as a receiver got it. */
export interface Received {
  readonly url: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly raw: Buffer;
  readonly body: Record<string, unknown>;
}

export interface Receiver {
  readonly url: string;
  readonly port: number;
  readonly received: readonly Received[];
  close(): Promise<void>;
}

/** What a receiver does with a POST: `number` is 1 for the first it gets. */
export type Reaction = (
  received: Received,
  response: Parameters<RequestListener>[1],
  number: number,
) => void | Promise<void>;

/** A real HTTP server on a free port of the loopback. Reads the body, then reacts; answers 200 when it is not told how. */
export async function startReceiver(react: Reaction = (_, response) => void response.end()): Promise<Receiver> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks);
      const body = (raw.length === 0 ? {} : parseExactJson(raw.toString())) as Record<string, unknown>;
      const { url = '', method = '', headers } = request;
      const got = { url, method, headers, raw, body };
      received.push(got);
      void react(got, response, received.length);
    });
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** An HTTPS server whose certificate is not to be trusted; counts the requests that reach it all the same. */
export async function startUntrustedReceiver(): Promise<{ port: number; requests(): number; close(): Promise<void> }> {
  let requests = 0;
  const server = createTlsServer(selfSigned, (_, response) => {
    requests += 1;
    response.end();
  });
  const port = await listen(server);
  return {
    port,
    requests: () => requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A TCP server that speaks whatever it is told to. */
export async function startSocketReceiver(
  onSocket: (socket: Socket) => void,
): Promise<{ url: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createSocketServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    onSocket(socket);
  });
  const port = await listen(server);
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** A port that nobody listens on. */
export async function closedPort(): Promise<number> {
  const server = createSocketServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function listen(server: Server | ReturnType<typeof createSocketServer>): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}
