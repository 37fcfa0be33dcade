import { bsonType, elements, fields, type Raw } from '../bson/raw.ts';
import { isNumber, readDateMs, readNumber, readString } from '../bson/read.ts';

/** A value as mongod writes it in error messages: `{ a: 1, b: "x" }`, `ObjectId('…')`, `new Date(…)`. */
export function describe(value: Raw): string {
  if (isNumber(value.type)) return describeNumber(value);
  switch (value.type) {
    case bsonType.string:
    case bsonType.symbol:
      return `"${readString(value)}"`;
    case bsonType.bool:
      return value.bytes[value.start] === 1 ? 'true' : 'false';
    case bsonType.null:
      return 'null';
    case bsonType.undefined:
      return 'undefined';
    case bsonType.objectId:
      return `ObjectId('${value.bytes.toString('hex', value.start, value.end)}')`;
    case bsonType.date:
      return `new Date(${readDateMs(value)})`;
    case bsonType.binary:
      return `BinData(${value.bytes[value.start + 4]}, ${value.bytes.toString('hex', value.start + 5, value.end).toUpperCase()})`;
    case bsonType.array:
      return `[ ${elements(value).map(describe).join(', ')} ]`;
    case bsonType.document:
      return `{ ${fields(value)
        .map(([name, child]) => `${name}: ${describe(child)}`)
        .join(', ')} }`;
    default:
      return value.type === bsonType.minKey ? 'MinKey' : value.type === bsonType.maxKey ? 'MaxKey' : '...';
  }
}

function describeNumber(value: Raw): string {
  const number = readNumber(value);
  return value.type === bsonType.double && Number.isInteger(number) ? `${number}.0` : String(number);
}
