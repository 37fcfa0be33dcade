import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import { createServer } from 'node:tls';

/** A certificate of 127.0.0.1 that nobody has signed but itself: whoever is to trust it is told of it. */
export const certificatePath = join(import.meta.dirname, '../../../libs/mesos/testing/tls/cert.pem');
const keyPath = join(import.meta.dirname, '../../../libs/mesos/testing/tls/key.pem');

/** TLS in front of a server that speaks none. */
export interface TlsFront {
  /** `127.0.0.1:<port>`. */
  readonly place: string;
  /** How many connections were made through it, handshake included. */
  readonly connections: () => number;
  close(): void;
}

export async function startTlsFront(behind: string): Promise<TlsFront> {
  const port = Number(new URL(behind).port);
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer({ key: readFileSync(keyPath), cert: readFileSync(certificatePath) }, (outer) => {
    connections += 1;
    const inner = connect(port, '127.0.0.1');
    for (const [one, other] of [[outer, inner] as const, [inner, outer] as const]) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    place: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
