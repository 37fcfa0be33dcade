import { describe, expect, test } from '@jest/globals';
import type { Lease } from '@juice/persistence';
import {
  isAtLeast,
  judgeAdminKey,
  judgeBrokerVersion,
  judgeCallbackSecret,
  judgeClock,
  judgeIndexes,
  judgeLease,
  judgeMongoKind,
  judgeSchema,
  judgeTopology,
} from './judge-parts.ts';

describe('clocks', () => {
  test.each([
    [0, 0, 'ok'],
    [1_000, 0, 'ok'],
    [1_001, 0, 'warning'],
    [-1_001, 0, 'warning'],
    [1_400, 500, 'ok'],
    [30_000, 0, 'warning'],
    [-30_001, 0, 'wrong'],
    [30_400, 500, 'warning'],
  ])('%d ms ahead, ± %d: %s', (aheadMs, doubtMs, verdict) => {
    expect(judgeClock('MongoDB’s', { aheadMs, doubtMs }).verdict).toBe(verdict);
  });

  test('say which of the two is ahead', () => {
    expect(judgeClock('MongoDB’s', { aheadMs: -2_000, doubtMs: 10 }).found).toContain('2.0 s behind this machine’s');
    expect(judgeClock('MongoDB’s', { aheadMs: 2_000, doubtMs: 10 }).found).toContain('2.0 s ahead of this machine’s');
  });
});

describe('MongoDB', () => {
  const server = { setName: null, version: '7.0.14', wireVersion: 21, aheadMs: 0, doubtMs: 0 };

  test('is best a replica set', () => {
    expect(judgeMongoKind({ ...server, kind: 'replica-set', setName: 'rs0' })).toMatchObject({
      verdict: 'ok',
      found: expect.stringContaining('replica set rs0'),
    });
    expect(judgeMongoKind({ ...server, kind: 'sharded' }).verdict).toBe('ok');
    expect(judgeMongoKind({ ...server, kind: 'standalone' }).verdict).toBe('warning');
  });

  test.each([
    [{ schema: 0, oldestReader: 0, known: 3 }, 'ok', 'schema 3 is made'],
    [{ schema: 2, oldestReader: 1, known: 3 }, 'ok', 'migrates it to 3'],
    [{ schema: 3, oldestReader: 2, known: 3 }, 'ok', 'schema 3'],
    [{ schema: 4, oldestReader: 3, known: 3 }, 'ok', 'can use it'],
    [{ schema: 5, oldestReader: 4, known: 3 }, 'wrong', 'knows schema 4'],
  ])('with %j', (facts, verdict, found) => {
    expect(judgeSchema(facts)).toMatchObject({ verdict, found: expect.stringContaining(found) });
  });

  test('indexes that are missing before the first start are to be expected; later, and other ones, are not', () => {
    const before = { schema: 0, oldestReader: 0, known: 1 };
    const after = { schema: 1, oldestReader: 1, known: 1 };
    const missing = { missing: ['tasks {"idem":1}'], different: [] };
    expect(judgeIndexes({ missing: [], different: [] }, after).verdict).toBe('ok');
    expect(judgeIndexes(missing, before).verdict).toBe('ok');
    expect(judgeIndexes(missing, after)).toMatchObject({
      verdict: 'warning',
      found: 'missing: tasks {"idem":1}',
    });
    expect(judgeIndexes({ missing: [], different: ['tasks {"idem":1}'] }, before).verdict).toBe('wrong');
  });
});

describe('the lead', () => {
  const url = 'http://api:lease-secret@one:8081';
  const held: Lease = { name: 'scheduler', holder: 'one', epoch: 7, renewals: 3, url };
  const seen = { isRenewed: false, watchedMs: 4_000, renewedEveryMs: 3_333 };

  test('is somebody’s who renews it', () => {
    expect(judgeLease({ ...seen, lease: held, isRenewed: true })).toMatchObject({
      verdict: 'ok',
      found: 'one leads, epoch 7, at http://one:8081',
    });
  });

  test('is in doubt when it was not renewed in time', () => {
    expect(judgeLease({ ...seen, lease: held })).toMatchObject({
      verdict: 'warning',
      found: expect.stringContaining('has not renewed it in 4.0 s'),
    });
  });

  test('is not judged when it was not watched long enough', () => {
    expect(judgeLease({ ...seen, lease: held, renewedEveryMs: 20_000 })).toMatchObject({
      verdict: 'ok',
      found: expect.stringContaining('it renews every 20.0 s'),
    });
  });

  test('is nobody’s before the first scheduler, and when one gave it back', () => {
    expect(judgeLease({ ...seen, lease: null }).verdict).toBe('ok');
    expect(judgeLease({ ...seen, lease: { ...held, holder: null } }).verdict).toBe('warning');
  });
});

describe('RabbitMQ', () => {
  test.each([
    ['3.9.29', 'wrong'],
    ['3.10.0', 'ok'],
    ['3.13.7', 'ok'],
    ['4.1.0', 'ok'],
    ['', 'wrong'],
  ])('%s: %s', (version, verdict) => {
    expect(judgeBrokerVersion({ product: 'RabbitMQ', version }).verdict).toBe(verdict);
  });

  test('something else is not refused', () => {
    expect(judgeBrokerVersion({ product: 'LavinMQ', version: '2.4.0' }).verdict).toBe('warning');
  });

  test('versions are numbers, not text', () => {
    expect(isAtLeast('10.0', [9, 1])).toBe(true);
    expect(isAtLeast('9.10', [9, 9])).toBe(true);
    expect(isAtLeast('nothing', [0, 0])).toBe(false);
  });

  test('what is missing is made; what is other than wanted is in the way', () => {
    const there = { present: ['a', 'b'], missing: [], different: [] };
    expect(judgeTopology(there)).toMatchObject({ verdict: 'ok', found: 'all 2 exchanges and queues are there' });
    expect(judgeTopology({ ...there, missing: ['c'] })).toMatchObject({
      verdict: 'ok',
      found: 'c is made when a service starts',
    });
    expect(judgeTopology({ ...there, different: [{ name: 'd', detail: 'durable' }] })).toMatchObject({
      verdict: 'wrong',
      found: 'with other properties than wanted: d (durable)',
    });
  });
});

test('secrets are told as set or not, and never shown', () => {
  const secret = 'whsec_c2VjcmV0c2VjcmV0c2VjcmV0';
  expect(judgeCallbackSecret(undefined).verdict).toBe('warning');
  expect(judgeAdminKey(undefined).verdict).toBe('skipped');
  for (const judged of [judgeCallbackSecret(secret), judgeAdminKey(secret)]) {
    expect(judged.verdict).toBe('ok');
    expect(JSON.stringify(judged)).not.toContain(secret);
  }
});
