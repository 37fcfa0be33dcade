import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { taskIdTimeMs } from '@juice/contracts';
import { createTaskIdSource } from './task-ids.ts';

const start = Date.UTC(2026, 0);
/** A clock that stands, goes on, and steps back. */
const steps = fc.array(
  fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 }), fc.integer({ min: -5000, max: 5000 })),
  {
    minLength: 1,
    maxLength: 200,
  },
);

describe('createTaskIdSource', () => {
  test('makes ids that rise, whatever the clock does, and that carry worker and time', () => {
    fc.assert(
      fc.property(steps, fc.nat(1023), (steps, worker) => {
        let nowMs = start;
        let latestMs = 0;
        let before = 0n;
        const next = createTaskIdSource({ now: () => nowMs });
        for (const step of steps) {
          nowMs += step;
          latestMs = Math.max(latestMs, nowMs);
          const id = next(worker);
          expect(id > before).toBe(true);
          expect(Number((id >> 12n) & 1023n)).toBe(worker);
          // So few ids never use a millisecond up: the time is the latest that the clock has shown.
          expect(taskIdTimeMs(id)).toBe(latestMs);
          before = id;
        }
      }),
      { numRuns: 200 },
    );
  });

  test('begins the next millisecond early when one is used up, and goes on from there', () => {
    let nowMs = start;
    const next = createTaskIdSource({ now: () => nowMs });
    const ids = Array.from({ length: 10_000 }, () => next(0));
    expect(new Set(ids).size).toBe(10_000);
    expect(ids.map((id) => taskIdTimeMs(id) - start)).toEqual(ids.map((_, n) => Math.floor(n / 4096)));
    nowMs += 1;
    expect(taskIdTimeMs(next(0))).toBe(start + 2);
    nowMs += 2;
    expect(taskIdTimeMs(next(0))).toBe(start + 3);
  });

  test('ids of two workers differ at every instant', () => {
    const [one, other] = [createTaskIdSource({ now: () => start }), createTaskIdSource({ now: () => start })];
    const ids = Array.from({ length: 1000 }, () => [one(1), other(2)]).flat();
    expect(new Set(ids).size).toBe(2000);
  });

  test.each([-1, 1024, 0.5, NaN])('%p is no worker number', (worker) => {
    expect(() => createTaskIdSource({ now: () => start })(worker)).toThrow(
      expect.objectContaining({ code: 'INVARIANT_BROKEN' }),
    );
  });
});
