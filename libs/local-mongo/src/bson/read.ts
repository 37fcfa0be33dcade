import { BSON, Decimal128 } from 'bson';
import { CommandFailure } from '../command-failure.ts';
import { bsonType, fields, elements, readInt32, type Raw } from './raw.ts';

export function isNumber(type: number): boolean {
  return type === bsonType.int32 || type === bsonType.double || type === bsonType.int64 || type === bsonType.decimal128;
}

const isText = (type: number): boolean =>
  type === bsonType.string || type === bsonType.symbol || type === bsonType.code;

export const isContainer = (type: number): boolean => type === bsonType.document || type === bsonType.array;

/** A number without loss, CommandFailure(14) for anything else: bigint only for an int64 that a double cannot hold. Decimal128 is read as the nearest double. */
export function readNumber(value: Raw): number | bigint {
  switch (value.type) {
    case bsonType.int32:
      return readInt32(value.bytes, value.start);
    case bsonType.double:
      return value.bytes.readDoubleLE(value.start);
    case bsonType.int64:
      return readInt64(value.bytes, value.start);
    case bsonType.decimal128:
      return Number(new Decimal128(value.bytes.subarray(value.start, value.end)).toString());
    default:
      throw new CommandFailure(14, 'expected a number');
  }
}

function readInt64(bytes: Buffer, at: number): number | bigint {
  const high = readInt32(bytes, at + 4);
  if (high >= -0x200000 && high < 0x200000) return high * 0x1_0000_0000 + (readInt32(bytes, at) >>> 0);
  return bytes.readBigInt64LE(at);
}

export function readString(value: Raw): string {
  if (!isText(value.type)) throw new CommandFailure(14, 'expected a string');
  return value.bytes.toString('utf8', value.start + 4, value.end - 1);
}

/** Milliseconds of a date; dates are within the safe range by definition of JavaScript's. */
export function readDateMs(value: Raw): number {
  return Number(readInt64(value.bytes, value.start));
}

/** Truth as commands see it: `true`, or any number but zero. */
export function readTruth(value: Raw | undefined): boolean {
  if (value === undefined) return false;
  if (value.type === bsonType.bool) return value.bytes[value.start] === 1;
  return isNumber(value.type) && Number(readNumber(value)) !== 0;
}

/** Source and flags of a regular expression. */
export function readRegex(value: Raw): { source: string; flags: string } {
  const [source = '', flags = ''] = value.bytes.toString('utf8', value.start, value.end).split('\0');
  return { source, flags };
}

/**
 * A plain value for JavaScript: int64 as a number where that is exact, else bigint; dates, strings and the rest as the
 * `bson` package decodes them. For what is computed with (mingo, options), never for what is stored.
 */
export function toPlain(value: Raw): unknown {
  switch (value.type) {
    case bsonType.int32:
    case bsonType.double:
    case bsonType.int64:
      return readNumber(value);
    case bsonType.string:
      return readString(value);
    case bsonType.bool:
      return value.bytes[value.start] === 1;
    case bsonType.null:
      return null;
    case bsonType.undefined:
      return undefined;
    case bsonType.date:
      return new Date(readDateMs(value));
    case bsonType.array:
      return elements(value).map(toPlain);
    case bsonType.document: {
      const plain: Record<string, unknown> = {};
      for (const [name, child] of fields(value))
        Object.defineProperty(plain, name, { ...ownField, value: toPlain(child) });
      return plain;
    }
    default:
      return decodeAlone(value);
  }
}

// defineProperty and not assignment: a field may be called `__proto__`.
const ownField = { enumerable: true, configurable: true, writable: true };

function decodeAlone(value: Raw): unknown {
  const size = value.end - value.start;
  const wrapped = Buffer.alloc(size + 8);
  wrapped.writeInt32LE(size + 8, 0);
  wrapped[4] = value.type;
  wrapped[5] = 0x76; // 'v'
  value.bytes.copy(wrapped, 7, value.start, value.end);
  const options = { useBigInt64: true, promoteBuffers: false, bsonRegExp: false };
  return BSON.deserialize(wrapped, options)['v'];
}

export function plainDocument(value: Raw): Record<string, unknown> {
  return toPlain(value) as Record<string, unknown>;
}
