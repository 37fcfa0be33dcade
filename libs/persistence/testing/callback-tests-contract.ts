import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { CallbackTestAnswer } from '@juice/contracts';
import type { CallbackTests } from '../src/index.ts';

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

    test('of many workers one gets it, as it was asked for, the oldest first', async () => {
      expect(await tests.takeTest(t0)).toBeNull();
      await tests.askTest(asked(2));
      await tests.askTest(asked(1));
      const taken = await Promise.all(Array.from({ length: 6 }, () => tests.takeTest(t0)));
      const got = taken.filter((each) => each !== null);
      expect(new Set(got.map(({ testId }) => testId))).toEqual(new Set(['t1', 't2']));
      expect(got).toHaveLength(2);
      expect(got).toContainEqual(asked(1));
    });

    test('one that nobody waits for any more is not taken', async () => {
      await tests.askTest(asked(1));
      expect(await tests.takeTest(t0 + 2)).toBeNull();
      expect(await tests.takeTest(t0 + 1)).toEqual(asked(1));
    });

    test('what is told of it is read as it was told', async () => {
      await tests.askTest(asked(1));
      expect(await tests.readTest('t1')).toBeNull();
      await tests.tellTest('t1', result);
      expect(await tests.readTest('t1')).toEqual(result);
      expect(await tests.readTest('t2')).toBeNull();
    });

    test('those of a tenant that are under way are counted', async () => {
      for (const n of [1, 2, 3]) await tests.askTest(asked(n));
      await tests.askTest(asked(4, t0 + 4, 'other'));
      await tests.takeTest(t0);
      await tests.tellTest('t3', result);
      expect(await tests.countOpenTests('acme', t0)).toBe(2);
      expect(await tests.countOpenTests('acme', t0 + 2)).toBe(1);
    });
  });
}
