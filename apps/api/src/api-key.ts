import { createHash } from 'node:crypto';

/** A key as it is made: the whole of it for its holder, the rest to keep. */
export interface MadeKey {
  readonly keyId: string;
  /** `jk_<keyId>_<secret>` */
  readonly key: string;
  readonly hash: string;
}

/** Chance of 64 bits: ids are looked up, not guessed. */
const idBytes = 8;
/** 256 bits, which nobody tries out. Hence a fast hash: a slow one makes guesses dear, and here there is nothing to guess. */
const secretBytes = 32;

/** Hex: a double click takes the whole key, and no character of it means anything to a shell or a URL. */
export function makeKey(randomHex: (bytes: number) => string): MadeKey {
  const keyId = randomHex(idBytes);
  const secret = randomHex(secretBytes);
  return { keyId, key: `jk_${keyId}_${secret}`, hash: hashSecret(secret) };
}

/** The parts of a key; null for text that is none. */
export function parseKey(text: string): { readonly keyId: string; readonly secret: string } | null {
  const [, keyId, secret] = /^jk_([0-9a-f]{16})_([0-9a-f]{64})$/.exec(text) ?? [];
  return keyId === undefined || secret === undefined ? null : { keyId, secret };
}

/** SHA-256, in hex. */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
