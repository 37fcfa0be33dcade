import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { sortKey } from '../bson/sort-key.ts';
import type { Raw } from '../bson/raw.ts';
import type { Catalog, CatalogChange } from '../collection/catalog.ts';
import { idIndexSpec, type IndexSpec } from '../collection/index-spec.ts';
import { idOf } from '../collection/stored-document.ts';
import { readChanges, type Change } from './change.ts';
import { fileName, listGenerations } from './generation-files.ts';
import { DataDamagedError, readFrames, readWholeFile, type FileEnd } from './read-frames.ts';

/** Where to go on writing after recovery: in the newest journal, or in one that is still to be made. */
export interface Recovered {
  readonly generation: number;
  readonly snapshotBytes: number;
  /** Of the newest journal. */
  readonly end: FileEnd;
  /** How much of the journal before it is safe. */
  readonly before: number;
}

interface KeptCollection {
  namespace: string;
  readonly documents: Map<string, Buffer>;
  readonly indexes: Map<string, IndexSpec>;
}

/**
 * Reads snapshot and journals into an empty catalog: everything that was acknowledged as safe is there, the torn end of
 * the last write is not. Throws DataDamagedError when what was safe cannot be read.
 */
export async function recover(folder: string, catalog: Catalog): Promise<Recovered> {
  const { snapshot, journals } = await listGenerations(folder);
  refuseGaps(folder, snapshot, journals);
  const kept = new Map<number, KeptCollection>();
  const snapshotBytes = snapshot === undefined ? 0 : await readSnapshot(folder, snapshot, kept);
  let end = unbegun;
  let before = 0;
  for (const generation of journals) {
    const previous = end;
    end = await readJournal(folder, generation, kept);
    before = previous.goodBytes;
    if ((end.header?.before ?? 0) > before && previous.header !== undefined) {
      throw new DataDamagedError(`${fileName('journal', generation - 1)}: damaged at byte ${before}`);
    }
  }
  for (const [id, collection] of kept) restore(catalog, id, collection);
  return { generation: journals.at(-1) ?? snapshot ?? 0, snapshotBytes, end, before };
}

const unbegun: FileEnd = { header: undefined, goodBytes: 0, tail: false };

function refuseGaps(folder: string, snapshot: number | undefined, journals: readonly number[]): void {
  const expected = snapshot ?? 0;
  journals.forEach((generation, i) => {
    if (generation !== expected + i) {
      throw new DataDamagedError(`${folder}: ${fileName('journal', expected + i)} is missing`);
    }
  });
  if (snapshot !== undefined && journals.length === 0) {
    throw new DataDamagedError(`${folder}: ${fileName('journal', snapshot)} is missing`);
  }
}

async function readSnapshot(folder: string, generation: number, kept: Map<number, KeptCollection>): Promise<number> {
  const name = fileName('snapshot', generation);
  return withFile(join(folder, name), async (file) => {
    let documents = 0;
    let isWhole = false;
    for await (const payload of readWholeFile(file, 'snapshot', name)) {
      for (const change of readChanges(payload)) {
        if (change.kind === 'put') documents += 1;
        if (change.kind === 'end') isWhole = change.documents === documents;
        else applyChange(kept, change);
      }
    }
    if (!isWhole) throw new DataDamagedError(`${name}: ends before its end`);
    return (await file.stat()).size;
  });
}

async function readJournal(folder: string, generation: number, kept: Map<number, KeptCollection>): Promise<FileEnd> {
  const name = fileName('journal', generation);
  return withFile(join(folder, name), async (file) => {
    const frames = readFrames(file, 'journal', name);
    for (;;) {
      const { value, done } = await frames.next();
      if (done === true) return value;
      for (const change of readChanges(value)) applyChange(kept, change);
    }
  });
}

async function withFile<Result>(path: string, read: (file: FileHandle) => Promise<Result>): Promise<Result> {
  const file = await open(path, 'r');
  try {
    return await read(file);
  } finally {
    await file.close();
  }
}

/** Changes of a collection that is gone by now say nothing any more. */
function applyChange(kept: Map<number, KeptCollection>, change: Change): void {
  switch (change.kind) {
    case 'put':
      kept.get(change.collectionId)?.documents.set(sortKey(idOf(change.document)), copyOf(change.document));
      return;
    case 'remove':
      kept.get(change.collectionId)?.documents.delete(sortKey(change.id));
      return;
    case 'catalog':
      applyCatalogChange(kept, change.change);
      return;
    case 'end':
  }
}

/** Of its own, so that the frame it came in can be let go. */
function copyOf(document: Raw): Buffer {
  const bytes = Buffer.allocUnsafeSlow(document.end - document.start);
  document.bytes.copy(bytes, 0, document.start, document.end);
  return bytes;
}

function applyCatalogChange(kept: Map<number, KeptCollection>, change: CatalogChange): void {
  const collection = kept.get(change.id);
  switch (change.kind) {
    case 'collection.created':
      if (collection === undefined) {
        kept.set(change.id, { namespace: change.namespace, documents: new Map(), indexes: new Map() });
      }
      return;
    case 'collection.dropped':
      kept.delete(change.id);
      return;
    case 'collection.renamed':
      if (collection !== undefined) collection.namespace = change.namespace;
      return;
    case 'index.created':
      collection?.indexes.set(change.spec.name, change.spec);
      return;
    case 'index.dropped':
      collection?.indexes.delete(change.name);
  }
}

function restore(catalog: Catalog, id: number, { namespace, documents, indexes }: KeptCollection): void {
  const collection = catalog.adopt(id, namespace);
  collection.restore(documents.values());
  for (const spec of indexes.values()) if (spec.name !== idIndexSpec.name) collection.createIndex(spec);
}
