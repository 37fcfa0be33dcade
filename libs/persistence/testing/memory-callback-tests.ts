import type { CallbackTestAnswer } from '@juice/contracts';
import type { CallbackTest, CallbackTests } from '../src/index.ts';

/** Receivers' tests in memory, held to the same contract suite as the real ones. */
export function createMemoryCallbackTests(): CallbackTests {
  const all = new Map<string, { readonly test: CallbackTest; isTaken: boolean; result: CallbackTestAnswer | null }>();
  return {
    async askTest(test, { most, sinceMs }) {
      const underWay = [...all.values()].filter(
        (one) => one.test.tenantId === test.tenantId && one.test.askedAtMs >= sinceMs && one.result === null,
      );
      if (underWay.length >= most) return false;
      all.set(test.testId, { test, isTaken: false, result: null });
      return true;
    },
    async takeTest(sinceMs) {
      const [oldest] = [...all.values()]
        .filter(({ test, isTaken }) => !isTaken && test.askedAtMs >= sinceMs)
        .toSorted((a, b) => a.test.askedAtMs - b.test.askedAtMs);
      if (oldest === undefined) return null;
      oldest.isTaken = true;
      return oldest.test;
    },
    async tellTest(testId, result) {
      const stored = all.get(testId);
      if (stored !== undefined) stored.result = result;
    },
    async readTest(testId) {
      const { isTaken = false, result = null } = all.get(testId) ?? {};
      return { isTaken: isTaken || result !== null, result };
    },
    withdrawTest: async (testId) => all.get(testId)?.isTaken === false && all.delete(testId),
  };
}
