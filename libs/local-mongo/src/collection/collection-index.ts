import { documentOf, type Raw } from '../bson/raw.ts';
import { CommandFailure } from '../command-failure.ts';
import { createKeyExtractor, type IndexedKeys } from './index-keys.ts';
import type { IndexSpec } from './index-spec.ts';
import { SortedEntries } from './sorted-entries.ts';
import type { StoredDocument } from './stored-document.ts';
import { parsePath, plainValueAt } from '../bson/path.ts';
import { describe } from '../update/describe.ts';
import { encodeDocument } from '../bson/writer.ts';

/** Above every key that goes on from a prefix: no part of a key begins with this byte. */
export const afterAll = '\xff';

/** One index: an entry for each key of each document, the document's place making equal keys distinct. */
export class CollectionIndex {
  readonly spec: IndexSpec;
  readonly entries = new SortedEntries<StoredDocument>();
  readonly paths: readonly string[];
  readonly descending: readonly boolean[];
  /** Fields of the documents' top level whose change can change a key. */
  readonly dependsOn: ReadonlySet<string>;
  /** Some document has had an array here: an entry no longer stands for a document's only value. */
  isMultikey = false;
  readonly #keysOf: (document: Raw) => IndexedKeys;

  constructor(spec: IndexSpec) {
    this.spec = spec;
    this.paths = spec.fields.map(([path]) => path);
    this.descending = spec.fields.map(([, direction]) => direction === -1);
    this.dependsOn = new Set(this.paths.map((path) => path.split('.')[0] as string));
    this.#keysOf = createKeyExtractor(this.paths, this.descending, spec.sparse);
  }

  /** The keys that `document` has in this index. Throws CommandFailure(171) for parallel arrays. */
  keysOf(document: Raw): readonly string[] {
    const { keys, hasArrays } = this.#keysOf(document);
    if (hasArrays) this.isMultikey = true;
    return keys;
  }

  /** Throws CommandFailure(11000) when a unique index has one of the keys for another document. */
  refuseDuplicates(keys: readonly string[], document: Raw, own: StoredDocument | undefined, namespace: string): void {
    if (!this.spec.unique) return;
    for (const key of keys) {
      for (const { value } of this.entries.scan(key, key + afterAll)) {
        if (value !== own) throw duplicateKey(namespace, this.spec, document);
      }
    }
  }

  add(keys: readonly string[], document: StoredDocument): void {
    for (const key of keys) this.entries.add(key + document.place, document);
  }

  remove(keys: readonly string[], document: StoredDocument): void {
    for (const key of keys) this.entries.remove(key + document.place);
  }
}

/** The answer mongod gives for a key that is there already. */
export function duplicateKey(namespace: string, spec: IndexSpec, document: Raw): CommandFailure {
  const keyPattern = Object.fromEntries(spec.fields);
  const keyValue = Object.fromEntries(
    spec.fields.map(([path]) => [path, plainValueAt(document, parsePath(path)) ?? null] as const),
  );
  const shown = describe(documentOf(encodeDocument(keyValue)));
  return new CommandFailure(
    11000,
    `E11000 duplicate key error collection: ${namespace} index: ${spec.name} dup key: ${shown}`,
    {
      keyPattern,
      keyValue,
    },
  );
}
