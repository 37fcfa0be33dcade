import { InvariantBroken } from '@juice/contracts';
import { bsonType, documentOf, fields, findField, Raw, readInt32 } from '../bson/raw.ts';
import { plainDocument, readNumber } from '../bson/read.ts';
import { type ByteWriter, encodeDocument, writeElement, writeRaw } from '../bson/writer.ts';
import type { CatalogChange } from '../collection/catalog.ts';
import { indexDocument, parseIndexSpec } from '../collection/index-spec.ts';

/**
 * A change as the journal keeps it, a BSON document: `{ p: collection id, d: document }` a document as it is now,
 * `{ r: collection id, k: _id }` a document that is gone, `{ c: … }` a change of the catalog, `{ e: documents }` the end of
 * a snapshot. Each says how things are after it, so that repeating changes from an earlier point on does no harm.
 */
export type Change =
  | { readonly kind: 'put'; readonly collectionId: number; readonly document: Raw }
  | { readonly kind: 'remove'; readonly collectionId: number; readonly id: Raw }
  | { readonly kind: 'catalog'; readonly change: CatalogChange }
  | { readonly kind: 'end'; readonly documents: number };

export function writePut(writer: ByteWriter, collectionId: number, document: Buffer): void {
  const opened = writer.open();
  writeElement(writer, 'p', collectionId);
  writeRaw(writer, 'd', documentOf(document));
  writer.close(opened);
}

export function writeRemove(writer: ByteWriter, collectionId: number, id: Raw): void {
  const opened = writer.open();
  writeElement(writer, 'r', collectionId);
  writeRaw(writer, 'k', id);
  writer.close(opened);
}

export function writeCatalogChange(writer: ByteWriter, change: CatalogChange): void {
  const plain = change.kind === 'index.created' ? { ...change, spec: indexDocument(change.spec) } : change;
  writeWhole(writer, { c: plain });
}

export function writeEnd(writer: ByteWriter, documents: number): void {
  writeWhole(writer, { e: documents });
}

function writeWhole(writer: ByteWriter, document: Readonly<Record<string, unknown>>): void {
  const bytes = encodeDocument(document);
  writer.copy(bytes, 0, bytes.length);
}

/** The changes of one frame. */
export function* readChanges(payload: Buffer): Generator<Change> {
  for (let at = 0; at < payload.length;) {
    const end = at + readInt32(payload, at);
    yield readChange(new Raw(bsonType.document, payload, at, end));
    at = end;
  }
}

function readChange(raw: Raw): Change {
  const [[name, first] = ['', raw], [, second] = ['', raw]] = fields(raw);
  switch (name) {
    case 'p':
      return { kind: 'put', collectionId: Number(readNumber(first)), document: second };
    case 'r':
      return { kind: 'remove', collectionId: Number(readNumber(first)), id: second };
    case 'e':
      return { kind: 'end', documents: Number(readNumber(first)) };
    case 'c':
      return { kind: 'catalog', change: readCatalogChange(first) };
    default:
      throw new InvariantBroken(`a change of the kind '${name}' in the journal`);
  }
}

function readCatalogChange(raw: Raw): CatalogChange {
  const plain = plainDocument(raw);
  const spec = findField(raw.bytes, raw.start, specName);
  return (spec === undefined ? plain : { ...plain, spec: parseIndexSpec(spec) }) as unknown as CatalogChange;
}

const specName = Buffer.from('spec');
