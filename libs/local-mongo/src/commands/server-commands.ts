import { hostname, totalmem, cpus } from 'node:os';
import { CommandFailure } from '../command-failure.ts';
import { maxDocumentBytes } from '../collection/collection.ts';
import { maxMessageBytes } from '../wire/message-reader.ts';
import type { Handler } from './server-state.ts';
import { maxWriteBatchSize } from './write-statements.ts';

/** The server whose behaviour is followed; drivers decide by the wire version what they may send. */
const serverVersion = '7.0.14';
const maxWireVersion = 21;

/**
 * A standalone server: no `setName` and no `msg`, so drivers neither retry writes nor start transactions.
 * `logicalSessionTimeoutMinutes` makes them accept sessions, which are ignored here.
 */
export const hello: Handler = (command, { nowMs }) => ({
  ...(command.name === 'hello' ? { isWritablePrimary: true } : { ismaster: true }),
  helloOk: true,
  maxBsonObjectSize: maxDocumentBytes,
  maxMessageSizeBytes: maxMessageBytes,
  maxWriteBatchSize,
  localTime: new Date(nowMs()),
  logicalSessionTimeoutMinutes: 30,
  connectionId: 1,
  minWireVersion: 0,
  maxWireVersion,
  readOnly: false,
});

export const succeed: Handler = () => ({});

export const buildInfo: Handler = () => ({
  version: serverVersion,
  gitVersion: 'local-mongo',
  modules: ['local-mongo'],
  versionArray: [...serverVersion.split('.').map(Number), 0],
  bits: 64,
  debug: false,
  maxBsonObjectSize: maxDocumentBytes,
  storageEngines: ['local-mongo'],
});

export const serverStatus: Handler = (_command, { nowMs, cursors }) => ({
  host: hostname(),
  version: serverVersion,
  process: 'local-mongo',
  pid: BigInt(process.pid),
  uptime: process.uptime(),
  localTime: new Date(nowMs()),
  metrics: { cursor: { open: { total: cursors.size } } },
  mem: { resident: Math.round(process.memoryUsage.rss() / 1024 / 1024) },
});

export const hostInfo: Handler = (_command, { nowMs }) => ({
  system: {
    currentTime: new Date(nowMs()),
    hostname: hostname(),
    numCores: cpus().length,
    memSizeMB: Math.round(totalmem() / 1024 / 1024),
  },
  os: { type: process.platform },
  extra: {},
});

export const connectionStatus: Handler = () => ({
  authInfo: { authenticatedUsers: [], authenticatedUserRoles: [] },
});

export const getParameter: Handler = (command) => {
  const known: Readonly<Record<string, unknown>> = { featureCompatibilityVersion: { version: '7.0' } };
  if (command.text('getParameter') === '*') return known;
  const asked = Object.keys(known).filter((name) => command.has(name));
  if (asked.length === 0) throw new CommandFailure(72, 'no option found to get');
  return Object.fromEntries(asked.map((name) => [name, known[name]]));
};

/** What a client can ask of a replica set, mongod answers to a standalone's clients so. */
export const noReplicaSet: Handler = () => {
  throw new CommandFailure(76, 'not running with --replSet');
};
