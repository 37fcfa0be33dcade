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
export function decodeBody(bytes: Uint8Array): DecodedBody {
  if (bytes.length > maxBodyBytes) return { ok: false, problem: `more than ${maxBodyBytes} bytes` };
  try {
    return { ok: true, body: parseExactJson(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) };
  } catch (error: unknown) {
    // TypeError is TextDecoder's; parseExactJson throws nothing but SyntaxError.
    return { ok: false, problem: error instanceof TypeError ? 'not UTF-8' : 'not JSON' };
  }
}
