import { CommandFailure } from '../command-failure.ts';
import { bsonType, readInt32 } from './raw.ts';

/** mongod's limit on nesting; it also bounds the recursion here and in everything that walks a checked document. */
export const maxDepth = 180;

/**
 * Checks that a well-formed document lies at `start` and ends by `limit`; answers its end. Everything else in this
 * server trusts bytes that passed here. Throws CommandFailure(22) otherwise.
 */
export function checkDocument(bytes: Buffer, start: number, limit: number, depth = 0): number {
  if (depth > maxDepth) throw new CommandFailure(15, `BSONObj exceeds maximum nested object depth: ${maxDepth}`);
  if (start + 5 > limit) throw malformed('document is cut short');
  const end = start + readInt32(bytes, start);
  if (end > limit || end < start + 5 || bytes[end - 1] !== 0) throw malformed('document size');
  let at = start + 4;
  while (at < end - 1) {
    const type = bytes[at] as number;
    at = bytes.indexOf(0, at + 1) + 1;
    if (at === 0 || at >= end || type === 0) throw malformed('field name');
    at = checkValue(type, bytes, at, { end: end - 1, depth });
  }
  if (at !== end - 1) throw malformed('document end');
  return end;
}

const fixedSizes: Readonly<Record<number, number>> = {
  [bsonType.double]: 8,
  [bsonType.undefined]: 0,
  [bsonType.objectId]: 12,
  [bsonType.bool]: 1,
  [bsonType.date]: 8,
  [bsonType.null]: 0,
  [bsonType.int32]: 4,
  [bsonType.timestamp]: 8,
  [bsonType.int64]: 8,
  [bsonType.decimal128]: 16,
  [bsonType.minKey]: 0,
  [bsonType.maxKey]: 0,
};

function checkValue(type: number, bytes: Buffer, at: number, within: { end: number; depth: number }): number {
  const { end, depth } = within;
  const fixed = fixedSizes[type];
  if (fixed !== undefined) return bounded(at + fixed, end);
  switch (type) {
    case bsonType.string:
    case bsonType.code:
    case bsonType.symbol:
      return checkString(bytes, at, end);
    case bsonType.document:
    case bsonType.array:
      return checkDocument(bytes, at, end, depth + 1);
    case bsonType.binary:
      return bounded(at + 5 + sizeAt(bytes, at, end), end);
    case bsonType.regex:
      return cStringEnd(bytes, cStringEnd(bytes, at, end), end);
    case bsonType.dbPointer:
      return bounded(checkString(bytes, at, end) + 12, end);
    case bsonType.codeWithScope: {
      const scopeEnd = checkDocument(bytes, checkString(bytes, at + 4, end), end, depth + 1);
      if (scopeEnd !== at + sizeAt(bytes, at, end)) throw malformed('code with scope');
      return scopeEnd;
    }
    default:
      throw malformed(`type ${type}`);
  }
}

function checkString(bytes: Buffer, at: number, end: number): number {
  const size = sizeAt(bytes, at, end);
  const stop = bounded(at + 4 + size, end);
  if (size < 1 || bytes[stop - 1] !== 0) throw malformed('string');
  return stop;
}

function cStringEnd(bytes: Buffer, at: number, end: number): number {
  const zero = bytes.indexOf(0, at);
  if (zero < 0) throw malformed('regular expression');
  return bounded(zero + 1, end);
}

function sizeAt(bytes: Buffer, at: number, end: number): number {
  bounded(at + 4, end);
  const size = readInt32(bytes, at);
  if (size < 0) throw malformed('size');
  return size;
}

function bounded(at: number, end: number): number {
  if (at > end) throw malformed('value is cut short');
  return at;
}

const malformed = (what: string) => new CommandFailure(22, `invalid BSON: ${what}`);
