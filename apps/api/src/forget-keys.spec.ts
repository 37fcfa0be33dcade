import { expect, test } from '@jest/globals';
import { DependencyFailure } from '@juice/contracts';
import { until } from '../testing/until.ts';
import { startForgettingKeys } from './forget-keys.ts';
import { keyKeptMs } from './request-key.ts';

/** A store with old keys, and a clock that is moved by waiting. */
function createWorld(old: number) {
  const asked: { beforeMs: number; limit: number }[] = [];
  const waits: number[] = [];
  let left = old;
  let isDown = false;
  let error: Error = failure();
  let wake = (): void => undefined;
  const forgetting = startForgettingKeys({
    tasks: {
      async releaseKeys(beforeMs, limit) {
        asked.push({ beforeMs, limit });
        if (isDown) throw error;
        const released = Math.min(left, limit);
        left -= released;
        return released;
      },
    },
    now: () => 10 * keyKeptMs,
    wait: (ms, signal) =>
      new Promise((resolve) => {
        waits.push(ms);
        wake = resolve;
        signal.addEventListener('abort', () => resolve());
      }),
    random: () => 0.5,
  });
  return {
    asked,
    waits,
    forgetting,
    left: () => left,
    async round() {
      const { length } = waits;
      wake();
      await until('it waits again', () => waits.length > length);
    },
    fail(by: Error = failure()) {
      isDown = true;
      error = by;
    },
    recover() {
      isDown = false;
    },
  };
}

function failure(): DependencyFailure {
  return new DependencyFailure({ dependency: 'mongodb', operation: 'x', retryable: true, detail: 'is down' });
}

test('frees all that are older than a day and some, so many at a time', async () => {
  const { asked, round, forgetting, left, waits } = createWorld(1200);
  expect(asked).toEqual([]);
  await round();
  expect(left()).toBe(0);
  expect(asked).toEqual([500, 500, 500].map((limit) => ({ beforeMs: 9 * keyKeptMs - 3_600_000, limit })));
  expect(waits).toEqual([600_000, 600_000]);
  await forgetting.stop();
});

test('a store that is away is asked again in the next round', async () => {
  const { round, fail, recover, forgetting, left } = createWorld(3);
  fail();
  await round();
  expect(left()).toBe(3);
  recover();
  await round();
  expect(left()).toBe(0);
  await forgetting.stop();
});

test('stops while it waits, and does nothing more', async () => {
  const { forgetting, asked } = createWorld(3);
  await forgetting.stop();
  expect(asked).toHaveLength(0);
});
