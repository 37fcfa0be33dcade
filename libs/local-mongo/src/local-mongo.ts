import { hostInUrl } from '@juice/contracts';
import { mkdir } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { Catalog, type CatalogLog } from './collection/catalog.ts';
import { OpenCursors } from './commands/open-cursors.ts';
import { runCommand } from './commands/run-command.ts';
import { inMemory, type Durability, type ServerState } from './commands/server-state.ts';
import { removeExpired } from './expiry.ts';
import { lockFolder } from './journal/folder-lock.ts';
import { openFile, type OpenFile } from './journal/generation-files.ts';
import type { JournalLog } from './journal/journal.ts';
import { openJournal } from './journal/open-journal.ts';
import { capture } from './journal/snapshot.ts';
import { serveConnection } from './wire/connection.ts';

export interface LocalMongoOptions {
  /** The folder to keep the data in, made when it is not there; null keeps everything in memory. */
  readonly dataDir: string | null;
  /** Default 127.0.0.1. Anybody who can connect can read and write everything. */
  readonly host?: string;
  /** Default 0: any that is free. */
  readonly port?: number;
  /** Listen on this Unix socket instead of host and port. */
  readonly socketPath?: string;
  readonly log?: LocalMongoLog;
  /** How often TTL indexes are looked at; default a minute, as mongod does. */
  readonly expiryIntervalMs?: number;
  /** How long changes that nobody waits for may stay unwritten; default 50 ms. */
  readonly lingerMs?: number;
  /** A journal larger than this (and than the last snapshot) is replaced by a snapshot; default 64 MiB. */
  readonly compactBytes?: number;
  /** How often a disk that failed is tried again; default 1 s. */
  readonly retryMs?: number;
  /** Opens journal and snapshot files; for tests of disks that fail. */
  readonly openFile?: OpenFile;
}

/** `@juice/observability`'s Log is one. */
export interface LocalMongoLog extends JournalLog {
  readonly error: (event: 'dependency.lost' | 'call.failed', fields: Readonly<Record<string, unknown>>) => void;
}

export interface LocalMongo {
  /** For the driver: `mongodb://…`, without a database. */
  readonly url: string;
  /** Closes connections, writes out what is not on disk yet, lets go of the folder. Rejects when that cannot be written. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts a server that the official driver takes for a standalone mongod. Rejects with FolderInUseError (code
 * FOLDER_IN_USE) when another process has the folder, with DataDamagedError (DATA_DAMAGED) when what was stored safely
 * cannot be read, and with the system's error when the address or the folder cannot be used.
 */
export async function startLocalMongo(options: LocalMongoOptions): Promise<LocalMongo> {
  const storage = await openStorage(options);
  try {
    return await serve(storage, options);
  } catch (error) {
    await storage.close();
    throw error;
  }
}

interface Storage {
  readonly catalog: Catalog;
  readonly durability: Durability;
  readonly close: () => Promise<void>;
}

async function openStorage(options: LocalMongoOptions): Promise<Storage> {
  const { dataDir: folder } = options;
  if (folder === null) {
    const nobody: CatalogLog = { put: () => undefined, remove: () => undefined, note: () => undefined };
    return { catalog: new Catalog(nobody), durability: inMemory, close: () => Promise.resolve() };
  }
  await mkdir(folder, { recursive: true });
  const lock = await lockFolder(folder);
  try {
    return await openFolder(folder, options, lock.release);
  } catch (error) {
    await lock.release();
    throw error;
  }
}

async function openFolder(folder: string, options: LocalMongoOptions, release: () => Promise<void>): Promise<Storage> {
  // The catalog tells the journal, which is opened by filling the catalog: recovery itself tells nobody.
  const log: { current: CatalogLog } = { current: refusing };
  const catalog: Catalog = new Catalog({
    put: (id, document) => log.current.put(id, document),
    remove: (id, key) => log.current.remove(id, key),
    note: (change) => log.current.note(change),
  });
  const journal = await openJournal(catalog, {
    folder,
    openFile: options.openFile ?? openFile,
    capture: () => capture(catalog),
    lingerMs: options.lingerMs ?? 50,
    compactBytes: options.compactBytes ?? 64 * 1024 * 1024,
    retryMs: options.retryMs ?? 1000,
    ...(options.log === undefined ? {} : { log: options.log }),
  });
  log.current = journal;
  return { catalog, durability: journal, close: () => journal.close().finally(release) };
}

function refuse(): never {
  throw new TypeError('nothing is changed before the journal is open');
}
const refusing: CatalogLog = { put: refuse, remove: refuse, note: refuse };

async function serve({ catalog, durability, close }: Storage, options: LocalMongoOptions): Promise<LocalMongo> {
  const cursors = new OpenCursors(Date.now, Math.random);
  const state: ServerState = {
    catalog,
    cursors,
    durability,
    nowMs: Date.now,
    reportFault: (command, error) => options.log?.error('call.failed', { command, error }),
  };
  const served = new Map<Socket, Promise<void>>();
  const server = createServer((socket) => {
    const done = serveConnection(socket, (command) => runCommand(command, state));
    served.set(
      socket,
      done.finally(() => served.delete(socket)),
    );
  });
  const address = await listen(server, options);
  // A connection that could not be accepted (too many open files) is the client's to try again.
  server.on('error', (error) => options.log?.error('call.failed', { command: 'accept', error }));
  const sweep = setInterval(() => {
    cursors.closeIdle();
    void removeExpired(catalog, durability, Date.now());
  }, options.expiryIntervalMs ?? 60_000);
  const stop = async (): Promise<void> => {
    clearInterval(sweep);
    const closed = new Promise((resolve) => server.close(resolve));
    const connections = [...served];
    for (const [socket] of connections) socket.destroy();
    await Promise.all([closed, ...connections.map(([, done]) => done)]);
    await close();
  };
  let stopped: Promise<void> | undefined;
  return { url: `mongodb://${address}`, stop: () => (stopped ??= stop()) };
}

async function listen(
  server: Server,
  { host = '127.0.0.1', port = 0, socketPath }: LocalMongoOptions,
): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath === undefined ? { host, port } : { path: socketPath }, resolve);
  });
  if (socketPath !== undefined) return encodeURIComponent(socketPath);
  const bound = server.address();
  const boundPort = typeof bound === 'object' && bound !== null ? bound.port : port;
  return `${hostInUrl(host)}:${boundPort}`;
}
