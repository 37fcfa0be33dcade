import { documentOf, findField, type Raw } from '../bson/raw.ts';
import { idName } from '../update/with-id.ts';

/** A document in its collection. `place` says when it was inserted, in a form that sorts: six bytes, one per unit. */
export class StoredDocument {
  readonly idKey: string;
  readonly place: string;
  /** Replaced, never written into: who holds the old bytes keeps a consistent document. */
  bytes: Buffer;
  isRemoved = false;
  constructor(idKey: string, place: string, bytes: Buffer) {
    this.idKey = idKey;
    this.place = place;
    this.bytes = bytes;
  }

  get raw(): Raw {
    return documentOf(this.bytes);
  }
}

export function idOf(document: Raw): Raw {
  const id = findField(document.bytes, document.start, idName);
  if (id === undefined) throw new TypeError('a stored document has an _id');
  return id;
}

/** 281 trillion inserts; the width is fixed so that places compare as text. */
export function placeOf(number: number): string {
  return String.fromCharCode(
    Math.floor(number / 0x1_0000_0000_00) & 0xff,
    Math.floor(number / 0x1_0000_0000) & 0xff,
    (number >>> 24) & 0xff,
    (number >>> 16) & 0xff,
    (number >>> 8) & 0xff,
    number & 0xff,
  );
}
