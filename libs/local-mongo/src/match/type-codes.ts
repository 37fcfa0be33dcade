import { CommandFailure } from '../command-failure.ts';
import { bsonType, type Raw } from '../bson/raw.ts';
import { isNumber, readNumber, readString } from '../bson/read.ts';

const aliases: Readonly<Record<string, number>> = {
  double: bsonType.double,
  string: bsonType.string,
  object: bsonType.document,
  array: bsonType.array,
  binData: bsonType.binary,
  undefined: bsonType.undefined,
  objectId: bsonType.objectId,
  bool: bsonType.bool,
  date: bsonType.date,
  null: bsonType.null,
  regex: bsonType.regex,
  dbPointer: bsonType.dbPointer,
  javascript: bsonType.code,
  symbol: bsonType.symbol,
  javascriptWithScope: bsonType.codeWithScope,
  int: bsonType.int32,
  timestamp: bsonType.timestamp,
  long: bsonType.int64,
  decimal: bsonType.decimal128,
  minKey: bsonType.minKey,
  maxKey: bsonType.maxKey,
};

const names = new Map(Object.entries(aliases).map(([name, code]) => [code, name]));

/** The type's name as error messages and `$type` write it. */
export const typeName = (type: number): string => names.get(type) ?? 'missing';

/** The types that one operand of `$type` (a number or an alias) means. */
export function typeCodes(operand: Raw): number[] {
  if (isNumber(operand.type)) {
    const code = Number(readNumber(operand)) & 0xff;
    if (!names.has(code)) throw new CommandFailure(2, `Invalid numerical type code: ${code}`);
    return [code];
  }
  const alias = operand.type === bsonType.string ? readString(operand) : '';
  if (alias === 'number') return [bsonType.double, bsonType.int32, bsonType.int64, bsonType.decimal128];
  const code = aliases[alias];
  if (code === undefined) throw new CommandFailure(2, `Unknown type name alias: ${alias}`);
  return [code];
}
