import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * A journal or snapshot file is a header and frames:
 *
 *     magic 8 | salt 8 | before u48 | zero u16 | CRC-32 u32
 *     salt 8 | payload length u32 | CRC-32 u32 | durable u48 | zero u16 | payload
 *
 * `before` is how much of the journal before this one was safe when this one was begun. A frame's CRC covers its length and
 * everything after the CRC. `durable` is the offset up to which the file was known to be on disk when the frame
 * was written: with it a torn end (bytes that nobody was promised) can be told from damage (a later frame says that the
 * damaged bytes had been safe). The salt is the file's own, so that no frame of another file, or in a document, passes.
 */
export const fileHeaderBytes = 28;
export const frameHeaderBytes = 24;

export type FileKind = 'journal' | 'snapshot';

const magic: Readonly<Record<FileKind, string>> = { journal: 'JUICEJ01', snapshot: 'JUICES01' };

export function newFileHeader(kind: FileKind, before: number): Buffer {
  const header = Buffer.alloc(fileHeaderBytes);
  header.write(magic[kind], 0, 'latin1');
  randomBytes(8).copy(header, 8);
  header.writeUIntLE(before, 16, 6);
  header.writeUInt32LE(crc32(header.subarray(0, 24)), 24);
  return header;
}

export interface FileHeader {
  readonly salt: Buffer;
  readonly before: number;
}

/** Undefined for what is no intact header of that kind. */
export function readFileHeader(kind: FileKind, header: Buffer): FileHeader | undefined {
  if (header.length < fileHeaderBytes || header.toString('latin1', 0, 8) !== magic[kind]) return undefined;
  if (header.readUInt32LE(24) !== crc32(header.subarray(0, 24))) return undefined;
  return { salt: header.subarray(8, 16), before: header.readUIntLE(16, 6) };
}

/** Fills in the header of a frame whose payload lies behind `frameHeaderBytes` of room. */
export function sealFrame(frame: Buffer, salt: Buffer, durable: number): void {
  salt.copy(frame, 0);
  frame.writeUInt32LE(frame.length - frameHeaderBytes, 8);
  frame.writeUIntLE(durable, 16, 6);
  frame.writeUInt16LE(0, 22);
  frame.writeUInt32LE(checksum(frame), 12);
}

const checksum = (frame: Buffer): number => crc32(frame.subarray(16), frame.readUInt32LE(8));

export interface FrameHeader {
  readonly payloadBytes: number;
  readonly durable: number;
}

/** What a frame's header says, undefined when it is none of this file. */
export function readFrameHeader(header: Buffer, salt: Buffer): FrameHeader | undefined {
  if (header.length < frameHeaderBytes || !header.subarray(0, 8).equals(salt)) return undefined;
  return { payloadBytes: header.readUInt32LE(8), durable: header.readUIntLE(16, 6) };
}

export function isIntact(frame: Buffer): boolean {
  return frame.readUInt32LE(12) === checksum(frame);
}
