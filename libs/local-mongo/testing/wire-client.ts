import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { BSON } from 'bson';

/** Speaks the wire protocol byte by byte, to say what no driver says. */
export interface WireClient {
  readonly socket: Socket;
  readonly send: (bytes: Buffer) => void;
  /** The next message whole, or undefined when the server has closed the connection. */
  readonly receive: () => Promise<Buffer | undefined>;
  readonly close: () => void;
}

export async function openWire(url: string): Promise<WireClient> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  const chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let buffered = Buffer.alloc(0);
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    async receive() {
      while (buffered.length < 4 || buffered.length < buffered.readInt32LE(0)) {
        const { value, done } = await chunks.next().catch(() => ({ value: undefined, done: true }));
        if (done === true || value === undefined) return undefined;
        buffered = Buffer.concat([buffered, value]);
      }
      const message = buffered.subarray(0, buffered.readInt32LE(0));
      buffered = buffered.subarray(message.length);
      return message;
    },
    close: () => socket.destroy(),
  };
}

export function message(opCode: number, requestId: number, ...parts: readonly (Buffer | Uint8Array)[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(16);
  header.writeInt32LE(16 + body.length, 0);
  header.writeInt32LE(requestId, 4);
  header.writeInt32LE(opCode, 12);
  return Buffer.concat([header, body]);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

/** An OP_MSG with one body section. */
export function opMsg(requestId: number, command: object, flags = 0): Buffer {
  const checksum = (flags & 1) === 0 ? [] : [int32(0x12345678)];
  return message(2013, requestId, int32(flags), Buffer.from([0]), BSON.serialize(command), ...checksum);
}

export const bodyOf = (answer: Buffer | undefined): Record<string, unknown> =>
  BSON.deserialize((answer ?? Buffer.alloc(0)).subarray(21), { useBigInt64: true });
