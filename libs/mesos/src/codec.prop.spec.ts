import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadScenario } from '../testing/index.ts';
import { decodeCall, decodeEvent, encodeCall, encodeEvent, type ContentType } from './codec.ts';
import type { Call, Draft } from './conversation.ts';

const { steps } = loadScenario('ports-reservations-attributes');

/** Bytes of anything: noise, JSON of the wrong shape, a good message with some bytes changed or its end cut off. */
function inputs(good: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const damaged = fc
    .tuple(fc.constantFrom(...good), fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 8 }), fc.nat())
    .map(([bytes, changes, end]) => {
      const copy = Uint8Array.from(bytes);
      for (const [at, byte] of changes) copy[at % copy.length] = byte;
      return copy.subarray(0, copy.length - (end % 2 === 0 ? 0 : end % copy.length));
    });
  const json = fc.json().map((text) => Buffer.from(text));
  return fc.oneof(fc.uint8Array(), damaged, json);
}

describe.each<ContentType>(['application/json', 'application/x-protobuf'])('any bytes as %s', (contentType) => {
  test('are an event or a protocol violation', () => {
    const good = steps.flatMap((step) => (step.kind === 'event' ? [encodeEvent(step.body, contentType)] : []));
    const property = fc.property(inputs(good), (bytes) => {
      try {
        expect(typeof decodeEvent(bytes, contentType).type).toBe('string');
      } catch (error) {
        expect(error).toMatchObject({ code: 'PROTOCOL_VIOLATION' });
      }
    });
    fc.assert(property, { numRuns: 1000 });
  });

  test('are a call or the text of a refusal; a call can be written again', () => {
    const good = steps.flatMap((step) =>
      step.kind === 'call' ? [encodeCall(step.body as Draft<Call>, contentType)] : [],
    );
    const property = fc.property(inputs(good), (bytes) => {
      const decoded = decodeCall(bytes, contentType);
      if (!decoded.ok) return expect(decoded.message).toMatch(/^Failed to (parse|convert)/);
      const again = encodeCall(decoded.call as Draft<Call>, contentType);
      return expect(decodeCall(again, contentType)).toEqual(decoded);
    });
    fc.assert(property, { numRuns: 1000 });
  });
});
