import { createPublicKey, verify } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { parseSigningKey, signatureHeaders, type SigningKey } from './sign.ts';

function keyOf(secret: string): SigningKey {
  const key = parseSigningKey(secret);
  if (key === null) throw new Error('not a secret');
  return key;
}

function signatures(vector: { id: string; timestampS: number; body: string }, ...secrets: string[]) {
  return signatureHeaders({ ...vector, body: Buffer.from(vector.body) }, secrets.map(keyOf))['webhook-signature'];
}

/** Of the reference libraries. */
const reference = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestampS: 1614265330, body: '{"test": 2432232314}' };
const newSecret = 'whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=';
const oldSecret = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=';
const ours = { id: 'cb_01J9Z8Y7X6W5V4T3S2R1Q0P9N8', timestampS: 1767225600 };
const changed =
  '{"type":"task.status_changed","timestamp":"2026-01-01T00:00:00.000Z","data":{"taskId":"t_1","status":"succeeded"}}';

describe('signing', () => {
  test.each([
    [
      'the reference vector',
      reference,
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    ],
    [
      'without a prefix',
      reference,
      'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    ],
    ['JSON', { ...ours, body: changed }, newSecret, 'v1,L8gHFCLFDoiOfPwOhAgF1eD1s9Ly3XgMbjy6JcSMfAc='],
    ['UTF-8', { ...ours, body: '{"msg":"zażółć ✓"}' }, newSecret, 'v1,4nrze28X57CyV1SRkEdxZfYK7OGibyS97fv+QztA8/0='],
    ['an empty body', { ...ours, body: '' }, newSecret, 'v1,B98zzjBYBQ/NRrUcAnPDWg/cv+l2vDXZRzLcGTK+LE0='],
    [
      'ed25519',
      reference,
      'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==',
      'v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==',
    ],
  ])('%s', (_name, vector, secret, expected) => {
    expect(signatures(vector, secret)).toBe(expected);
  });

  test('during a rotation every key signs', () => {
    expect(signatures({ ...ours, body: changed }, newSecret, oldSecret)).toBe(
      'v1,L8gHFCLFDoiOfPwOhAgF1eD1s9Ly3XgMbjy6JcSMfAc= v1,HwGCMTNo72jOcfLY2YMyzhn4ai6zQH8/UoKVEDgr0EE=',
    );
  });

  test.each([newSecret, oldSecret])(
    'the reference library verifies what either key of a rotation has signed',
    (secret) => {
      const body = Buffer.from('{"taskId":806769905152840693,"message":"zażółć ✓"}');
      const timestampS = Math.floor(Date.now() / 1000);
      const headers = signatureHeaders(
        { id: '806769905152840693_3', timestampS, body },
        [newSecret, oldSecret].map(keyOf),
      );
      expect(() => new Webhook(secret).verify(body, headers)).not.toThrow();
      expect(() => new Webhook(secret).verify(`${body.toString()} `, headers)).toThrow();
    },
  );

  test('an ed25519 signature verifies with the public key', () => {
    const secret = 'whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==';
    const der = Buffer.concat([
      Buffer.from('302a300506032b6570032100', 'hex'),
      Buffer.from('1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=', 'base64'),
    ]);
    const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' });
    const [, signature = ''] = signatures({ ...ours, body: 'x' }, secret)?.split(',') ?? [];
    const content = Buffer.from(`${ours.id}.${ours.timestampS}.x`);
    expect(verify(null, content, publicKey, Buffer.from(signature, 'base64'))).toBe(true);
  });

  test.each([
    '',
    'whsec_',
    'whsec_c2hvcnQ=',
    'whsec_not base64!',
    'whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=',
    `whsec_${'A'.repeat(100)}`,
  ])('is no secret: %j', (text) => {
    expect(parseSigningKey(text)).toBeNull();
  });
});
