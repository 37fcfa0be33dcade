import { setTimeout as wait } from 'node:timers/promises';
import { DependencyFailure, ProtocolViolation } from '@juice/contracts';
import { backoffDelayMs, connectBackoff, connectWithBackoff, type Report } from '@juice/runtime';
import type { SetAlarm } from '../post.ts';
import { connectZooKeeper, errorCode, opcode, type Reply, type ZooKeeperConnection } from './connection.ts';
import { writeJute } from './jute.ts';
import { leadingZnode, masterUrlOf } from './master-znode.ts';
import type { ZooKeeperAddress } from './zookeeper-url.ts';

/** What ZooKeeper says about who leads. */
export type Lead =
  | { readonly kind: 'leader'; readonly znode: string; readonly url: string }
  /** No master is registered, or ZooKeeper cannot be asked. */
  | { readonly kind: 'none'; readonly detail: string }
  /** The leader's znode cannot be understood. */
  | { readonly kind: 'garbage'; readonly error: ProtocolViolation };

export interface LeaderWatchOptions {
  readonly address: ZooKeeperAddress;
  readonly sessionTimeoutMs: number;
  readonly setAlarm: SetAlarm;
  readonly random: () => number;
  readonly log: Report;
  /** Ends the watch, and its connection. */
  readonly signal: AbortSignal;
  /** Told what is found first, and from then on whenever it may be something else. */
  readonly onLead: (lead: Lead) => void;
}

/**
 * Follows who leads until `signal` aborts, over whichever server answers. We only read, so nothing is kept across
 * connections, neither session nor watches: whatever ends a connection (the server, an expired session, silence), the
 * next one reads everything anew. Between tries it waits with backoff, and logs each one that failed.
 */
export async function watchLeader(options: LeaderWatchOptions): Promise<void> {
  const { address, signal, log, random, onLead } = options;
  const dependency = 'zookeeper';
  while (!signal.aborted) {
    const watching = await connectWithBackoff({
      dependency,
      target: address.shown,
      connect: () => openAnywhere(options),
      log,
      signal,
      isForever: true,
      random,
    }).catch((error: unknown) => ifAborted(signal, error));
    if (watching === null) return;
    const error = await watching.lost;
    if (signal.aborted) return;
    const retryInMs = backoffDelayMs(1, connectBackoff, random);
    log.warn('dependency.lost', { dependency, target: address.shown, retryInMs, error });
    onLead({ kind: 'none', detail: error.message });
    await wait(retryInMs, undefined, { signal }).catch((reason: unknown) => ifAborted(signal, reason));
  }
}

/** Resolves when one server was connected to and has told who leads; `lost` then resolves with what ended that. */
async function openAnywhere(options: LeaderWatchOptions): Promise<{ lost: Promise<Error> }> {
  const servers = shuffled(options.address.servers, options.random);
  const problems: string[] = [];
  for (const server of servers) {
    options.signal.throwIfAborted();
    try {
      return await open(server, options);
    } catch (error: unknown) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  const detail = problems.join('; ');
  options.onLead({ kind: 'none', detail });
  throw new DependencyFailure({ dependency: 'zookeeper', operation: 'watch', retryable: true, detail });
}

async function open(
  server: { host: string; port: number },
  options: LeaderWatchOptions,
): Promise<{ lost: Promise<Error> }> {
  const { address, onLead } = options;
  let changed = (): void => undefined;
  const connection = await connectZooKeeper({ ...options, ...server, auth: address.auth, onWatch: () => changed() });
  /** Before anything is read, so that no change falls between reading and waiting. */
  const nextChange = (): Promise<'changed'> => new Promise((resolve) => (changed = () => resolve('changed')));

  async function follow(first: Promise<'changed'>): Promise<Error> {
    for (let change = first; ;) {
      const news = await Promise.race([change, connection.ended]);
      if (news instanceof Error) return news;
      change = nextChange();
      onLead(await readLead(connection, address.path));
    }
  }

  try {
    const change = nextChange();
    onLead(await readLead(connection, address.path));
    return {
      lost: follow(change)
        .catch(asError)
        .finally(() => connection.close()),
    };
  } catch (error: unknown) {
    connection.close();
    throw error;
  }
}

/** Leaves watches on all that the answer rests on. */
async function readLead(connection: ZooKeeperConnection, path: string): Promise<Lead> {
  const children = await read(connection, opcode.getChildren, path);
  if (children === null) {
    // A list of children that are not there cannot be watched; the coming of their parent can.
    const parent = await read(connection, opcode.exists, path);
    return parent === null ? { kind: 'none', detail: `there is no ${path}` } : readLead(connection, path);
  }
  const name = leadingZnode(children.body.texts());
  if (name === null) return { kind: 'none', detail: `no master is registered in ${path}` };
  const znode = `${path}/${name}`;
  const data = await read(connection, opcode.getData, znode);
  // Gone since it was listed.
  if (data === null) return readLead(connection, path);
  try {
    return { kind: 'leader', znode, url: masterUrlOf(znode, data.body.buffer() ?? Buffer.alloc(0)) };
  } catch (error: unknown) {
    if (error instanceof ProtocolViolation) return { kind: 'garbage', error };
    throw error;
  }
}

/** null when there is no such znode. */
async function read(connection: ZooKeeperConnection, type: number, path: string): Promise<Reply | null> {
  const reply = await connection.request(type, writeJute({ buffer: path }, { boolean: true }));
  if (reply.error === errorCode.noNode) return null;
  if (reply.error === 0) return reply;
  const detail = reply.error === errorCode.noAuth ? `no permission to read ${path}` : `${path}: error ${reply.error}`;
  throw new DependencyFailure({ dependency: 'zookeeper', operation: 'read', retryable: true, detail });
}

function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const drawn = items.map((item) => ({ item, lot: random() }));
  return drawn.sort((one, other) => one.lot - other.lot).map(({ item }) => item);
}

function ifAborted(signal: AbortSignal, error: unknown): null {
  if (signal.aborted) return null;
  throw error;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
