import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createTokenBuckets, type Pace } from './token-buckets.ts';

function start(most = 100) {
  const clock = { ms: 0 };
  return { clock, take: createTokenBuckets({ most, monotonicMs: () => clock.ms }) };
}

describe('token buckets', () => {
  test('allow the burst at once, then the pace, and the burst again after a rest', () => {
    const { clock, take } = start();
    const pace: Pace = { perSecond: 2, burst: 3 };
    const next = () => take('t', pace);
    expect([next(), next(), next()].map(({ remaining }) => remaining)).toEqual([2, 1, 0]);
    expect(next()).toEqual({ isAllowed: false, remaining: 0, nextInMs: expect.closeTo(500, 1), fullInMs: 1500 });
    clock.ms += 500;
    expect([next().isAllowed, next().isAllowed]).toEqual([true, false]);
    clock.ms += 1500;
    expect([next(), next(), next(), next()].map(({ isAllowed }) => isAllowed)).toEqual([true, true, true, false]);
  });

  test('ids have nothing to do with each other', () => {
    const { take } = start();
    const pace: Pace = { perSecond: 1, burst: 1 };
    expect([take('a', pace), take('b', pace), take('a', pace)].map(({ isAllowed }) => isAllowed)).toEqual([
      ...[true, true, false],
    ]);
  });

  test('whatever is asked when, no span of time has more than its pace and one burst, and who waits as told is allowed', () => {
    const pace = fc.record({
      perSecond: fc.double({ min: 0.01, max: 1000, noNaN: true }),
      burst: fc.integer({ min: 1, max: 50 }),
    });
    const pauses = fc.array(fc.double({ min: 0, max: 2000, noNaN: true }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(pace, pauses, (pace, pauses) => {
        const { clock, take } = start();
        const allowedAt: number[] = [];
        for (const pause of pauses) {
          clock.ms += pause;
          const { isAllowed, nextInMs } = take('t', pace);
          if (isAllowed) allowedAt.push(clock.ms);
          else {
            clock.ms += nextInMs + 0.002;
            expect(take('t', pace).isAllowed).toBe(true);
            allowedAt.push(clock.ms);
          }
        }
        for (const [n, fromMs] of allowedAt.entries()) {
          const [last = fromMs] = allowedAt.slice(-1);
          const most = pace.burst + ((last - fromMs) / 1000) * pace.perSecond;
          expect(allowedAt.length - n).toBeLessThanOrEqual(most + 0.1 + allowedAt.length * 0.001);
        }
      }),
      { numRuns: 200 },
    );
  });

  test('no more of them are kept than may be; the ones asked for last', () => {
    const { take } = start(2);
    const pace: Pace = { perSecond: 1, burst: 1 };
    for (const id of ['a', 'b', 'c']) take(id, pace);
    expect([take('c', pace), take('b', pace), take('a', pace)].map(({ isAllowed }) => isAllowed)).toEqual([
      ...[false, false, true],
    ]);
  });
});
