import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { decodeCall, encodeEvent, encodeRecord, type ContentType, type Draft, type Event } from '../src/index.ts';
import type { ReceivedCall } from '../src/index.ts';

/** One request as it came in. `stream` answers 200 and gives what writes to the stream. */
export interface Visit {
  readonly call: ReceivedCall;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  answer(status: number, body?: string, headers?: Record<string, string>): void;
  stream(streamId?: string): EventWriter;
}

export interface EventWriter {
  readonly response: ServerResponse;
  send(...events: readonly Draft<Event>[]): void;
  sendBytes(bytes: Uint8Array): void;
  end(): void;
}

export interface ScriptedMaster {
  readonly url: string;
  readonly host: string;
  readonly visits: readonly Visit[];
  stop(): Promise<void>;
}

/** An HTTP server that answers scheduler calls as `script` says: for what no well-behaved master does. */
export async function startScriptedMaster(
  script: (visit: Visit) => void,
  tls?: { key: string; cert: string },
): Promise<ScriptedMaster> {
  const visits: Visit[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    void readVisit(request, response).then((visit) => {
      visits.push(visit);
      script(visit);
    });
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  // Idle connections stay until the client lets go of them, so that tests see it do so.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${host}`,
    host,
    visits,
    async stop() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function readVisit(request: IncomingMessage, response: ServerResponse): Promise<Visit> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const contentType = request.headers['content-type'] as ContentType;
  const decoded = decodeCall(Buffer.concat(chunks), contentType);
  if (!decoded.ok) throw new Error(decoded.message);
  response.on('error', () => undefined);
  return {
    call: decoded.call,
    request,
    response,
    answer(status, body = '', headers = {}) {
      response.writeHead(status, { 'Content-Length': Buffer.byteLength(body), ...headers });
      response.end(body);
    },
    stream(streamId = 'stream-1') {
      response.writeHead(200, { 'Content-Type': contentType, 'Mesos-Stream-Id': streamId });
      response.flushHeaders();
      return {
        response,
        send(...events) {
          response.write(Buffer.concat(events.map((event) => encodeRecord(encodeEvent(event, contentType)))));
        },
        sendBytes: (bytes) => void response.write(bytes),
        end: () => void response.end(),
      };
    },
  };
}

/** Alarms that ring when told to: time in a test. */
export function createAlarms() {
  const pending = new Map<object, { readonly delayMs: number; readonly ring: () => void }>();
  return {
    setAlarm(delayMs: number, ring: () => void): () => void {
      const key = {};
      pending.set(key, { delayMs, ring });
      return () => void pending.delete(key);
    },
    /** The delays of the alarms that are set, oldest first. */
    delays: (): number[] => [...pending.values()].map(({ delayMs }) => delayMs),
    ringAll(): void {
      for (const { ring } of [...pending.values()]) ring();
    },
  };
}
