import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadScenario, loadStream, scenarioNames } from '../testing/index.ts';
import { decodeEvent } from './codec.ts';
import { createRecordReader, encodeRecord } from './recordio.ts';

/** The bytes cut after each of `cuts` (any order, repeats and overshoots allowed). */
function chunksOf(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const ends = [...cuts].filter((cut) => cut < bytes.length).sort((a, b) => a - b);
  return [...ends, bytes.length].map((end, i) => bytes.subarray(i === 0 ? 0 : ends[i - 1], end));
}

function read(chunks: readonly Uint8Array[], limits?: { maxRecordBytes: number }): Uint8Array[] {
  const reader = createRecordReader(limits);
  const records = chunks.flatMap((chunk) => reader.push(chunk));
  expect(reader.isAtBoundary()).toBe(true);
  return records;
}

describe.each(scenarioNames)('the recorded stream of %s', (name) => {
  const { bytes, contentType } = loadStream(name);
  const events = loadScenario(name).steps.flatMap((step) => (step.kind === 'event' ? [step.body] : []));
  const decode = (chunks: readonly Uint8Array[]) => read(chunks).map((record) => decodeEvent(record, contentType));

  test('reads the same whole and byte by byte', () => {
    expect(decode([bytes])).toEqual(events);
    expect(decode(Array.from(bytes, (byte) => Uint8Array.of(byte)))).toEqual(events);
  });

  test('reads the same in any chunks', () => {
    const cuts = fc.array(fc.nat({ max: bytes.length }), { maxLength: 40 });
    fc.assert(
      fc.property(cuts, (at) => expect(decode(chunksOf(bytes, at))).toEqual(events)),
      { numRuns: 20 },
    );
  });
});

describe('a record reader', () => {
  test('returns what was written, whatever the bytes and the chunks', () => {
    const record = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string({ unit: 'binary' }).map((s) => Buffer.from(s)),
    );
    fc.assert(
      fc.property(fc.array(record), fc.array(fc.nat({ max: 2000 })), (records, cuts) => {
        const stream = Buffer.concat(records.map(encodeRecord));
        const wanted = records.filter(({ length }) => length > 0).map((bytes) => Buffer.from(bytes));
        expect(read(chunksOf(stream, cuts)).map((bytes) => Buffer.from(bytes))).toEqual(wanted);
      }),
      { numRuns: 300 },
    );
  });

  test('takes any bytes for records or for a violation, nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array()), (chunks) => {
        const reader = createRecordReader();
        try {
          for (const chunk of chunks) reader.push(chunk);
        } catch (error) {
          expect(error).toMatchObject({ code: 'PROTOCOL_VIOLATION' });
        }
      }),
      { numRuns: 500 },
    );
  });

  test('skips blank lines and records of length 0', () => {
    expect(read([Buffer.from('\n\n0\n3\nabc\n\n00\n2\nde')]).map(String)).toEqual(['abc', 'de']);
  });

  test.each(['x\n', '-1\n', '1 \n', '\r\n', '{"type":"HEARTBEAT"}', '1\nab\n'])('refuses %j as a length', (text) => {
    expect(() => createRecordReader().push(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_VIOLATION' }),
    );
  });

  test('takes a record of the greatest length and refuses one byte more, before reading it', () => {
    expect(read([Buffer.from('5\nabcde')], { maxRecordBytes: 5 })).toHaveLength(1);
    expect(() => createRecordReader({ maxRecordBytes: 5 }).push(Buffer.from('6\n'))).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_VIOLATION' }),
    );
    expect(() => createRecordReader().push(Buffer.from('9'.repeat(400)))).toThrow(
      expect.objectContaining({ code: 'PROTOCOL_VIOLATION' }),
    );
  });

  test('knows when a stream ends inside a record', () => {
    const reader = createRecordReader();
    expect(reader.isAtBoundary()).toBe(true);
    reader.push(Buffer.from('1'));
    expect(reader.isAtBoundary()).toBe(false);
    reader.push(Buffer.from('0\nabc'));
    expect(reader.isAtBoundary()).toBe(false);
    reader.push(Buffer.from('defghij'));
    expect(reader.isAtBoundary()).toBe(true);
  });
});
