import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A TCP proxy that does to connections what networks do. */
export interface TcpProxy {
  /** The target's URL, by way of the proxy. */
  readonly url: string;
  /** Ends every connection. */
  cut(): void;
  /** Ends every connection and takes no new ones, until `accept`. */
  refuse(): void;
  accept(): void;
  /** Forwards nothing more on the present connections, which stay open: half-open to either side. */
  silence(): void;
  /** Writes bytes to every client as if they came from the target. */
  inject(bytes: Buffer): void;
  connections(): number;
  stop(): Promise<void>;
}

export async function startTcpProxy(targetUrl: string): Promise<TcpProxy> {
  const target = new URL(targetUrl);
  const pairs = new Set<readonly [client: Socket, upstream: Socket]>();
  let isRefusing = false;
  const server = createServer((client) => {
    if (isRefusing) {
      client.destroy();
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    for (const [from, to] of [pair, [upstream, client] as const]) {
      from.on('data', (chunk) => to.write(chunk));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const url = new URL(targetUrl);
  url.port = String((server.address() as AddressInfo).port);

  const cut = (): void => {
    for (const sockets of pairs) for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    cut,
    refuse() {
      isRefusing = true;
      cut();
    },
    accept: () => void (isRefusing = false),
    silence() {
      for (const sockets of pairs) for (const socket of sockets) socket.removeAllListeners('data').resume();
    },
    inject: (bytes) => pairs.forEach(([client]) => client.write(bytes)),
    connections: () => pairs.size,
    stop() {
      cut();
      return new Promise((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
