import { CommandFailure } from '../command-failure.ts';
import { bsonType, documentOf, findField, type Raw } from '../bson/raw.ts';
import { sortKey } from '../bson/sort-key.ts';
import { typeName } from '../match/type-codes.ts';
import { idName } from '../update/with-id.ts';
import { documentToStore } from '../update/upsert.ts';
import { CollectionIndex, duplicateKey } from './collection-index.ts';
import { idIndexSpec, isSameIndex, type IndexSpec } from './index-spec.ts';
import { idOf, placeOf, StoredDocument } from './stored-document.ts';

/** Told of every change, in order, before the change can be seen by anybody else. */
export interface ChangeLog {
  readonly put: (collectionId: number, document: Buffer) => void;
  readonly remove: (collectionId: number, id: Raw) => void;
}

/** mongod's limit on one document. */
export const maxDocumentBytes = 16 * 1024 * 1024;

/** One collection: its documents in the order of their insertion, and its indexes. Every change is whole or not at all. */
export class Collection {
  readonly id: number;
  namespace: string;
  readonly indexes: CollectionIndex[] = [new CollectionIndex(idIndexSpec)];
  readonly #documents = new Map<string, StoredDocument>();
  readonly #log: ChangeLog;
  #inserts = 0;
  isDropped = false;

  constructor(id: number, namespace: string, log: ChangeLog) {
    this.id = id;
    this.namespace = namespace;
    this.#log = log;
  }

  get size(): number {
    return this.#documents.size;
  }

  /** In the order of insertion; tolerates changes while it is gone through. */
  documents(): IterableIterator<StoredDocument> {
    return this.#documents.values();
  }

  findById(id: Raw): StoredDocument | undefined {
    return this.#documents.get(sortKey(id));
  }

  /** Stores a copy of `document`. Throws CommandFailure(11000) for a key that is taken, (53) for an `_id` that cannot be one. */
  insert(document: Raw): StoredDocument {
    const stored = this.#stored(documentToStore(document));
    const { raw } = stored;
    if (this.#documents.has(stored.idKey)) throw duplicateKey(this.namespace, idIndexSpec, raw);
    const keys = this.indexes.map((index) => index.keysOf(raw));
    this.indexes.forEach((index, i) => {
      index.refuseDuplicates(keys[i] as readonly string[], raw, undefined, this.namespace);
    });
    this.#log.put(this.id, stored.bytes);
    this.#documents.set(stored.idKey, stored);
    this.indexes.forEach((index, i) => {
      index.add(keys[i] as readonly string[], stored);
    });
    return stored;
  }

  #stored(bytes: Buffer): StoredDocument {
    if (bytes.length > maxDocumentBytes) throw tooLarge(bytes.length);
    const id = idOf(documentOf(bytes));
    if (id.type === bsonType.array || id.type === bsonType.regex || id.type === bsonType.undefined) {
      throw new CommandFailure(53, `The '_id' value cannot be of type ${typeName(id.type)}`);
    }
    this.#inserts += 1;
    return new StoredDocument(sortKey(id), placeOf(this.#inserts), bytes);
  }

  /**
   * Puts `bytes` in the place of a document; whether anything changed. `touches`: the only top-level fields that can have.
   * Throws CommandFailure(66) when the `_id` would change, (11000) when a key is taken.
   */
  replace(stored: StoredDocument, bytes: Buffer, touches: ReadonlySet<string> | null): boolean {
    if (bytes.length > maxDocumentBytes) throw tooLarge(bytes.length);
    if (bytes.equals(stored.bytes)) return false;
    const before = stored.raw;
    const after = documentOf(bytes);
    if (touches === null || touches.has('_id')) this.#refuseNewId(stored, after);
    const affected = this.indexes.filter(({ dependsOn }) => touches === null || intersects(dependsOn, touches));
    const moves = affected.map((index) => ({ index, from: index.keysOf(before), to: index.keysOf(after) }));
    const changed = moves.filter(({ from, to }) => !sameKeys(from, to));
    for (const { index, to } of changed) index.refuseDuplicates(to, after, stored, this.namespace);
    this.#log.put(this.id, bytes);
    stored.bytes = bytes;
    for (const { index, from, to } of changed) {
      index.remove(from, stored);
      index.add(to, stored);
    }
    return true;
  }

  #refuseNewId(stored: StoredDocument, after: Raw): void {
    const id = findField(after.bytes, after.start, idName);
    if (id !== undefined && sortKey(id) === stored.idKey) return;
    throw new CommandFailure(66, "Performing an update on the path '_id' would modify the immutable field '_id'");
  }

  remove(stored: StoredDocument): void {
    if (stored.isRemoved) return;
    const { raw } = stored;
    this.#log.remove(this.id, idOf(raw));
    stored.isRemoved = true;
    this.#documents.delete(stored.idKey);
    for (const index of this.indexes) index.remove(index.keysOf(raw), stored);
  }

  /** Builds an index; false when the same is there already. Throws CommandFailure(85, 86, 11000). */
  createIndex(spec: IndexSpec): boolean {
    for (const { spec: existing } of this.indexes) if (isSameIndex(existing, spec)) return false;
    const index = new CollectionIndex(spec);
    for (const stored of this.#documents.values()) {
      const keys = index.keysOf(stored.raw);
      index.refuseDuplicates(keys, stored.raw, stored, this.namespace);
      index.add(keys, stored);
    }
    this.indexes.push(index);
    return true;
  }

  dropIndex(name: string): void {
    const at = this.indexes.findIndex(({ spec }) => spec.name === name);
    if (at >= 0) this.indexes.splice(at, 1);
  }

  /**
   * Takes over documents as they were kept, without telling the log: for recovery, before anybody else sees the
   * collection. `dropIndex`ed to the bare `_id` index, the others are built afterwards by `createIndex`.
   */
  restore(documents: Iterable<Buffer>): void {
    for (const bytes of documents) {
      const stored = this.#stored(bytes);
      this.#documents.set(stored.idKey, stored);
      this.indexes[0]?.add([stored.idKey], stored);
    }
  }
}

const tooLarge = (size: number) =>
  new CommandFailure(10334, `BSONObj size: ${size} is invalid. Size must be between 0 and ${maxDocumentBytes} bytes`);

function intersects(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const item of a) if (b.has(item)) return true;
  return false;
}

const sameKeys = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((key, i) => key === b[i]);
