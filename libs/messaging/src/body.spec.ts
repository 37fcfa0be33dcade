import { expect, test } from '@jest/globals';
import { decodeBody, encodeBody, maxBodyBytes } from './body.ts';

test('a body is read as it was written', () => {
  const body = { v: 1, id: 2n ** 62n, words: 'zażółć ✓', list: [null, true, 1.25] };
  expect(decodeBody(encodeBody(body))).toEqual({ ok: true, body });
});

test('what has no JSON form is written as null', () => {
  expect(decodeBody(encodeBody(undefined))).toEqual({ ok: true, body: null });
});

test('a body of just the limit passes, one byte more does not', () => {
  const most = 'x'.repeat(maxBodyBytes - 2);
  expect(decodeBody(encodeBody(most))).toEqual({ ok: true, body: most });
  expect(() => encodeBody(`${most}x`)).toThrow(expect.objectContaining({ retryable: false }));
});

test.each([
  ['', 'not JSON'],
  ['1 2', 'not JSON'],
])('%p is %s', (text, problem) => expect(decodeBody(Buffer.from(text))).toEqual({ ok: false, problem }));

test('bytes that are not UTF-8 are no body', () => {
  expect(decodeBody(Buffer.from([0x22, 0xff, 0x22]))).toEqual({ ok: false, problem: 'not UTF-8' });
});
