import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Command } from '../commands/command.ts';
import { encodeAnswer, parseMessage } from './message.ts';
import { MessageReader } from './message-reader.ts';

/**
 * Serves one client, its requests one after the other, until it leaves or sends what is no request: then the connection is
 * closed, as mongod does. A client that does not read its answers is not read from. Resolves when the connection is closed.
 */
export async function serveConnection(socket: Socket, run: (command: Command) => Promise<Buffer>): Promise<void> {
  const reader = new MessageReader();
  socket.setNoDelay(true);
  try {
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      for (const message of reader.push(chunk)) await answer(socket, message, run);
    }
  } catch {
    // Malformed bytes, or the connection broke: both end this connection and nothing else.
  } finally {
    socket.destroy();
  }
}

async function answer(socket: Socket, message: Buffer, run: (command: Command) => Promise<Buffer>): Promise<void> {
  const request = parseMessage(message);
  const document = await run(request.command);
  if (request.isUnacknowledged || socket.destroyed) return;
  socket.cork();
  const fits = encodeAnswer(request, document)
    .map((part) => socket.write(part))
    .every(Boolean);
  socket.uncork();
  if (!fits) await drained(socket);
}

async function drained(socket: Socket): Promise<void> {
  const abort = new AbortController();
  const closed = once(socket, 'close', { signal: abort.signal });
  await Promise.race([once(socket, 'drain', { signal: abort.signal }), closed]).finally(() => {
    closed.catch(() => undefined);
    abort.abort();
  });
}
