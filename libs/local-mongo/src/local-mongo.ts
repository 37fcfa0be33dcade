import { createServer, type Server, type Socket } from 'node:net';
import { Catalog } from './collection/catalog.ts';
import { OpenCursors } from './commands/open-cursors.ts';
import { runCommand } from './commands/run-command.ts';
import type { ServerState } from './commands/server-state.ts';
import { serveConnection } from './wire/connection.ts';

export interface LocalMongoOptions {
  /** The folder to keep the data in, made when it is not there; null keeps everything in memory. */
  readonly dataDir: string | null;
  readonly host?: string;
  /** 0 for any that is free. */
  readonly port?: number;
  /** Listen on this Unix socket instead of host and port. */
  readonly socketPath?: string;
}

export interface LocalMongo {
  /** For the driver: `mongodb://…`, without a database. */
  readonly url: string;
  /** Closes connections, writes out what is not on disk yet, lets go of the folder. */
  readonly stop: () => Promise<void>;
}

/** Starts a server that the official driver takes for a standalone mongod. */
export async function startLocalMongo(options: LocalMongoOptions): Promise<LocalMongo> {
  const catalog = new Catalog({ put: () => undefined, remove: () => undefined, note: () => undefined });
  const durability = { flushed: () => Promise.resolve(), refuseIfBroken: () => undefined };
  const cursors = new OpenCursors(Date.now, Math.random);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    void serveConnection(socket, (command) => runCommand(command, state)).finally(() => sockets.delete(socket));
  });
  const address = await listen(server, options);
  const state: ServerState = { catalog, cursors, durability, nowMs: Date.now, address };
  return {
    url: `mongodb://${address}`,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function listen(server: Server, options: LocalMongoOptions): Promise<string> {
  const { host = '127.0.0.1', port = 0, socketPath } = options;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath === undefined ? { host, port } : { path: socketPath }, resolve);
  });
  const bound = server.address();
  if (socketPath !== undefined) return encodeURIComponent(socketPath);
  return typeof bound === 'object' && bound !== null ? `${host.includes(':') ? `[${host}]` : host}:${bound.port}` : '';
}
