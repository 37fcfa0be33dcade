import { CommandFailure } from '../command-failure.ts';

/** BSON element types by their byte. */
export const bsonType = {
  double: 0x01,
  string: 0x02,
  document: 0x03,
  array: 0x04,
  binary: 0x05,
  undefined: 0x06,
  objectId: 0x07,
  bool: 0x08,
  date: 0x09,
  null: 0x0a,
  regex: 0x0b,
  dbPointer: 0x0c,
  code: 0x0d,
  symbol: 0x0e,
  codeWithScope: 0x0f,
  int32: 0x10,
  timestamp: 0x11,
  int64: 0x12,
  decimal128: 0x13,
  maxKey: 0x7f,
  minKey: 0xff,
} as const;

/**
 * One BSON value where it lies: nothing is decoded until asked, so a value that is only carried along keeps its exact
 * type and bytes. `element` is the offset of the element (type byte, name, value) it was read from, or -1 when it stands
 * alone. The bytes are never changed once a `Raw` points into them.
 */
export class Raw {
  readonly type: number;
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly element: number;
  constructor(type: number, bytes: Buffer, start: number, end: number, element = -1) {
    this.type = type;
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    this.element = element;
  }
}

export const documentOf = (bytes: Buffer): Raw => new Raw(bsonType.document, bytes, 0, bytes.length);

/** The end of the value of `type` that starts at `at`. The bytes must have been checked (see check.ts). */
export function valueEnd(type: number, bytes: Buffer, at: number): number {
  switch (type) {
    case bsonType.int64:
    case bsonType.date:
    case bsonType.double:
    case bsonType.timestamp:
      return at + 8;
    case bsonType.int32:
      return at + 4;
    case bsonType.string:
    case bsonType.code:
    case bsonType.symbol:
      return at + 4 + readInt32(bytes, at);
    case bsonType.document:
    case bsonType.array:
    case bsonType.codeWithScope:
      return at + readInt32(bytes, at);
    case bsonType.bool:
      return at + 1;
    case bsonType.null:
    case bsonType.undefined:
    case bsonType.minKey:
    case bsonType.maxKey:
      return at;
    case bsonType.objectId:
      return at + 12;
    case bsonType.binary:
      return at + 5 + readInt32(bytes, at);
    case bsonType.decimal128:
      return at + 16;
    case bsonType.regex:
      return stringEnd(bytes, stringEnd(bytes, at) + 1) + 1;
    case bsonType.dbPointer:
      return at + 4 + readInt32(bytes, at) + 12;
    default:
      throw new CommandFailure(22, `Unrecognized BSON type ${type}`);
  }
}

/** Like Buffer's own, without its argument checks: this is the hottest line of the server. */
export function readInt32(bytes: Buffer, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  );
}

/** Offset of the zero that ends the C string at `at`. */
export function stringEnd(bytes: Buffer, at: number): number {
  let end = at;
  while (bytes[end] !== 0) end += 1;
  return end;
}

/** The field `name` (its UTF-8 bytes) of the document or array that starts at `start`. */
export function findField(bytes: Buffer, start: number, name: Uint8Array): Raw | undefined {
  let at = start + 4;
  const length = name.length;
  for (;;) {
    const type = bytes[at] as number;
    if (type === 0) return undefined;
    const nameStart = at + 1;
    let i = 0;
    while (i < length && bytes[nameStart + i] === name[i]) i += 1;
    if (i === length && bytes[nameStart + i] === 0) {
      const valueStart = nameStart + i + 1;
      return new Raw(type, bytes, valueStart, valueEnd(type, bytes, valueStart), at);
    }
    // A name may contain the searched one's first i bytes but no zero among them, so the scan goes on from there.
    at = valueEnd(type, bytes, stringEnd(bytes, nameStart + i) + 1);
  }
}

/**
 * Calls `visit` with each value of a document or array in turn until it answers true; whether it did. Throws
 * CommandFailure(14) for anything else.
 */
export function someElement(parent: Raw, visit: (value: Raw, index: number) => boolean): boolean {
  if (parent.type !== bsonType.document && parent.type !== bsonType.array) {
    throw new CommandFailure(14, 'expected an object or an array');
  }
  const { bytes } = parent;
  let at = parent.start + 4;
  for (let index = 0; ; index += 1) {
    const type = bytes[at] as number;
    if (type === 0) return false;
    const start = stringEnd(bytes, at + 1) + 1;
    const end = valueEnd(type, bytes, start);
    if (visit(new Raw(type, bytes, start, end, at), index)) return true;
    at = end;
  }
}

/** The values of an array (or document), in order. */
export function elements(parent: Raw): Raw[] {
  const values: Raw[] = [];
  someElement(parent, (value) => {
    values.push(value);
    return false;
  });
  return values;
}

/** Name and value of each field, in order. */
export function fields(parent: Raw): [name: string, value: Raw][] {
  return elements(parent).map((value) => [nameOf(value), value]);
}

/** The field name of a value that was read from a document. */
export function nameOf(value: Raw): string {
  return readName(value.bytes, value.element + 1);
}

/** Names are few and read over and over: short ones are looked up by their bytes instead of decoded again. */
export function readName(bytes: Buffer, at: number): string {
  let hash = 0;
  let end = at;
  for (let byte = bytes[end] as number; byte !== 0; byte = bytes[end] as number) {
    hash = (hash * 31 + byte) | 0;
    end += 1;
  }
  const slot = hash & (knownNames.length - 1);
  const known = knownNames[slot] as string;
  if (isTextAt(known, bytes, at, end)) return known;
  const name = bytes.toString('utf8', at, end);
  // Only what is one byte to a character can be recognised by its bytes.
  if (name.length === end - at && name.length <= 32) knownNames[slot] = name;
  return name;
}

const knownNames = new Array<string>(1024).fill('');

function isTextAt(text: string, bytes: Buffer, at: number, end: number): boolean {
  if (text.length !== end - at) return false;
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) !== bytes[at + i]) return false;
  return true;
}

export function elementCount(parent: Raw): number {
  let count = 0;
  someElement(parent, () => {
    count += 1;
    return false;
  });
  return count;
}
