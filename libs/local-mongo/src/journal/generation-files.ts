import { open, readdir, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { fileHeaderBytes, newFileHeader, type FileKind } from './frame.ts';

/**
 * The files of a data folder. Generation n begins with `snapshot-n` (all there was when it began; generation 0 has none)
 * and goes on in `journal-n`. While a snapshot is being made the journals of two generations follow each other.
 */
export interface Generations {
  readonly snapshot: number | undefined;
  /** Ascending, from the snapshot's own on. */
  readonly journals: readonly number[];
}

export const fileName = (kind: FileKind, generation: number): string =>
  `${kind}-${String(generation).padStart(8, '0')}`;

export async function listGenerations(folder: string): Promise<Generations> {
  const names = await readdir(folder);
  const generations = (kind: FileKind) =>
    names
      .map((name) => new RegExp(`^${kind}-(\\d{8})$`).exec(name)?.[1])
      .flatMap((digits) => (digits === undefined ? [] : [Number(digits)]))
      .sort((a, b) => a - b);
  const snapshot = generations('snapshot').at(-1);
  return { snapshot, journals: generations('journal').filter((generation) => generation >= (snapshot ?? 0)) };
}

/** Opens a file for writing; replaced in tests of disks that fail. */
export type OpenFile = (path: string, flags: string) => Promise<FileHandle>;

export const openFile: OpenFile = (path, flags) => open(path, flags, 0o600);

export interface NewFile {
  readonly folder: string;
  readonly name: string;
  readonly kind: FileKind;
  /** How much of the journal before it is safe. */
  readonly before: number;
}

/** A new file, with its header on disk and its name in the folder before anything is written to it. */
export async function createFile({ folder, name, kind, before }: NewFile, openFile: OpenFile): Promise<JournalFile> {
  const handle = await openFile(join(folder, name), 'w+');
  try {
    const header = newFileHeader(kind, before);
    await writeAll(handle, header, 0);
    await handle.datasync();
    await syncFolder(folder);
    return { handle, salt: header.subarray(8, 16), size: fileHeaderBytes };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export interface JournalFile {
  readonly handle: FileHandle;
  readonly salt: Buffer;
  /** Bytes written. */
  size: number;
}

export async function writeAll(handle: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, at + written);
    written += bytesWritten;
  }
}

/** Makes creations, renamings and removals in the folder survive a loss of power. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Puts a finished file under its name: all of it is there, or nothing. */
export async function publishFile(folder: string, from: string, to: string): Promise<void> {
  await rename(join(folder, from), join(folder, to));
  await syncFolder(folder);
}

/** Removes what the snapshot of `generation` makes superfluous, and what an interrupted snapshot left. */
export async function removeOlder(folder: string, generation: number): Promise<void> {
  for (const name of await readdir(folder)) {
    const digits = /^(?:snapshot|journal)-(\d{8})$/.exec(name)?.[1];
    const isOld = digits !== undefined && Number(digits) < generation;
    if (isOld || name.endsWith('.unfinished')) await rm(join(folder, name), { force: true });
  }
}
