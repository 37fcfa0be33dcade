import { describe, expect, test } from '@jest/globals';
import { addToEvidence, judgeEvidence, noEvidence, windowMs, type Evidence } from './evidence.ts';

const nowMs = 1_750_000_000_000;

/** `.` was answered, `x` failed. */
function seen(attempts: string, atMs = nowMs, from: Evidence = noEvidence): Evidence {
  return [...attempts].reduce((evidence, mark) => addToEvidence(evidence, mark === 'x', atMs), from);
}
const judged = (evidence: Evidence, isRamping = false, atMs = nowMs) =>
  judgeEvidence(evidence, { nowMs: atMs, isRamping });

describe('evidence against an endpoint', () => {
  test.each([
    ['nine failures in a row', 'x'.repeat(9), null],
    ['ten in a row', 'x'.repeat(10), { consecutive: 10, failed: 10, attempts: 10 }],
    ['ten, but not in a row', '.'.repeat(3) + 'xxxxx.xxxxx', null],
    ['half of twenty', '.x'.repeat(10), { consecutive: 1, failed: 10, attempts: 20 }],
    ['less than half', '.x'.repeat(9) + '.....x', null],
    ['half of fewer', '.x'.repeat(9), null],
    ['half of twenty, and just now an answer', 'x.'.repeat(10), null],
  ])('%s', (_, attempts, expected) => {
    expect(judged(seen(attempts))).toEqual(expected);
  });

  test('while traffic grows three in a row are enough', () => {
    expect(judged(seen('.xx'), true)).toBeNull();
    expect(judged(seen('.xxx'), true)).toEqual({ consecutive: 3, failed: 3, attempts: 4 });
  });

  test('a share is of the last five minutes', () => {
    const old = seen('x.'.repeat(10));
    const later = nowMs + windowMs;
    expect(judged(seen('x', later - 60_000, old), false, later - 60_000)).not.toBeNull();
    expect(judged(seen('x', later + 30_000, old), false, later + 30_000)).toBeNull();
    expect(seen('x', later + 30_000, old).buckets).toHaveLength(1);
  });
});
