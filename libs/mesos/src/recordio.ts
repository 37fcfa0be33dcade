import { ProtocolViolation } from '@juice/contracts';

/**
 * RecordIO: the length of a record in bytes as ASCII decimal, one LF, then that many bytes; no LF after them. Where a
 * chunk ends means nothing: inside a length, inside a character, after the third of five records.
 */
export interface RecordReader {
  /**
   * Takes the next bytes of the stream and returns the records they complete, in order. A record may be a view of the
   * chunk. Throws ProtocolViolation for a length that is no number or exceeds the cap; the reader is of no use then.
   */
  push(chunk: Uint8Array): Uint8Array[];
  /** True between two records: a stream that ends here was not cut off. */
  isAtBoundary(): boolean;
}

/** Room for the OFFERS of a cluster of ten thousand agents; a length beyond it is taken for a broken stream. */
export const defaultMaxRecordBytes = 64 * 1024 * 1024;

const LF = 10;
const zero = 48;

export function createRecordReader(limits: { maxRecordBytes?: number } = {}): RecordReader {
  const maxRecordBytes = limits.maxRecordBytes ?? defaultMaxRecordBytes;
  // Reading a length while `missing` is 0, a body while it is not.
  let length: number | undefined;
  let missing = 0;
  let parts: Uint8Array[] = [];

  /** Blank lines and records of length 0 are skipped, as a master never sends them and other writers may. */
  function readLength(byte: number): void {
    if (byte === LF) {
      missing = length ?? 0;
      length = undefined;
      return;
    }
    if (byte < zero || byte > zero + 9) throw violation(`a record's length holds the byte ${byte}`);
    length = (length ?? 0) * 10 + (byte - zero);
    if (length > maxRecordBytes) throw violation(`a record is longer than ${maxRecordBytes} bytes`);
  }

  return {
    push(chunk) {
      const records: Uint8Array[] = [];
      let at = 0;
      while (at < chunk.length) {
        if (missing === 0) {
          readLength(chunk[at++] as number);
          continue;
        }
        const part = chunk.subarray(at, at + missing);
        at += part.length;
        missing -= part.length;
        parts.push(part);
        if (missing === 0) {
          records.push(parts.length === 1 ? part : Buffer.concat(parts));
          parts = [];
        }
      }
      return records;
    },
    isAtBoundary: () => missing === 0 && length === undefined,
  };
}

/** One record as RecordIO bytes. */
export function encodeRecord(record: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`${record.length}\n`, 'latin1'), record]);
}

function violation(detail: string): ProtocolViolation {
  return new ProtocolViolation({ peer: 'mesos', detail });
}
