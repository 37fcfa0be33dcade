import { ProtocolViolation } from '@juice/contracts';

/** Jute is how ZooKeeper writes records: fields one after the other, big endian, nothing named. */
export interface JuteReader {
  int(): number;
  long(): bigint;
  /** null is a length of -1. */
  buffer(): Buffer | null;
  text(): string;
  texts(): string[];
}

/** Reads a record from its start. Throws ProtocolViolation when it ends too early. */
export function readJute(record: Buffer): JuteReader {
  let at = 0;
  /** Moves on by `size` bytes and returns where they begin. */
  function take(size: number): number {
    if (size > record.length - at) {
      throw new ProtocolViolation({ peer: 'zookeeper', detail: `a record of ${record.length} bytes is cut short` });
    }
    at += size;
    return at - size;
  }
  const int = (): number => record.readInt32BE(take(4));
  function buffer(): Buffer | null {
    const size = int();
    if (size < 0) return null;
    const start = take(size);
    return record.subarray(start, start + size);
  }
  const text = (): string => buffer()?.toString() ?? '';
  return {
    int,
    long: () => record.readBigInt64BE(take(8)),
    buffer,
    text,
    texts() {
      const found: string[] = [];
      for (let left = int(); left > 0; left--) found.push(text());
      return found;
    },
  };
}

export type JuteField =
  | { readonly int: number }
  | { readonly long: bigint }
  | { readonly boolean: boolean }
  | { readonly buffer: Uint8Array | string };

export function writeJute(...fields: readonly JuteField[]): Buffer {
  return Buffer.concat(fields.map(writeField));
}

function writeField(field: JuteField): Buffer {
  if ('int' in field) return int32(field.int);
  if ('boolean' in field) return Buffer.of(field.boolean ? 1 : 0);
  if ('buffer' in field) {
    const bytes = Buffer.from(field.buffer);
    return Buffer.concat([int32(bytes.length), bytes]);
  }
  const long = Buffer.alloc(8);
  long.writeBigInt64BE(field.long);
  return long;
}

function int32(value: number): Buffer {
  const int = Buffer.alloc(4);
  int.writeInt32BE(value);
  return int;
}
