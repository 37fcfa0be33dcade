import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { hostInUrl } from '@juice/contracts';
import { jsonType, writeFailure } from './answer.ts';
import { refuse } from './refusal.ts';

/** A thousand ids in a query, each comma percent-encoded, are 22 KiB. */
const maxHeaderBytes = 32 * 1024;
const headersTimeoutMs = 10_000;
/** For a body of at most some megabytes; slower than that is a client that keeps connections for their own sake. */
const requestTimeoutMs = 30_000;
/** Longer than the minute after which balancers and client pools let go, so that it is they who do. */
const keepAliveMs = 75_000;

/** When stopping: for a request that is being sent just then. What has sent none by then is not going to. */
const sendingMs = 1_000;

export interface HttpServer {
  readonly url: string;
  readonly port: number;
  countConnections(): number;
  /** Takes in nothing new, lets what is in hand be answered for so long (not at all when left out), ends what is left. */
  stop(graceMs?: number): Promise<void>;
}

/** Serves an application: with limits of time and size, and the envelope even where the application is never reached. */
export async function startHttpServer(deps: {
  app: RequestListener;
  host: string;
  port: number;
  newRequestId: () => string;
  /** Further ones are closed at once: memory and descriptors have an end. */
  maxConnections?: number;
  /** What is announced to be larger is not asked for (`Expect: 100-continue`); refusing it is up to the application. */
  mostBodyBytes?: number;
  connectionDropped?: () => void;
}): Promise<HttpServer> {
  const server = createServer({
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: 5_000,
    requireHostHeader: false,
  });
  // Their bytes are bounded: of more than 2,000 Node would leave out the rest without a word.
  server.maxHeadersCount = 0;
  if (deps.maxConnections !== undefined) server.maxConnections = deps.maxConnections;
  server.on('drop', () => deps.connectionDropped?.());
  const connections = watchConnections(server);
  answerBelowHttp(server, connections, deps.newRequestId);
  server.on('checkContinue', (request, response) => {
    const isWelcome = Number(request.headers['content-length'] ?? 0) <= (deps.mostBodyBytes ?? Infinity);
    if (isWelcome) response.writeContinue();
    // Whether the body follows all the same, nobody knows.
    else response.shouldKeepAlive = false;
    server.emit('request', request, response);
  });
  server.on('request', (request, response) => {
    connections.answering(request.socket, response);
    deps.app(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(deps.port, deps.host, resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://${hostInUrl(deps.host)}:${port}`,
    countConnections: () => connections.count(),
    stop: (graceMs = 0) => stopServer(server, connections, graceMs),
  };
}

/** Answers what never becomes a request: text that is not HTTP, headers too long or too slow, CONNECT, Expect. */
function answerBelowHttp(server: Server, { latest }: Connections, newRequestId: () => string): void {
  server.on('clientError', (error: ParserError, socket) => {
    const response = latest(socket);
    const isAnswered = response !== undefined && response.headersSent;
    const isWhole = response !== undefined && response.req.complete;
    // What follows a request says nothing about it: that is answered, and then the connection ends.
    if (response !== undefined && isWhole && !isAnswered && !response.closed) response.shouldKeepAlive = false;
    else if (error.code === 'ECONNRESET' || !socket.writable || (isAnswered && !(isWhole && response.writableFinished)))
      socket.destroy();
    else socket.end(rawAnswer(statusLineOf(error), whyOf(error), newRequestId()));
  });
  server.on('connect', (_request, socket) => {
    socket.end(rawAnswer('405 Method Not Allowed', 'the method must not be CONNECT', newRequestId()));
  });
  server.on('checkExpectation', (_request, response) => {
    const text = bodyOf('header Expect must be 100-continue or absent', newRequestId());
    response.writeHead(417, {
      'content-type': jsonType,
      'content-length': Buffer.byteLength(text),
      connection: 'close',
    });
    response.end(text);
  });
}

/** With what was read when the parser gave up. */
interface ParserError extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer;
}

function statusLineOf(error: ParserError): string {
  if (error.code === 'HPE_HEADER_OVERFLOW') return '431 Request Header Fields Too Large';
  if (isUnknownMethod(error)) return '405 Method Not Allowed';
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? '408 Request Timeout' : '400 Bad Request';
}

/** What is no HTTP at all begins with no method either. */
function isUnknownMethod({ code, rawPacket }: ParserError): boolean {
  return code === 'HPE_INVALID_METHOD' && /^[A-Za-z-]+ \S+ HTTP\/1\.[01]\r\n/.test(rawPacket?.toString('latin1') ?? '');
}

/** By what node's parser says; what is not here is no HTTP/1.1 in other ways. */
const whys: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: `the headers and the URL must be at most ${maxHeaderBytes} bytes`,
  ERR_HTTP_REQUEST_TIMEOUT: 'the request must arrive sooner',
  HPE_INVALID_CONTENT_LENGTH: 'header Content-Length must be the number of bytes of the body',
  HPE_UNEXPECTED_CONTENT_LENGTH: 'header Content-Length must be given once, and not beside Transfer-Encoding',
  HPE_INVALID_TRANSFER_ENCODING: 'header Transfer-Encoding must be chunked, and not given beside Content-Length',
  HPE_INVALID_CHUNK_SIZE: 'the body must be in chunks, each after its size, as header Transfer-Encoding says',
  HPE_INVALID_HEADER_TOKEN: 'each header must be a name, a colon and a value, without control characters',
  HPE_INVALID_EOF_STATE: 'the request must not end before its body is complete',
};

function whyOf(error: ParserError): string {
  if (isUnknownMethod(error)) return 'the method must be one of HTTP, in capitals';
  return whys[error.code ?? ''] ?? 'the request must be HTTP/1.1';
}

function bodyOf(message: string, requestId: string): string {
  return writeFailure(refuse('invalid', { member: 'request', code: 'BAD_REQUEST', message }), requestId);
}

function rawAnswer(statusLine: string, message: string, requestId: string): string {
  const text = bodyOf(message, requestId);
  const head = [
    `HTTP/1.1 ${statusLine}`,
    `content-type: ${jsonType}`,
    `content-length: ${Buffer.byteLength(text)}`,
    'cache-control: no-store',
    'connection: close',
  ];
  return `${head.join('\r\n')}\r\n\r\n${text}`;
}

async function stopServer(server: Server, connections: Connections, graceMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  connections.letGo();
  const timers = [
    setTimeout(() => connections.endIdle(), Math.min(graceMs, sendingMs)),
    setTimeout(() => server.closeAllConnections(), graceMs),
  ];
  await closed;
  for (const timer of timers) clearTimeout(timer);
}

/** Which connections have a request in hand: node does not count one that never sent any, nor ends one that was answered. */
interface Connections {
  /** A request of this connection is answered with this. */
  answering(socket: Duplex, response: ServerResponse): void;
  /** What the latest request of a connection is answered with. */
  latest(socket: Duplex): ServerResponse | undefined;
  /** From now on a connection ends with the answer it waits for. */
  letGo(): void;
  endIdle(): void;
  count(): number;
}

function watchConnections(server: Server): Connections {
  const open = new Map<Duplex, ServerResponse | null>();
  let isLetGo = false;
  const endAfter = (socket: Duplex, response: ServerResponse): void => {
    response.once('close', () => socket.end());
  };
  server.on('connection', (socket) => {
    open.set(socket, null);
    socket.once('close', () => open.delete(socket));
  });
  return {
    answering(socket, response) {
      open.set(socket, response);
      if (isLetGo) endAfter(socket, response);
    },
    latest: (socket) => open.get(socket) ?? undefined,
    count: () => open.size,
    letGo() {
      isLetGo = true;
      for (const [socket, response] of open) if (response !== null && !response.closed) endAfter(socket, response);
    },
    endIdle() {
      for (const [socket, response] of open) if (response === null || response.closed) socket.destroy();
    },
  };
}
