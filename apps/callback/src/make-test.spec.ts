import { describe, expect, test } from '@jest/globals';
import { parseAllowList } from '@juice/destinations';
import { Webhook } from 'standardwebhooks';
import type { Post, PostResult } from './http-sender.ts';
import { makeTest } from './make-test.ts';
import { parseSigningKey } from './sign.ts';

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const nowMs = Date.now();
const noTimings = { lookupMs: null, connectMs: null, tlsMs: null, firstByteMs: null, totalMs: 0 };
const allTimings = { lookupMs: 1, connectMs: 2, tlsMs: 3, firstByteMs: 4, totalMs: 10 };

function answered(status: number, headers: Readonly<Record<string, string>> = {}, body = ''): PostResult {
  return { kind: 'answered', status, headers, body: Buffer.from(body), isBodyWhole: true, timings: allTimings };
}

async function run(result: PostResult, url = 'https://acme.example/hook') {
  const posts: Post[] = [];
  const allow = parseAllowList([]);
  const key = parseSigningKey(secret);
  if (allow === null || key === null) throw new Error('neither is wrong');
  const answer = await makeTest(
    { testId: 'abc', tenantId: 'acme', url, askedAtMs: nowMs },
    {
      rules: { schedule: [0], keysAt: () => [key] },
      send: async (post) => {
        posts.push(post);
        return result;
      },
      ...{ allow, userAgent: 'juice', now: () => nowMs, by: 'worker-1' },
    },
  );
  return { answer, posts };
}

describe('a test of a receiver', () => {
  test('is signed as callbacks are, and about no task', async () => {
    const { answer, posts } = await run(answered(204));
    const [post] = posts;
    if (post === undefined) throw new Error('nothing was sent');
    const body = new Webhook(secret).verify(post.body, { ...post.headers }) as object;
    expect(body).toMatchObject({ type: 'callback.test', tenantId: 'acme' });
    expect(post.headers['webhook-id']).toBe('test_abc');
    expect(answer).toMatchObject({ outcome: 'delivered', httpStatus: 204, signatures: 1, worker: 'worker-1' });
    expect(answer).not.toHaveProperty('cause');
    expect(answer.phases).toEqual([
      { phase: 'url', ok: true },
      { phase: 'lookup', ok: true, durationMs: 1 },
      { phase: 'connect', ok: true, durationMs: 2 },
      { phase: 'tls', ok: true, durationMs: 3 },
      { phase: 'response', ok: true, durationMs: 4 },
    ]);
  });

  test.each<[string, PostResult, object]>([
    ['500', answered(500, {}, 'x'.repeat(5000)), { outcome: 'failed', cause: 'status-500', body: 'x'.repeat(1024) }],
    ['404', answered(404), { outcome: 'rejected', summary: expect.stringContaining('refuses it: 404') }],
    ['410', answered(410), { outcome: 'gone', summary: expect.stringContaining('held') }],
    [
      'a redirect',
      answered(301, { location: 'https://new.example/' }),
      { outcome: 'rejected', summary: expect.stringContaining('https://new.example/') },
    ],
    ['a packed body', answered(200, { 'content-encoding': 'gzip' }, 'x'), { body: '(a body encoded as gzip)' }],
    [
      'a name that does not resolve',
      { kind: 'failed', phase: 'lookup', code: 'ENOTFOUND', timings: noTimings },
      {
        ...{ outcome: 'failed', cause: 'dns-not-found' },
        phases: [
          { phase: 'url', ok: true },
          { phase: 'lookup', ok: false },
        ],
      },
    ],
    [
      'a certificate that is over',
      { kind: 'failed', phase: 'tls', code: 'CERT_HAS_EXPIRED', timings: { ...allTimings, tlsMs: null } },
      { outcome: 'failed', cause: 'tls-failed', summary: expect.stringContaining('CERT_HAS_EXPIRED') },
    ],
    [
      'an address inside',
      { kind: 'forbidden', timings: noTimings },
      { outcome: 'forbidden', cause: 'forbidden-address', summary: expect.not.stringMatching(/\d+\.\d+\.\d+/) },
    ],
    ['our own fault', { kind: 'failed', phase: 'connect', code: 'EMFILE', timings: noTimings }, { outcome: 'ours' }],
    ['the worker’s end', { kind: 'stopped' }, { outcome: 'ours', cause: 'ours-stopped' }],
  ])('tells of %s', async (_, result, expected) => {
    expect((await run(result)).answer).toMatchObject(expected);
  });

  test('goes nowhere where no callback would go', async () => {
    for (const url of ['http://127.0.0.1:9999/', 'https://a:b@acme.example/', 'ftp://acme.example/', 'https://x:22/']) {
      const { answer, posts } = await run(answered(200), url);
      expect(posts).toEqual([]);
      expect(answer).toMatchObject({ outcome: 'forbidden', phases: [{ phase: 'url', ok: false }], headers: {} });
    }
  });
});
