import { createHmac, createPrivateKey, sign as signBytes, type KeyObject } from 'node:crypto';

/**
 * A key that callbacks are signed with: `whsec_` + base64 of 24 to 64 bytes (HMAC-SHA256, `v1`), or `whsk_` + base64 of
 * an ed25519 seed and its public key (`v1a`), as Standard Webhooks writes them.
 */
export type SigningKey =
  { readonly scheme: 'v1'; readonly key: Buffer } | { readonly scheme: 'v1a'; readonly key: KeyObject };

/** What a signature covers. */
export interface Signable {
  /** The same on every try: receivers drop repeats by it. Without a dot. */
  readonly id: string;
  /** Of this try. Seconds since the Unix epoch; receivers refuse what is more than five minutes off. */
  readonly timestampS: number;
  /** The exact bytes that are sent. */
  readonly body: Buffer;
}

/**
 * Reads a secret; null when it is none. Without a prefix the text is read as `whsec_`, as the reference libraries do.
 */
export function parseSigningKey(text: string): SigningKey | null {
  const parts = /^(whsec_|whsk_)?([A-Za-z0-9+/]+={0,2})$/.exec(text);
  if (parts === null) return null;
  const bytes = Buffer.from(parts[2] ?? '', 'base64');
  if (parts[1] === 'whsk_') return bytes.length === 64 ? { scheme: 'v1a', key: readSeed(bytes.subarray(0, 32)) } : null;
  return bytes.length >= 24 && bytes.length <= 64 ? { scheme: 'v1', key: bytes } : null;
}

/**
 * The three headers of Standard Webhooks 1.0. With several keys (a rotation) there is one signature of each, separated
 * by blanks: a receiver accepts any that its own key makes.
 */
export function signatureHeaders(what: Signable, keys: readonly SigningKey[]): Readonly<Record<string, string>> {
  const content = Buffer.concat([Buffer.from(`${what.id}.${what.timestampS}.`), what.body]);
  return {
    'webhook-id': what.id,
    'webhook-timestamp': String(what.timestampS),
    'webhook-signature': keys.map((key) => `${key.scheme},${signWith(key, content)}`).join(' '),
  };
}

function signWith({ scheme, key }: SigningKey, content: Buffer): string {
  return scheme === 'v1'
    ? createHmac('sha256', key).update(content).digest('base64')
    : signBytes(null, content, key).toString('base64');
}

/** RFC 8410: what precedes the 32 bytes of an ed25519 seed in PKCS #8. */
const seedPrefix = Buffer.from('302e020100300506032b657004220420', 'hex');

function readSeed(seed: Buffer): KeyObject {
  return createPrivateKey({ key: Buffer.concat([seedPrefix, seed]), format: 'der', type: 'pkcs8' });
}
