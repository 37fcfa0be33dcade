import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { DependencyFailure, ProtocolViolation } from '@juice/contracts';
import type { SetAlarm } from '../post.ts';
import { readJute, writeJute, type JuteReader } from './jute.ts';

/** Operation codes and error codes of ZooKeeper's protocol (ZooDefs, KeeperException). */
export const opcode = { create: 1, delete: 2, exists: 3, getData: 4, getChildren: 8, ping: 11, auth: 100, close: -11 };
export const errorCode = { noNode: -101, noAuth: -102, authFailed: -115 };

const pingXid = -2;
const authXid = -4;
const watchXid = -1;
/** Far above what a znode may hold (1 MB); a longer frame is not ZooKeeper talking. */
const maxFrameBytes = 4 * 1024 * 1024;

export interface Reply {
  /** 0, or one of ZooKeeper's error codes. */
  readonly error: number;
  readonly body: JuteReader;
}

/** One connection to one server, which is also one session: neither outlives the other. */
export interface ZooKeeperConnection {
  /** Replies come in the order of the requests. Rejects when the connection is over. */
  request(type: number, body: Buffer): Promise<Reply>;
  /** Resolves with what ended the connection. */
  readonly ended: Promise<Error>;
  /** Ends the session at the server, and then the connection. */
  close(): void;
}

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** `user:password`. */
  readonly auth: string | null;
  /** Asked for; the server may shorten or lengthen it. A server silent for two thirds of it is given up. */
  readonly sessionTimeoutMs: number;
  readonly setAlarm: SetAlarm;
  /** Closes the connection. */
  readonly signal: AbortSignal;
  /** Some znode that a request with a watch has read is no longer as it was. */
  readonly onWatch: () => void;
}

/**
 * Connects, opens a session and authenticates. Rejects with a DependencyFailure when the server cannot be reached, does
 * not answer within two thirds of the session timeout, has no quorum (it hangs up), or refuses the credentials.
 */
export async function connectZooKeeper(options: ConnectionOptions): Promise<ZooKeeperConnection> {
  const { host, port, setAlarm } = options;
  const server = `${host}:${port}`;
  const socket = connect({ host, port, noDelay: true });
  const frames = createFrames(socket, server);
  let timeoutMs = options.sessionTimeoutMs;
  let cancelSilence = (): void => undefined;
  let cancelPing = (): void => undefined;
  const waiting: { xid: number; resolve: (reply: Reply) => void; reject: (error: Error) => void }[] = [];
  let nextXid = 1;
  let end: Error | null = null;

  const ended = new Promise<Error>((resolve) => {
    socket.on('error', (error) => (end ??= failure(server, error.message, error)));
    socket.once('close', () => {
      end ??= failure(server, 'the server closed the connection');
      cancelSilence();
      cancelPing();
      options.signal.removeEventListener('abort', close);
      for (const each of waiting.splice(0)) each.reject(end);
      resolve(end);
    });
  });

  function giveUp(error: Error): void {
    end ??= error;
    socket.destroy();
  }

  /** Every frame is a sign of life. */
  function heard(): void {
    cancelSilence();
    const limitMs = (timeoutMs * 2) / 3;
    cancelSilence = setAlarm(limitMs, () => giveUp(failure(server, `silent for ${Math.round(limitMs)} ms`)));
  }

  function pingRegularly(): void {
    cancelPing = setAlarm(timeoutMs / 3, () => {
      frames.send(writeJute({ int: pingXid }, { int: opcode.ping }));
      pingRegularly();
    });
  }

  function onReply(frame: Buffer): void {
    heard();
    const body = readJute(frame);
    const xid = body.int();
    body.long();
    const error = body.int();
    if (xid === pingXid) return;
    if (xid === watchXid) return options.onWatch();
    const first = waiting[0];
    if (first?.xid !== xid) throw violation(server, `replied to request ${xid}, not to ${first?.xid ?? 'none'}`);
    waiting.shift();
    first.resolve({ error, body });
  }

  async function send(xid: number, type: number, body: Buffer): Promise<Reply> {
    if (end !== null || socket.destroyed) throw end ?? failure(server, 'the connection is closed');
    return new Promise((resolve, reject) => {
      waiting.push({ xid, resolve, reject });
      frames.send(Buffer.concat([writeJute({ int: xid }, { int: type }), body]));
    });
  }

  async function openSession(): Promise<void> {
    await Promise.race([once(socket, 'connect'), ended.then((error) => Promise.reject(error))]);
    const opened = new Promise<JuteReader>((resolve) => frames.read((frame) => resolve(readJute(frame))));
    frames.send(connectRequest(timeoutMs));
    const answer = await Promise.race([opened, ended.then((error) => Promise.reject(error))]);
    answer.int();
    timeoutMs = answer.int();
    // A session that the server does not grant has no time to live.
    if (timeoutMs <= 0) throw violation(server, 'opened no session');
  }

  heard();
  options.signal.addEventListener('abort', close, { once: true });
  try {
    await openSession();
    heard();
    pingRegularly();
    frames.read(onReply);
    if (options.auth !== null) await authenticate(options.auth);
  } catch (error: unknown) {
    socket.destroy();
    throw error;
  }

  function close(): void {
    end ??= failure(server, 'closed');
    if (socket.connecting || !socket.writable) return void socket.destroy();
    frames.send(writeJute({ int: nextXid++ }, { int: opcode.close }));
    socket.destroySoon();
  }

  async function authenticate(auth: string): Promise<void> {
    const { error } = await send(authXid, opcode.auth, writeJute({ int: 0 }, { buffer: 'digest' }, { buffer: auth }));
    if (error !== 0) throw failure(server, `refused the credentials (${error})`);
  }

  return {
    request: (type, body) => send(nextXid++, type, body),
    ended,
    close,
  };
}

/** A new session each time: what we read, we read again after any loss, so there is nothing of an old one to take up. */
function connectRequest(timeoutMs: number): Buffer {
  const noPassword = Buffer.alloc(16);
  return writeJute(
    { int: 0 },
    { long: 0n },
    { int: timeoutMs },
    { long: 0n },
    { buffer: noPassword },
    { boolean: false },
  );
}

/** Frames are records with their length before them. A frame that cannot be one ends the connection. */
function createFrames(socket: Socket, server: string) {
  let bytes: Buffer = Buffer.alloc(0);
  let onFrame: (frame: Buffer) => void = () => undefined;

  function next(): Buffer | null {
    if (bytes.length < 4) return null;
    const size = bytes.readInt32BE(0);
    if (size < 0 || size > maxFrameBytes) throw violation(server, `sent a frame of ${size} bytes: not ZooKeeper?`);
    if (bytes.length < 4 + size) return null;
    const frame = bytes.subarray(4, 4 + size);
    bytes = bytes.subarray(4 + size);
    return frame;
  }

  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    try {
      for (let frame = next(); frame !== null; frame = next()) onFrame(frame);
    } catch (error: unknown) {
      socket.destroy(error instanceof Error ? error : undefined);
    }
  });

  return {
    send: (record: Buffer): void => void socket.write(writeJute({ buffer: record })),
    /** From now on frames go there. */
    read(reader: (frame: Buffer) => void): void {
      onFrame = reader;
    },
  };
}

function failure(server: string, detail: string, cause?: unknown): DependencyFailure {
  const facts = { dependency: 'zookeeper', operation: 'connect', retryable: true };
  return new DependencyFailure({ ...facts, detail: `${server}: ${detail}`, cause });
}

function violation(server: string, detail: string): ProtocolViolation {
  return new ProtocolViolation({ peer: 'zookeeper', detail: `${server} ${detail}` });
}
