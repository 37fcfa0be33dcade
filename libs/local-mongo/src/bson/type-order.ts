import { bsonType } from './raw.ts';

/**
 * Order between types, as mongod compares them (numbers are one type, strings and symbols are one). The numbers are also
 * the type bytes of sort keys: none is 0x00 or 0xff, which end and bound keys.
 */
const ranks: Readonly<Record<number, number>> = {
  [bsonType.minKey]: 0x0a,
  [bsonType.undefined]: 0x0f,
  [bsonType.null]: 0x14,
  [bsonType.int32]: 0x1e,
  [bsonType.int64]: 0x1e,
  [bsonType.double]: 0x1e,
  [bsonType.decimal128]: 0x1e,
  [bsonType.string]: 0x3c,
  [bsonType.symbol]: 0x3c,
  [bsonType.document]: 0x46,
  [bsonType.array]: 0x50,
  [bsonType.binary]: 0x5a,
  [bsonType.objectId]: 0x64,
  [bsonType.bool]: 0x6e,
  [bsonType.date]: 0x78,
  [bsonType.timestamp]: 0x82,
  [bsonType.regex]: 0x8c,
  [bsonType.dbPointer]: 0x96,
  [bsonType.code]: 0xa0,
  [bsonType.codeWithScope]: 0xaa,
  [bsonType.maxKey]: 0xf0,
};

const table = Uint8Array.from({ length: 256 }, (_, type) => ranks[type] ?? 0);

export const typeRank = (type: number): number => table[type] as number;
