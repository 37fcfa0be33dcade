import { ByteWriter } from '../bson/writer.ts';
import type { Catalog, CatalogChange } from '../collection/catalog.ts';
import { idIndexSpec } from '../collection/index-spec.ts';
import { writeCatalogChange, writeEnd, writePut } from './change.ts';
import { frameHeaderBytes, sealFrame } from './frame.ts';
import { createFile, fileName, publishFile, writeAll, type JournalFile, type OpenFile } from './generation-files.ts';

/**
 * Everything there is at one instant. Documents are never written into, so holding on to their bytes is enough: taking it
 * costs a pointer for each, writing it can take its time.
 */
export interface Capture {
  readonly catalog: readonly CatalogChange[];
  readonly collections: readonly { readonly id: number; readonly documents: readonly Buffer[] }[];
}

export function capture(catalog: Catalog): Capture {
  const collections = catalog.all();
  return {
    catalog: collections.flatMap(({ id, namespace, indexes }): CatalogChange[] => [
      { kind: 'collection.created', id, namespace },
      ...indexes
        .filter(({ spec }) => spec.name !== idIndexSpec.name)
        .map(({ spec }): CatalogChange => ({ kind: 'index.created', id, spec })),
    ]),
    collections: collections.map((collection) => ({
      id: collection.id,
      documents: Array.from(collection.documents(), ({ bytes }) => bytes),
    })),
  };
}

/** Large enough for few writes, small enough to leave the process to others in between. */
const frameBytes = 1024 * 1024;

/** Writes a snapshot and puts it in place, whole. Resolves with its size in bytes. */
export async function writeSnapshot(
  folder: string,
  generation: number,
  captured: Capture,
  openFile: OpenFile,
): Promise<number> {
  const name = fileName('snapshot', generation);
  const unfinished = `${name}.unfinished`;
  const file = await createFile({ folder, name: unfinished, kind: 'snapshot', before: 0 }, openFile);
  try {
    await writeFrames(file, captured);
    await file.handle.datasync();
  } finally {
    await file.handle.close();
  }
  await publishFile(folder, unfinished, name);
  return file.size;
}

async function writeFrames(file: JournalFile, captured: Capture): Promise<void> {
  const writer = frameWriter();
  let documents = 0;
  for (const change of captured.catalog) writeCatalogChange(writer, change);
  for (const collection of captured.collections) {
    for (const document of collection.documents) {
      writePut(writer, collection.id, document);
      documents += 1;
      if (writer.length >= frameBytes) await writeFrame(file, writer);
    }
  }
  writeEnd(writer, documents);
  await writeFrame(file, writer);
}

/** A writer with room for a frame's header at its beginning. */
export function frameWriter(): ByteWriter {
  const writer = new ByteWriter(64 * 1024);
  startFrame(writer);
  return writer;
}

export function startFrame(writer: ByteWriter): void {
  writer.length = 0;
  writer.skip(frameHeaderBytes);
}

async function writeFrame(file: JournalFile, writer: ByteWriter): Promise<void> {
  const frame = writer.finished();
  sealFrame(frame, file.salt, 0);
  await writeAll(file.handle, frame, file.size);
  file.size += frame.length;
  startFrame(writer);
}
