import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';

/** One connection as the server sees it. */
export interface Visitor {
  readonly socket: Socket;
  /** The bodies of the requests that have come, in order. */
  readonly bodies: string[];
  /** Of the first request. */
  head: string;
}

export interface RawServer {
  readonly url: URL;
  readonly visitors: readonly Visitor[];
  stop(): Promise<void>;
}

/** A server that reads HTTP requests, pipelined or not, and does with each what the test says; it answers nothing by itself. */
export async function startRawServer(onRequest: (visitor: Visitor, body: string) => void): Promise<RawServer> {
  const visitors: Visitor[] = [];
  const server = createServer((socket) => {
    const visitor: Visitor = { socket, bodies: [], head: '' };
    visitors.push(visitor);
    let text = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      text += chunk.toString();
      while (!socket.destroyed) {
        const [head, length] = /^.*?\r\nContent-Length: (\d+)\r\n\r\n/s.exec(text) ?? [];
        if (head === undefined || text.length < head.length + Number(length)) return;
        const body = text.slice(head.length, head.length + Number(length));
        text = text.slice(head.length + Number(length));
        visitor.head ||= head;
        visitor.bodies.push(body);
        onRequest(visitor, body);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mesos/api?x=1`),
    visitors,
    async stop() {
      for (const { socket } of visitors) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
