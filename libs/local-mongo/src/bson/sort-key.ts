import { bsonType, elements, fields, type Raw } from './raw.ts';
import { readNumber } from './read.ts';
import { typeRank } from './type-order.ts';

/**
 * Sort keys: a value as a string of bytes (one per UTF-16 unit, 0x00–0xff) such that `<` on the strings is MongoDB's order
 * of the values and `===` is its equality: 1 (int32), 1 (int64) and 1.0 have the same key. Keys delimit themselves, so the
 * key of a compound index is its parts one after another. Strings and not buffers, because V8 compares, hashes and keeps
 * them well.
 */
export function sortKey(value: Raw | undefined): string {
  scratch.length = 0;
  writeKey(value);
  return scratch.text(0);
}

/** The key of several values; `descending[i]` turns the order of that part around. A missing value sorts as null. */
export function compoundKey(values: readonly (Raw | undefined)[], descending: readonly boolean[]): string {
  scratch.length = 0;
  for (let i = 0; i < values.length; i += 1) {
    const from = scratch.length;
    writeKey(values[i]);
    if (descending[i] === true) scratch.invert(from);
  }
  return scratch.text(0);
}

/** Complements every byte of a key: the order of keys so treated is reversed. */
export function invertKey(key: string): string {
  const bytes = Buffer.from(key, 'latin1');
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = 255 - (bytes[i] as number);
  return bytes.toString('latin1');
}

/** Bytes being written. One, reused: making a key never waits, so no two are ever made at once. */
class KeyBytes {
  bytes = Buffer.alloc(256);
  length = 0;

  room(size: number): Buffer {
    if (this.length + size > this.bytes.length) {
      const grown = Buffer.alloc(Math.max(this.length + size, this.bytes.length * 2));
      this.bytes.copy(grown, 0, 0, this.length);
      this.bytes = grown;
    }
    return this.bytes;
  }

  byte(value: number): void {
    this.room(1)[this.length] = value;
    this.length += 1;
  }

  copy(source: Buffer, start: number, end: number): void {
    source.copy(this.room(end - start), this.length, start, end);
    this.length += end - start;
  }

  invert(from: number): void {
    for (let i = from; i < this.length; i += 1) this.bytes[i] = 255 - (this.bytes[i] as number);
  }

  text(from: number): string {
    return this.bytes.toString('latin1', from, this.length);
  }
}

const scratch = new KeyBytes();

function writeKey(value: Raw | undefined): void {
  if (value === undefined) return scratch.byte(typeRank(bsonType.null));
  scratch.byte(typeRank(value.type));
  const { bytes, start, end } = value;
  switch (value.type) {
    case bsonType.int32:
    case bsonType.int64:
    case bsonType.double:
    case bsonType.decimal128:
      return writeNumber(readNumber(value));
    case bsonType.string:
    case bsonType.symbol:
    case bsonType.code:
      return writeText(bytes, start + 4, end - 1);
    case bsonType.document:
      for (const [name, child] of fields(value)) {
        // mongod compares type, then name, then value, field by field.
        scratch.byte(typeRank(child.type));
        writeText(Buffer.from(name), 0, Buffer.byteLength(name));
        writeKey(child);
      }
      return scratch.byte(0);
    case bsonType.array:
      elements(value).forEach(writeKey);
      return scratch.byte(0);
    case bsonType.date:
      return writeReversed(bytes, start, 0x80);
    case bsonType.timestamp:
      return writeReversed(bytes, start, 0);
    case bsonType.binary:
      return writeBinary(value);
    default:
      return scratch.copy(bytes, start, end);
  }
}

/** Zero bytes inside are escaped, so that the end mark (two zeros) sorts a prefix before what it is a prefix of. */
function writeText(bytes: Buffer, start: number, end: number): void {
  let from = start;
  for (let zero = bytes.indexOf(0, from); zero >= 0 && zero < end; zero = bytes.indexOf(0, from)) {
    scratch.copy(bytes, from, zero + 1);
    scratch.byte(0xff);
    from = zero + 1;
  }
  scratch.copy(bytes, from, end);
  scratch.byte(0);
  scratch.byte(0);
}

/** Eight little-endian bytes as big-endian; `flip` is applied to the first (0x80 makes signed numbers sort). */
function writeReversed(bytes: Buffer, start: number, flip: number): void {
  const room = scratch.room(8);
  const at = scratch.length;
  for (let i = 0; i < 8; i += 1) room[at + i] = bytes[start + 7 - i] as number;
  room[at] = (room[at] as number) ^ flip;
  scratch.length += 8;
}

/** Length first, then subtype, then content: mongod's order of binary data. */
function writeBinary(value: Raw): void {
  const at = scratch.length;
  const room = scratch.room(4);
  for (let i = 0; i < 4; i += 1) room[at + i] = value.bytes[value.start + 3 - i] as number;
  scratch.length += 4;
  scratch.copy(value.bytes, value.start + 4, value.end);
}

const float = new DataView(new ArrayBuffer(8));

/**
 * Every number as the largest double that is not above it, in an order-preserving form, and two bytes for what an int64 has
 * on top of that double (less than 2048). NaN sorts below all numbers and -0 equals 0.
 */
function writeNumber(value: number | bigint): void {
  let floor = Number(value);
  let rest = 0;
  if (typeof value === 'bigint') {
    if (BigInt(floor) > value) floor = previousDouble(floor);
    rest = Number(value - BigInt(floor));
  }
  float.setFloat64(0, floor === 0 ? 0 : floor);
  const negative = floor < 0;
  const room = scratch.room(10);
  const at = scratch.length;
  if (Number.isNaN(floor)) room.fill(0, at, at + 8);
  else for (let i = 0; i < 8; i += 1) room[at + i] = float.getUint8(i) ^ (negative ? 0xff : i === 0 ? 0x80 : 0);
  room[at + 8] = rest >>> 8;
  room[at + 9] = rest;
  scratch.length += 10;
}

function previousDouble(value: number): number {
  float.setFloat64(0, value);
  float.setBigInt64(0, float.getBigInt64(0) + (value > 0 ? -1n : 1n));
  return float.getFloat64(0);
}
