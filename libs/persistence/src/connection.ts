import mongoose from 'mongoose';
import { attempt, asFailure } from './mongo-failure.ts';

export interface MongoOptions {
  /** Shown in the server's log and in `currentOp`. */
  readonly appName: string;
  /** Connections kept open at most; 20 when left out. */
  readonly poolSize?: number;
  /** How long an operation looks for a primary before it fails; 5,000 ms when left out, so that callers can back off. */
  readonly serverSelectionTimeoutMs?: number;
}

export interface MongoConnection {
  readonly connection: mongoose.Connection;
  /** One round trip to the primary; throws DependencyFailure. */
  ping(): Promise<void>;
  /** Whether the driver's last heartbeat reached the primary; no I/O. */
  isUp(): boolean;
  close(): Promise<void>;
}

/** For reads that something is built upon: what a majority does not have yet may be taken back. */
export const byMajority = { readConcern: { level: 'majority' } } as const;

/** Used when the URL names no database. */
const defaultDatabase = 'juice';

/**
 * A silent connection is given up after this long, and an insert that has not been answered by then has failed. The
 * driver's own `timeoutMS` would say it for whole operations, but has no effect as of driver 7.8.
 */
export const operationDeadlineMs = 10_000;
/** What looks at many documents is ended by the server after this: well below the deadline, so that it does not go on unheard. */
export const longestLookMs = 5_000;

/**
 * Connects to MongoDB and resolves when a primary answered. Writes are acknowledged by a majority and journalled,
 * reads go to the primary, nothing is buffered while the server is away: operations then throw a retryable
 * DependencyFailure. Throws the same when it cannot connect; `retryable: false` means the URL or the credentials are wrong.
 */
export async function connectMongo(url: string, options: MongoOptions): Promise<MongoConnection> {
  const connection = await attempt('connect', () => open(url, options));
  return {
    connection,
    ping: () =>
      attempt('ping', async () => {
        await nativeDb(connection).command({ ping: 1 });
      }),
    isUp: () => connection.readyState === mongoose.ConnectionStates.connected,
    close: () => attempt('close', () => connection.close()),
  };
}

async function open(url: string, options: MongoOptions): Promise<mongoose.Connection> {
  const connection = mongoose.createConnection();
  // Without a listener mongoose's later connection errors would be unhandled; `isUp` and the next operation report them.
  connection.on('error', () => undefined);
  try {
    await connection.openUri(url, {
      dbName: databaseOf(url),
      appName: options.appName,
      maxPoolSize: options.poolSize ?? 20,
      serverSelectionTimeoutMS: options.serverSelectionTimeoutMs ?? 5_000,
      connectTimeoutMS: 5_000,
      waitQueueTimeoutMS: operationDeadlineMs,
      socketTimeoutMS: operationDeadlineMs,
      heartbeatFrequencyMS: 5_000,
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: operationDeadlineMs },
      readPreference: 'primary',
      useBigInt64: true,
      bufferCommands: false,
      autoIndex: false,
      autoCreate: false,
    });
    return connection;
  } catch (error: unknown) {
    await connection.destroy();
    throw asFailure('connect', error);
  }
}

/** The driver's handle: hot paths skip mongoose's casting. */
export function nativeDb(connection: mongoose.Connection): mongoose.mongo.Db {
  return connection.getClient().db(connection.name);
}

function databaseOf(url: string): string {
  const named = /^mongodb(?:\+srv)?:\/\/[^/]+\/([^/?]+)/.exec(url)?.[1];
  return named === undefined ? defaultDatabase : decodeURIComponent(named);
}
