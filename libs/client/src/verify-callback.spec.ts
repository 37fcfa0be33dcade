import { generateKeyPairSync, randomBytes, sign as signBytes } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { verifyCallback } from './verify-callback.ts';

const makeSecret = () => `whsec_${randomBytes(32).toString('base64')}`;
const nowSeconds = 1_767_225_600;
const body = '{"taskId":806769905152840693,"result":"FINISHED","message":"ä"}';

function sign(secret: string, at = nowSeconds): Record<string, string> {
  return {
    'webhook-id': '806769905152840693_3',
    'webhook-timestamp': String(at),
    'webhook-signature': new Webhook(secret).sign('806769905152840693_3', new Date(at * 1000), body),
  };
}

describe('a callback', () => {
  const secret = makeSecret();

  test.each([
    ['as text', body, sign(secret)],
    ['as bytes', new TextEncoder().encode(body), sign(secret)],
    ['with headers of a Request', body, new Headers(sign(secret))],
    [
      'with names in capitals',
      body,
      Object.fromEntries(Object.entries(sign(secret)).map(([k, v]) => [k.toUpperCase(), v])),
    ],
    ['a little old', body, sign(secret, nowSeconds - 299)],
  ])('that is genuine is read exactly: %s', async (_, sent, headers) => {
    const verified = await verifyCallback({ secrets: [secret], headers, body: sent, nowSeconds });
    expect(verified).toMatchObject({
      ok: true,
      id: '806769905152840693_3',
      callback: { taskId: 806769905152840693n, message: 'ä' },
    });
  });

  test('is genuine by any of the secrets, and any of the signatures', async () => {
    const old = makeSecret();
    const [first, second] = [sign(old), sign(secret)];
    const both = {
      ...first,
      'webhook-signature': `v1a,AAAA ${first['webhook-signature']} ${second['webhook-signature']}`,
    };
    for (const secrets of [[old], [secret], [makeSecret(), secret]]) {
      expect(await verifyCallback({ secrets, headers: both, body, nowSeconds })).toMatchObject({ ok: true });
    }
  });

  test('is genuine by the public half of an ed25519 key, and by no other', async () => {
    const [pair, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
    const publicKey = ({ publicKey: key }: typeof pair) =>
      `whpk_${Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64')}`;
    const signed = Buffer.from(`1_1.${nowSeconds}.${body}`);
    const signature = `v1a,${signBytes(null, signed, pair.privateKey).toString('base64')}`;
    const headers = { 'webhook-id': '1_1', 'webhook-timestamp': String(nowSeconds), 'webhook-signature': signature };
    const verify = (key: string) => verifyCallback({ secrets: [key], headers, body, nowSeconds });
    expect(await verify(publicKey(pair))).toMatchObject({ ok: true });
    expect(await verify(publicKey(other))).toEqual({ ok: false, why: 'wrong signature' });
  });

  const headers = sign(secret);
  test.each([
    ['wrong signature', { body: body.replace('FINISHED', 'FAILED') }],
    ['wrong signature', { secrets: [makeSecret()] }],
    ['wrong signature', { headers: { ...headers, 'webhook-id': '1_1' } }],
    ['wrong signature', { headers: { ...headers, 'webhook-signature': 'v1,not base64!' } }],
    ['wrong signature', { secrets: [] }],
    ['too old or too new', { nowSeconds: nowSeconds + 301 }],
    ['too old or too new', { nowSeconds: nowSeconds - 301 }],
    ['no signature', { headers: {} }],
    ['no signature', { headers: { ...headers, 'webhook-timestamp': 'now' } }],
  ] as const)('is refused: %s', async (why, change) => {
    const received = { secrets: [secret], headers, body, nowSeconds, ...change };
    expect(await verifyCallback(received)).toEqual({ ok: false, why });
  });

  test('wants a secret that is one', async () => {
    await expect(verifyCallback({ secrets: ['whsec_'], headers, body, nowSeconds })).rejects.toThrow(RangeError);
  });
});
