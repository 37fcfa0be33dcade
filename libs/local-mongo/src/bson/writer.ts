import { BSON } from 'bson';
import { CommandFailure } from '../command-failure.ts';
import { bsonType, Raw } from './raw.ts';

/** An append-only byte buffer that grows; offsets stay valid, the underlying buffer does not. */
export class ByteWriter {
  #bytes: Buffer;
  length = 0;

  constructor(capacity = 1024) {
    this.#bytes = Buffer.allocUnsafe(capacity);
  }

  #room(size: number): Buffer {
    const needed = this.length + size;
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.length);
      this.#bytes = grown;
    }
    return this.#bytes;
  }

  byte(value: number): void {
    this.#room(1)[this.length] = value;
    this.length += 1;
  }

  int32(value: number): void {
    this.#room(4);
    this.setInt32(this.length, value);
    this.length += 4;
  }

  setInt32(at: number, value: number): void {
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
  }

  int64(value: bigint): void {
    this.length = this.#room(8).writeBigInt64LE(value, this.length);
  }

  double(value: number): void {
    this.length = this.#room(8).writeDoubleLE(value, this.length);
  }

  setByte(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  /** Leaves room that the caller fills in. */
  skip(size: number): void {
    this.#room(size);
    this.length += size;
  }

  copy(source: Buffer, start: number, end: number): void {
    const bytes = this.#room(end - start);
    // Below some dozens of bytes a loop is quicker than the call.
    if (end - start < 24)
      for (let i = start, at = this.length; i < end; i += 1, at += 1) bytes[at] = source[i] as number;
    else source.copy(bytes, this.length, start, end);
    this.length += end - start;
  }

  /** A name. Throws CommandFailure(2) for one with a zero in it, which BSON has no way to write. */
  cString(name: string): void {
    if (name.includes('\0')) throw new CommandFailure(2, 'Field names cannot contain a null byte');
    this.#text(name);
  }

  #text(text: string): void {
    // No character takes more than three bytes for each of its UTF-16 units.
    const bytes = this.#room(text.length * 3 + 1);
    let at = this.length;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      if (code >= 0x80 || text.length > 24) {
        at = this.length + bytes.write(text, this.length);
        break;
      }
      bytes[at] = code;
      at += 1;
    }
    bytes[at] = 0;
    this.length = at + 1;
  }

  string(text: string): void {
    this.int32(Buffer.byteLength(text) + 1);
    this.#text(text);
  }

  /** Reserves the size of a document; give the answer to `close` when its elements have been written. */
  open(): number {
    this.int32(0);
    return this.length - 4;
  }

  close(opened: number): void {
    this.byte(0);
    this.setInt32(opened, this.length - opened);
  }

  /** A copy of what was written, exactly as long as it is. */
  taken(): Buffer {
    const taken = Buffer.allocUnsafeSlow(this.length);
    this.#bytes.copy(taken, 0, 0, this.length);
    this.length = 0;
    return taken;
  }

  /** What was written, without a copy: the writer must not be used again. */
  finished(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }
}

/** Writes one element: `Raw` as it lies, plain JavaScript values and `bson` classes as the driver would write them. */
export function writeElement(writer: ByteWriter, name: string, value: unknown): void {
  if (value instanceof Raw) return writeRaw(writer, name, value);
  if (value === undefined) return;
  const typeAt = writer.length;
  writer.byte(0);
  writer.cString(name);
  writer.setByte(typeAt, writeValue(writer, value));
}

export function writeRaw(writer: ByteWriter, name: string, value: Raw): void {
  writer.byte(value.type);
  writer.cString(name);
  writer.copy(value.bytes, value.start, value.end);
}

function writeValue(writer: ByteWriter, value: unknown): number {
  switch (typeof value) {
    case 'number':
      return writeNumber(writer, value);
    case 'string':
      writer.string(value);
      return bsonType.string;
    case 'boolean':
      writer.byte(value ? 1 : 0);
      return bsonType.bool;
    case 'bigint':
      writer.int64(value);
      return bsonType.int64;
    default:
      return writeObject(writer, value);
  }
}

function writeNumber(writer: ByteWriter, value: number): number {
  if (Number.isInteger(value) && value === (value | 0) && !Object.is(value, -0)) {
    writer.int32(value);
    return bsonType.int32;
  }
  writer.double(value);
  return bsonType.double;
}

function writeObject(writer: ByteWriter, value: unknown): number {
  if (value === null || value === undefined || typeof value !== 'object') return bsonType.null;
  if (Array.isArray(value)) {
    const opened = writer.open();
    for (let i = 0; i < value.length; i += 1) writeElement(writer, String(i), (value[i] as unknown) ?? null);
    writer.close(opened);
    return bsonType.array;
  }
  if (value instanceof Date) {
    writer.int64(BigInt(value.getTime()));
    return bsonType.date;
  }
  if ('_bsontype' in value || value instanceof RegExp || value instanceof Uint8Array)
    return writeForeign(writer, value);
  writeFields(writer, value as Record<string, unknown>);
  return bsonType.document;
}

/** Values of the `bson` package's own classes go through its serializer. */
function writeForeign(writer: ByteWriter, value: object): number {
  const wrapped = Buffer.from(BSON.serialize({ v: value }));
  writer.copy(wrapped, 7, wrapped.length - 1);
  return wrapped[4] as number;
}

function writeFields(writer: ByteWriter, document: Readonly<Record<string, unknown>>): void {
  const opened = writer.open();
  for (const name of Object.keys(document)) writeElement(writer, name, document[name]);
  writer.close(opened);
}

/** A document of plain values and `Raw`s as bytes. */
export function encodeDocument(document: Readonly<Record<string, unknown>>): Buffer {
  const writer = new ByteWriter();
  writeFields(writer, document);
  return writer.finished();
}

/** A plain value as a `Raw` of its own. */
export function toRaw(value: unknown): Raw {
  const writer = new ByteWriter(64);
  writeFields(writer, { v: value === undefined ? null : value });
  const bytes = writer.finished();
  return new Raw(bytes[4] as number, bytes, 7, bytes.length - 1);
}
