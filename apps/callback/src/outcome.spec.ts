import { describe, expect, test } from '@jest/globals';
import type { SendPhase, Timings } from './http-sender.ts';
import { judge, parseRetryAfter } from './outcome.ts';

const timings: Timings = { lookupMs: null, connectMs: null, tlsMs: null, firstByteMs: null, totalMs: 1 };
const nowMs = Date.parse('2026-01-01T00:00:00.000Z');

function answered(status: number, headers: Record<string, string> = {}) {
  return judge({ kind: 'answered', status, headers, body: Buffer.alloc(0), isBodyWhole: true, timings }, nowMs);
}
function failed(phase: SendPhase, code: string) {
  return judge({ kind: 'failed', phase, code, timings }, nowMs);
}

describe('an answer', () => {
  test('every status means one thing', () => {
    const meanings = new Map<string, number[]>();
    for (let status = 200; status < 600; status += 1) {
      const { kind, reason } = answered(status);
      expect(reason).toBe(`status-${status}`);
      meanings.set(kind, [...(meanings.get(kind) ?? []), status]);
    }
    const between = (from: number, to: number) => Array.from({ length: to - from }, (_, n) => from + n);
    expect(meanings.get('delivered')).toEqual(between(200, 300));
    expect(meanings.get('failed')).toEqual([408, 425, 429, ...between(500, 600)]);
    expect(meanings.get('gone')).toEqual([410]);
    expect(meanings.get('rejected')).toEqual(
      between(300, 500).filter((status) => ![408, 410, 425, 429].includes(status)),
    );
    expect(meanings.size).toBe(4);
  });

  test('Retry-After is read where the receiver may want us to wait', () => {
    expect(answered(429, { 'retry-after': '120' })).toMatchObject({ kind: 'failed', retryAfterMs: 120_000 });
    expect(answered(503, { 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT' })).toMatchObject({ retryAfterMs: 60_000 });
    expect(answered(500, { 'retry-after': 'soon' })).toMatchObject({ retryAfterMs: null });
    expect(answered(404, { 'retry-after': '120' })).toEqual({ kind: 'rejected', reason: 'status-404' });
  });

  test.each([
    ['0', 0],
    [' 7 ', 7_000],
    ['Thu, 01 Jan 2026 00:00:10 GMT', 10_000],
    ['Wed, 31 Dec 2025 23:59:00 GMT', 0],
    ['Thursday, 01-Jan-26 00:00:10 GMT', 10_000],
    ['-3', null],
    ['1.5', null],
    ['', null],
    ['never', null],
    ['Thu, 99 Jan 2026', null],
  ])('Retry-After %j', (text, expected) => {
    expect(parseRetryAfter(text, nowMs)).toBe(expected);
  });
});

describe('no answer', () => {
  test.each<[SendPhase, string, string, string]>([
    ['lookup', 'ENOTFOUND', 'failed', 'dns-not-found'],
    ['lookup', 'TIMEOUT', 'failed', 'timeout-lookup'],
    ['connect', 'ECONNREFUSED', 'failed', 'connect-refused'],
    ['connect', 'EHOSTUNREACH', 'failed', 'connect-unreachable'],
    ['connect', 'TIMEOUT', 'failed', 'timeout-connect'],
    ['connect', 'ETIMEDOUT', 'failed', 'timeout-connect'],
    ['tls', 'CERT_HAS_EXPIRED', 'failed', 'tls-failed'],
    ['tls', 'ECONNRESET', 'failed', 'tls-failed'],
    ['tls', 'TIMEOUT', 'failed', 'timeout-tls'],
    ['response', 'ECONNRESET', 'failed', 'no-response'],
    ['response', 'TIMEOUT', 'failed', 'timeout-response'],
    ['response', 'HPE_INVALID_CONSTANT', 'failed', 'not-http'],
    ['lookup', 'EAI_AGAIN', 'failed', 'dns-failed'],
    ['lookup', 'EAI_FAIL', 'failed', 'dns-failed'],
    ['lookup', 'EAI_MEMORY', 'ours', 'ours-eai-memory'],
    ['connect', 'EMFILE', 'ours', 'ours-emfile'],
    ['connect', 'EADDRNOTAVAIL', 'ours', 'ours-eaddrnotavail'],
    ['connect', 'ENETUNREACH', 'ours', 'ours-enetunreach'],
  ])('%s %s', (phase, code, kind, reason) => {
    expect(failed(phase, code)).toMatchObject({ kind, reason });
  });

  test('a forbidden target is no failure of the receiver', () => {
    expect(judge({ kind: 'forbidden', timings }, nowMs)).toEqual({ kind: 'forbidden', reason: 'forbidden-address' });
    expect(judge({ kind: 'refused', rule: 'port' }, nowMs)).toEqual({ kind: 'forbidden', reason: 'forbidden-port' });
    expect(judge({ kind: 'stopped' }, nowMs)).toEqual({ kind: 'stopped', reason: 'stopped' });
  });
});
