import { isUtf8 } from 'node:buffer';
import { parseExactJson, writeExactJson } from '@juice/contracts';
import { brokerFailure } from './broker-failure.ts';

/**
 * The largest body, in bytes, that is sent or read. Ours are ids and a few words (a batch of a thousand tasks is 24 kB);
 * what comes near this limit is a mistake, and brokers keep messages in memory.
 */
export const maxBodyBytes = 1024 * 1024;

/** Writes a body as exact JSON. Throws a DependencyFailure that is not retryable when it is too large. */
export function encodeBody(body: unknown): Buffer {
  const bytes = Buffer.from(writeExactJson(body));
  if (bytes.length > maxBodyBytes) {
    const detail = `the body has ${bytes.length} bytes, more than the ${maxBodyBytes} allowed`;
    throw brokerFailure('publish', detail, { retryable: false });
  }
  return bytes;
}

export type DecodedBody =
  { readonly ok: true; readonly body: unknown } | { readonly ok: false; readonly problem: string };

/** Reads a body: UTF-8, JSON, not too large. */
export function decodeBody(bytes: Buffer): DecodedBody {
  if (bytes.length > maxBodyBytes) return { ok: false, problem: `more than ${maxBodyBytes} bytes` };
  if (!isUtf8(bytes)) return { ok: false, problem: 'not UTF-8' };
  try {
    return { ok: true, body: parseExactJson(bytes.toString()) };
  } catch {
    // It throws nothing but SyntaxError.
    return { ok: false, problem: 'not JSON' };
  }
}
