import { Decimal128, Double } from 'bson';
import { CommandFailure } from '../command-failure.ts';
import { bsonType, type Raw } from '../bson/raw.ts';
import { readNumber } from '../bson/read.ts';
import { toRaw } from '../bson/writer.ts';

const maxInt64 = 2n ** 63n - 1n;
const minInt64 = -(2n ** 63n);

/**
 * `$inc` and `$mul`, with mongod's types: int32 stays int32 while it fits and becomes int64 when it does not; an int64
 * that overflows is an error; a double makes the result a double. Decimals are computed as doubles.
 */
export function combine(operator: '$inc' | '$mul', a: Raw, b: Raw): Raw {
  if (a.type === bsonType.decimal128 || b.type === bsonType.decimal128) {
    return toRaw(Decimal128.fromString(String(asDouble(operator, a, b))));
  }
  if (a.type === bsonType.double || b.type === bsonType.double) return toRaw(new Double(asDouble(operator, a, b)));
  if (a.type === bsonType.int32 && b.type === bsonType.int32) {
    const result = asDouble(operator, a, b);
    if (result === (result | 0)) return toRaw(result === 0 ? 0 : result);
  }
  const left = BigInt(readNumber(a));
  const right = BigInt(readNumber(b));
  const result = operator === '$inc' ? left + right : left * right;
  if (result > maxInt64 || result < minInt64) {
    throw new CommandFailure(2, `Failed to apply ${operator} operations to current value (${left}) : overflow`);
  }
  return toRaw(result);
}

function asDouble(operator: '$inc' | '$mul', a: Raw, b: Raw): number {
  const left = Number(readNumber(a));
  const right = Number(readNumber(b));
  return operator === '$inc' ? left + right : left * right;
}

/** `$bit: { and | or | xor }` on whole numbers; int32 with int32 stays int32. */
export function combineBits(operation: string, a: Raw, b: Raw): Raw {
  const [left, right] = [a, b].map((value) => BigInt(readNumber(value))) as [bigint, bigint];
  const result = operation === 'and' ? left & right : operation === 'or' ? left | right : left ^ right;
  return toRaw(a.type === bsonType.int32 && b.type === bsonType.int32 ? Number(result) : result);
}

export const isWhole = (value: Raw): boolean => value.type === bsonType.int32 || value.type === bsonType.int64;
