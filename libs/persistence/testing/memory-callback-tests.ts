import type { CallbackTestAnswer } from '@juice/contracts';
import type { CallbackTest, CallbackTests } from '../src/index.ts';

/** Receivers' tests in memory, held to the same contract suite as the real ones. */
export function createMemoryCallbackTests(): CallbackTests {
  const all = new Map<string, { readonly test: CallbackTest; isTaken: boolean; result: CallbackTestAnswer | null }>();
  return {
    async askTest(test) {
      all.set(test.testId, { test, isTaken: false, result: null });
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
    readTest: async (testId) => all.get(testId)?.result ?? null,
    countOpenTests: async (tenantId, sinceMs) =>
      [...all.values()].filter(
        ({ test, result }) => test.tenantId === tenantId && test.askedAtMs >= sinceMs && result === null,
      ).length,
  };
}
