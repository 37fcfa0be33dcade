import { CommandFailure } from '../command-failure.ts';
import { Collection, type ChangeLog } from './collection.ts';
import type { IndexSpec } from './index-spec.ts';

/** A change to what collections and indexes there are; documents' own changes are the `ChangeLog`'s. */
export type CatalogChange =
  | { readonly kind: 'collection.created'; readonly id: number; readonly namespace: string }
  | { readonly kind: 'collection.dropped'; readonly id: number }
  | { readonly kind: 'collection.renamed'; readonly id: number; readonly namespace: string }
  | { readonly kind: 'index.created'; readonly id: number; readonly spec: IndexSpec }
  | { readonly kind: 'index.dropped'; readonly id: number; readonly name: string };

export interface CatalogLog extends ChangeLog {
  readonly note: (change: CatalogChange) => void;
}

/** What databases and collections there are. A database is there when one of its collections is. */
export class Catalog {
  readonly #byNamespace = new Map<string, Collection>();
  readonly #log: CatalogLog;
  #lastId = 0;

  constructor(log: CatalogLog) {
    this.#log = log;
  }

  find(namespace: string): Collection | undefined {
    return this.#byNamespace.get(namespace);
  }

  all(): Collection[] {
    return [...this.#byNamespace.values()];
  }

  inDatabase(database: string): Collection[] {
    return this.all().filter(({ namespace }) => namespace.startsWith(`${database}.`));
  }

  /** The collection, made when it is not there. Throws CommandFailure(73) for a name that cannot be one. */
  ensure(namespace: string): Collection {
    return this.find(namespace) ?? this.create(namespace);
  }

  create(namespace: string): Collection {
    refuseBadName(namespace);
    this.#lastId += 1;
    this.#log.note({ kind: 'collection.created', id: this.#lastId, namespace });
    return this.adopt(this.#lastId, namespace);
  }

  /** For recovery: a collection under the id it had. */
  adopt(id: number, namespace: string): Collection {
    this.#lastId = Math.max(this.#lastId, id);
    const collection = new Collection(id, namespace, this.#log);
    this.#byNamespace.set(namespace, collection);
    return collection;
  }

  drop(collection: Collection): void {
    this.#log.note({ kind: 'collection.dropped', id: collection.id });
    collection.isDropped = true;
    this.#byNamespace.delete(collection.namespace);
  }

  rename(collection: Collection, namespace: string): void {
    refuseBadName(namespace);
    this.#log.note({ kind: 'collection.renamed', id: collection.id, namespace });
    this.#byNamespace.delete(collection.namespace);
    collection.namespace = namespace;
    this.#byNamespace.set(namespace, collection);
  }

  /** Whether the index is new. */
  createIndex(collection: Collection, spec: IndexSpec): boolean {
    if (!collection.createIndex(spec)) return false;
    this.#log.note({ kind: 'index.created', id: collection.id, spec });
    return true;
  }

  dropIndex(collection: Collection, name: string): void {
    this.#log.note({ kind: 'index.dropped', id: collection.id, name });
    collection.dropIndex(name);
  }
}

function refuseBadName(namespace: string): void {
  const dot = namespace.indexOf('.');
  const database = namespace.slice(0, dot);
  const collection = namespace.slice(dot + 1);
  if (/[/\\. "$*<>:|?\0]/.test(database) || database === '' || database.length > 63) {
    throw new CommandFailure(73, `Invalid database name: '${database}'`);
  }
  if (collection === '' || collection.includes('\0') || collection.includes('$') || /^\.|\.$/.test(collection)) {
    throw new CommandFailure(73, `Invalid collection name: ${collection}`);
  }
}
