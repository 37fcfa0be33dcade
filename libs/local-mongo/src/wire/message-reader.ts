import { ProtocolViolation } from '@juice/contracts';

/** mongod's limit on one message. */
export const maxMessageBytes = 48_000_000;

const headerBytes = 16;

/** Puts a stream of bytes back together into messages. */
export class MessageReader {
  #chunks: Buffer[] = [];
  #buffered = 0;

  /** The messages that are complete with `chunk`. Throws ProtocolViolation for a length that no message has. */
  push(chunk: Buffer): Buffer[] {
    this.#chunks.push(chunk);
    this.#buffered += chunk.length;
    const messages: Buffer[] = [];
    for (;;) {
      const length = this.#nextLength();
      if (length === undefined || this.#buffered < length) return messages;
      messages.push(this.#take(length));
    }
  }

  #nextLength(): number | undefined {
    if (this.#buffered < 4) return undefined;
    if ((this.#chunks[0] as Buffer).length < 4) this.#chunks = [Buffer.concat(this.#chunks)];
    const length = (this.#chunks[0] as Buffer).readInt32LE(0);
    if (length < headerBytes || length > maxMessageBytes) {
      throw new ProtocolViolation({ peer: 'client', detail: `message length ${length}` });
    }
    return length;
  }

  #take(length: number): Buffer {
    // Joined once, when all of a message is there: a large one comes in hundreds of chunks.
    const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    this.#chunks = all.length > length ? [all.subarray(length)] : [];
    this.#buffered -= length;
    return all.subarray(0, length);
  }
}
