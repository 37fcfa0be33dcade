import { timingSafeEqual } from 'node:crypto';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { createMemoryKeys, type MemoryKeys } from '../testing/memory-keys.ts';
import { makeKey, parseKey, type MadeKey } from './api-key.ts';
import { createKeyVerifier, keyMemoryMs, type KeyVerifier } from './verify-key.ts';

const startMs = Date.UTC(2026, 0, 31);
const adminKey = 'an-admin-key-of-thirty-two-characters';

let passedMs: number;
let keys: MemoryKeys;
let compared: number[][];
let verifier: KeyVerifier;
let made: MadeKey;
let count: number;

/** Hex that is different each time, and the same in every run. */
const randomHex = (bytes: number): string => String((count += 1)).padStart(bytes * 2, '0');

function verifierWith(admin: string | null): KeyVerifier {
  return createKeyVerifier({
    keys,
    adminKey: admin,
    now: () => startMs + passedMs,
    monotonicMs: () => passedMs,
    isSame(a, b) {
      compared.push([a.length, b.length]);
      return timingSafeEqual(a, b);
    },
  });
}

async function addKey(given: { tenantId?: string | null; expiresAt?: Date | null } = {}): Promise<MadeKey> {
  const { tenantId = 'acme', expiresAt = null } = given;
  const { keyId, key, hash } = makeKey(randomHex);
  const facts = { name: null, createdAt: new Date(startMs), createdBy: 'bootstrap' };
  await keys.addKey({ keyId, tenantId, hash, expiresAt, ...facts });
  return { keyId, key, hash };
}

beforeEach(async () => {
  [passedMs, count, compared, keys] = [0, 0, [], createMemoryKeys()];
  verifier = verifierWith(null);
  made = await addKey();
});

test('a key is its public id and its secret, and only a hash of the secret is kept', () => {
  expect(made.key).toMatch(/^jk_[0-9a-f]{16}_[0-9a-f]{64}$/);
  const { secret } = parseKey(made.key) ?? {};
  expect(made.hash).toMatch(/^[0-9a-f]{64}$/);
  expect(JSON.stringify([...keys.stored])).not.toContain(secret);
});

test('a key that works says whose it is', async () => {
  expect(await verifier.verify(made.key)).toEqual({ kind: 'key', keyId: made.keyId, tenantId: 'acme' });
  const admin = await addKey({ tenantId: null });
  expect(await verifier.verify(admin.key)).toEqual({ kind: 'key', keyId: admin.keyId, tenantId: null });
});

test.each([
  '',
  'jk_',
  'acme',
  'jk_0000000000000001',
  'jk_0000000000000001_',
  `jk_0000000000000001_${'0'.repeat(63)}`,
  `jk_0000000000000001_${'0'.repeat(65)}`,
  `jk_0000000000000001_${'G'.repeat(64)}`,
  `JK_0000000000000001_${'0'.repeat(64)}`,
  `xx_0000000000000001_${'0'.repeat(64)}`,
  `jk_000000000000001_${'0'.repeat(64)}`,
])('%j is no key, and nothing is looked up for it', async (text) => {
  expect(await verifier.verify(text)).toEqual({ kind: 'refused', why: 'garbled' });
  expect(keys.lookups).toEqual([]);
});

test('an unknown id and a wrong secret take the same steps to the same verdict', async () => {
  const otherSecret = 'f'.repeat(64);
  const steps = async (text: string) => {
    [compared, keys.lookups.length] = [[], 0];
    const verdict = await verifier.verify(text);
    return { verdict, compared, lookups: keys.lookups.length, touches: keys.touches.length };
  };
  const wrongSecret = await steps(`jk_${made.keyId}_${otherSecret}`);
  const unknownId = await steps(`jk_${'f'.repeat(16)}_${otherSecret}`);
  expect(wrongSecret).toEqual({
    verdict: { kind: 'refused', why: 'unknown' },
    compared: [[32, 32]],
    lookups: 1,
    touches: 0,
  });
  expect(unknownId).toEqual(wrongSecret);
});

describe('a key that works no more', () => {
  test('has expired at its instant', async () => {
    const short = await addKey({ expiresAt: new Date(startMs + 1000) });
    passedMs = 999;
    expect(await verifier.verify(short.key)).toMatchObject({ kind: 'key' });
    passedMs = 1000;
    expect(await verifier.verify(short.key)).toEqual({ kind: 'refused', why: 'expired' });
    const withOtherSecret = short.key.replace(/.$/, 'f');
    expect(await verifier.verify(withOtherSecret)).toEqual({ kind: 'refused', why: 'unknown' });
  });

  test('was revoked elsewhere: known here within the memory’s time, or at once when told', async () => {
    expect(await verifier.verify(made.key)).toMatchObject({ kind: 'key' });
    await keys.revokeKey(made.keyId, startMs);
    passedMs = keyMemoryMs - 1;
    expect(await verifier.verify(made.key)).toMatchObject({ kind: 'key' });
    passedMs = keyMemoryMs;
    expect(await verifier.verify(made.key)).toEqual({ kind: 'refused', why: 'revoked' });
    const other = await addKey();
    expect(await verifier.verify(other.key)).toMatchObject({ kind: 'key' });
    await keys.revokeKey(other.keyId, startMs);
    verifier.forget(other.keyId);
    expect(await verifier.verify(other.key)).toEqual({ kind: 'refused', why: 'revoked' });
  });
});

test('requests do not each cost a query, and their use is noted once a minute', async () => {
  for (passedMs = 0; passedMs < 120_000; passedMs += 500) await verifier.verify(made.key);
  expect(keys.lookups).toHaveLength(120_000 / keyMemoryMs);
  expect(keys.touches).toHaveLength(2);
  expect(keys.stored.get(made.keyId)?.lastUsedAt).toEqual(new Date(startMs + 60_000));
});

test('a use that cannot be noted does not matter', async () => {
  await verifier.verify(`jk_${made.keyId}_${'f'.repeat(64)}`);
  keys.setDown(true);
  expect(await verifier.verify(made.key)).toMatchObject({ kind: 'key' });
  passedMs = keyMemoryMs;
  await expect(verifier.verify(made.key)).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE' });
});

describe('the admin key of the environment', () => {
  test('needs no database', async () => {
    keys.setDown(true);
    const own = verifierWith(adminKey);
    expect(await own.verify(adminKey)).toEqual({ kind: 'bootstrap' });
    expect(await own.hasAdminKey()).toBe(true);
    expect(await own.verify(`${adminKey}x`)).toEqual({ kind: 'refused', why: 'garbled' });
  });

  test('is none when it is not set', async () => {
    expect(await verifier.verify(adminKey)).toEqual({ kind: 'refused', why: 'garbled' });
    expect(await verifier.hasAdminKey()).toBe(false);
    await addKey({ tenantId: null });
    passedMs = keyMemoryMs;
    expect(await verifier.hasAdminKey()).toBe(true);
  });
});
