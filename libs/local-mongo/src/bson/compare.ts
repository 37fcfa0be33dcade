import { bsonType, type Raw } from './raw.ts';
import { isNumber, readNumber } from './read.ts';
import { sortKey } from './sort-key.ts';
import { typeRank } from './type-order.ts';

/** MongoDB's order of two values: negative, zero or positive. */
export function compareValues(a: Raw, b: Raw): number {
  const ranks = typeRank(a.type) - typeRank(b.type);
  if (ranks !== 0) return ranks;
  if (isNumber(a.type)) return compareNumbers(readNumber(a), readNumber(b));
  switch (a.type) {
    case bsonType.string:
      return a.bytes.compare(b.bytes, b.start + 4, b.end - 1, a.start + 4, a.end - 1);
    case bsonType.objectId:
    case bsonType.bool:
      return a.bytes.compare(b.bytes, b.start, b.end, a.start, a.end);
    case bsonType.date:
      return compareNumbers(a.bytes.readBigInt64LE(a.start), b.bytes.readBigInt64LE(b.start));
    case bsonType.null:
    case bsonType.undefined:
    case bsonType.minKey:
    case bsonType.maxKey:
      return 0;
    default:
      return compareText(sortKey(a), sortKey(b));
  }
}

export function equalValues(a: Raw, b: Raw): boolean {
  return compareValues(a, b) === 0;
}

/** JavaScript compares bigint and number exactly; NaN is equal to itself and below the rest, as in MongoDB. */
function compareNumbers(a: number | bigint, b: number | bigint): number {
  if (a < b) return -1;
  if (a > b) return 1;
  const aIsNaN = Number.isNaN(a);
  return aIsNaN === Number.isNaN(b) ? 0 : aIsNaN ? -1 : 1;
}

export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
