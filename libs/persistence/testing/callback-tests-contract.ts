import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { CallbackTestAnswer } from '@juice/contracts';
import type { CallbackTest, CallbackTests } from '../src/index.ts';

export interface MadeCallbackTests {
  readonly tests: CallbackTests;
  close(): Promise<void>;
}

const t0 = 1_750_000_000_000;
const result: CallbackTestAnswer = {
  ...{
    url: 'https://acme.example/',
    webhookId: 'test_t1',
    outcome: 'failed',
    cause: 'status-500',
    summary: 'it failed',
  },
  ...{ phases: [{ phase: 'url', ok: true }], durationMs: 1.5, httpStatus: 500, headers: { server: 'x' } },
  ...{ signatures: 1, worker: 'worker-1' },
};

/** What a store of receivers' tests must do. `make` gives an empty one. */
export function callbackTestsContract(make: () => Promise<MadeCallbackTests>): void {
  describe('a store of receivers’ tests', () => {
    let made: MadeCallbackTests;
    let tests: CallbackTests;
    beforeEach(async () => {
      made = await make();
      ({ tests } = made);
    });
    afterEach(() => made.close());

    const asked = (n: number, askedAtMs = t0 + n, tenantId = 'acme') => ({
      ...{ testId: `t${n}`, tenantId, url: 'https://acme.example/', askedAtMs },
    });

    const ask = (test: CallbackTest, most = 10, sinceMs = t0) => tests.askTest(test, { most, sinceMs });

    test('of many workers one gets it, as it was asked for, the oldest first', async () => {
      expect(await tests.takeTest(t0)).toBeNull();
      await ask(asked(2));
      await ask(asked(1));
      const taken = await Promise.all(Array.from({ length: 6 }, () => tests.takeTest(t0)));
      const got = taken.filter((each) => each !== null);
      expect(new Set(got.map(({ testId }) => testId))).toEqual(new Set(['t1', 't2']));
      expect(got).toHaveLength(2);
      expect(got).toContainEqual(asked(1));
    });

    test('one that nobody waits for any more is not taken', async () => {
      await ask(asked(1));
      expect(await tests.takeTest(t0 + 2)).toBeNull();
      expect(await tests.takeTest(t0 + 1)).toEqual(asked(1));
    });

    test('what is told of it is read as it was told', async () => {
      await ask(asked(1));
      expect(await tests.readTest('t1')).toEqual({ isTaken: false, result: null });
      await tests.takeTest(t0);
      expect(await tests.readTest('t1')).toEqual({ isTaken: true, result: null });
      await tests.tellTest('t1', result);
      expect(await tests.readTest('t1')).toEqual({ isTaken: true, result });
      expect(await tests.readTest('t2')).toEqual({ isTaken: false, result: null });
    });

    test('those of a tenant that are under way are bounded', async () => {
      for (const n of [1, 2, 3]) expect(await ask(asked(n), 3)).toBe(true);
      await tests.takeTest(t0);
      expect(await ask(asked(5), 3)).toBe(false);
      expect(await ask(asked(6, t0 + 4, 'other'), 3)).toBe(true);
      // What was asked for before then, or is told, is not under way.
      expect(await ask(asked(7), 3, t0 + 2)).toBe(true);
      await tests.tellTest('t3', result);
      expect(await ask(asked(8), 4)).toBe(true);
      expect(await ask(asked(9), 4)).toBe(false);
      expect(await tests.readTest('t5')).toEqual({ isTaken: false, result: null });
      const taken = new Set<string>();
      for (let one = await tests.takeTest(t0); one !== null; one = await tests.takeTest(t0)) taken.add(one.testId);
      expect(taken).toEqual(new Set(['t2', 't3', 't6', 't7', 't8']));
    });

    test('however many ask at once, there are no more', async () => {
      const asking = Array.from({ length: 12 }, (_, n) => ask(asked(n + 1), 3));
      const asked3 = (await Promise.all(asking)).filter(Boolean).length;
      expect(asked3).toBeLessThanOrEqual(3);
      let taken = 0;
      while ((await tests.takeTest(t0)) !== null) taken += 1;
      expect(taken).toBe(asked3);
    });

    test('one is withdrawn unless a worker has taken it, and is under way no more', async () => {
      await ask(asked(1));
      expect(await tests.withdrawTest('t1')).toBe(true);
      expect(await tests.withdrawTest('t1')).toBe(false);
      expect(await tests.takeTest(t0)).toBeNull();
      expect(await ask(asked(2), 1)).toBe(true);
      await tests.takeTest(t0);
      expect(await tests.withdrawTest('t2')).toBe(false);
      await tests.tellTest('t2', result);
      expect(await tests.readTest('t2')).toEqual({ isTaken: true, result });
    });
  });
}
