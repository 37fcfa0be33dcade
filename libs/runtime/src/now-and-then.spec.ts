import { expect, test } from '@jest/globals';
import { DependencyFailure } from '@juice/contracts';
import { startNowAndThen, type NowAndThen } from './now-and-then.ts';

const turn = (): Promise<void> => new Promise(setImmediate);

/** Waits are over when the test says so; what is done is what `act` does. */
function start(act: NowAndThen['act'], changes: Partial<NowAndThen> = {}) {
  const waits: number[] = [];
  let pass = (): void => undefined;
  const keeping = startNowAndThen({
    everyMs: 1_000,
    act,
    wait: (ms, signal) =>
      new Promise((resolve) => {
        waits.push(ms);
        pass = resolve;
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve());
      }),
    random: () => 0.25,
    ...changes,
  });
  return {
    waits,
    keeping,
    async round() {
      pass();
      await turn();
    },
  };
}

test('it is done after each wait, which chance makes half to one and a half of the time', async () => {
  let done = 0;
  const chances = [0, 0.5, 0.999];
  const { waits, keeping, round } = start(async () => void done++, { random: () => chances.shift() ?? 0 });
  expect(done).toBe(0);
  await round();
  await round();
  expect(done).toBe(2);
  expect(waits).toEqual([500, 1_000, 1_499]);
  await keeping.stop();
  expect(done).toBe(2);
});

test('at once when that is asked for, and after each wait then', async () => {
  let done = 0;
  const { waits, keeping, round } = start(async () => void done++, { isAtOnce: true });
  await turn();
  expect(done).toBe(1);
  await round();
  expect(done).toBe(2);
  expect(waits).toEqual([750, 750]);
  await keeping.stop();
});

test('a dependency that is away is asked again at the next round', async () => {
  let done = 0;
  const detail = 'is down';
  const { keeping, round } = start(async () => {
    done += 1;
    throw new DependencyFailure({ dependency: 'mongodb', operation: 'act', retryable: true, detail });
  });
  await round();
  await round();
  expect(done).toBe(2);
  await keeping.stop();
});

test('stopping waits for what is being done, and tells it', async () => {
  let finish = (): void => undefined;
  let isTold = false;
  const { keeping, round } = start((signal) => {
    signal.addEventListener('abort', () => (isTold = true));
    return new Promise((resolve) => (finish = resolve));
  });
  await round();
  let isStopped = false;
  const stopped = keeping.stop().then(() => (isStopped = true));
  await turn();
  expect({ isTold, isStopped }).toEqual({ isTold: true, isStopped: false });
  finish();
  await stopped;
});
