import type { FileHandle } from 'node:fs/promises';
import {
  fileHeaderBytes,
  frameHeaderBytes,
  isIntact,
  readFileHeader,
  readFrameHeader,
  type FileHeader,
  type FileKind,
} from './frame.ts';

/** Data on disk that was promised and is damaged: a person must look, nothing is dropped silently. */
export class DataDamagedError extends Error {
  readonly code = 'DATA_DAMAGED';
}

/** Where reading ended. `header`: undefined for a file that was never begun. `tail`: bytes follow that are no whole frame. */
export interface FileEnd {
  readonly header: FileHeader | undefined;
  readonly goodBytes: number;
  readonly tail: boolean;
}

/**
 * Gives the payloads of a file's intact frames, in order. It ends at the first that is not intact: the torn end of a write
 * that nobody was promised. Throws DataDamagedError when what is damaged had been safe: a later frame says so.
 */
export async function* readFrames(file: FileHandle, kind: FileKind, name: string): AsyncGenerator<Buffer, FileEnd> {
  const { size } = await file.stat();
  const header = readFileHeader(kind, await readAt(file, 0, fileHeaderBytes));
  if (header === undefined) {
    // The header is on disk before anything follows it: a file that is nothing else was never begun.
    if (kind === 'journal' && size <= fileHeaderBytes) return { header, goodBytes: 0, tail: size > 0 };
    throw new DataDamagedError(`${name}: not a ${kind} of this server, or its beginning is damaged`);
  }
  const { salt } = header;
  let at = fileHeaderBytes;
  while (at < size) {
    const frame = await readFrame(file, at, size, salt);
    if (frame === undefined) {
      await refuseDamage(file, { at, size, salt, name });
      return { header, goodBytes: at, tail: true };
    }
    yield frame.subarray(frameHeaderBytes);
    at += frame.length;
  }
  return { header, goodBytes: at, tail: false };
}

async function readFrame(file: FileHandle, at: number, size: number, salt: Buffer): Promise<Buffer | undefined> {
  const header = readFrameHeader(await readAt(file, at, frameHeaderBytes), salt);
  if (header === undefined || at + frameHeaderBytes + header.payloadBytes > size) return undefined;
  const frame = await readAt(file, at, frameHeaderBytes + header.payloadBytes);
  return isIntact(frame) ? frame : undefined;
}

async function readAt(file: FileHandle, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  let read = 0;
  while (read < length) {
    const { bytesRead } = await file.read(bytes, read, length - read, at + read);
    if (bytesRead === 0) break;
    read += bytesRead;
  }
  return bytes.subarray(0, read);
}

/** How much is searched at once for a frame behind damaged bytes. */
const windowBytes = 4 * 1024 * 1024;

async function refuseDamage(
  file: FileHandle,
  damage: { at: number; size: number; salt: Buffer; name: string },
): Promise<void> {
  const { at, size, salt, name } = damage;
  for (let from = at + 1; from < size; from += windowBytes) {
    // Windows overlap, so that a salt across their border is seen.
    const bytes = await readAt(file, from, Math.min(windowBytes + salt.length, size - from));
    for (let found = bytes.indexOf(salt); found >= 0; found = bytes.indexOf(salt, found + 1)) {
      const frame = await readFrame(file, from + found, size, salt);
      const durable = frame === undefined ? 0 : (readFrameHeader(frame, salt)?.durable ?? 0);
      if (durable > at) {
        throw new DataDamagedError(
          `${name}: damaged at byte ${at}, in what had been written safely; restore the file from a backup`,
        );
      }
    }
  }
}

/** Reads a file that must be whole. */
export async function* readWholeFile(file: FileHandle, kind: FileKind, name: string): AsyncGenerator<Buffer> {
  const frames = readFrames(file, kind, name);
  for (;;) {
    const { value, done } = await frames.next();
    if (done !== true) {
      yield value;
      continue;
    }
    if (value.tail) throw new DataDamagedError(`${name}: damaged at byte ${value.goodBytes}`);
    return;
  }
}
