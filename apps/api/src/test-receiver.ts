import { randomUUID } from 'node:crypto';
import type { CallbackTestAnswer } from '@juice/contracts';
import type { AllowList } from '@juice/destinations';
import type { CallbackTests } from '@juice/persistence';
import type { Acted } from './audit.ts';
import { checkCallbackUrl } from './check-callback-url.ts';
import { refuse, type Refusal } from './refusal.ts';

/**
 * Has a callback worker send a test event to a receiver, and tells how far it came: from where callbacks come, signed with what
 * signs them, held to the same rules of where they may go. Throws DependencyFailure.
 */
export type TestReceiver = (tenantId: string, url: string) => Promise<Acted<CallbackTestAnswer>>;

/** A worker takes it within a second, and gives a receiver fifteen by default. */
const longestWaitMs = 25_000;
const pollMs = 200;
/** Of one tenant: nobody needs more, and Juice is not to be made to knock at somebody's door in a loop. */
const mostUnderWay = 3;

export function createTestReceiver(deps: {
  tests: Pick<CallbackTests, 'askTest' | 'readTest' | 'countOpenTests'>;
  allow: AllowList;
  now: () => number;
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
}): TestReceiver {
  const { tests, now, wait } = deps;

  async function waitFor(testId: string): Promise<CallbackTestAnswer | null> {
    const never = new AbortController().signal;
    for (let waitedMs = 0; waitedMs < longestWaitMs; waitedMs += pollMs) {
      await wait(pollMs, never);
      const result = await tests.readTest(testId);
      if (result !== null) return result;
    }
    return null;
  }

  return async (tenantId, url) => {
    const [problem] = checkCallbackUrl(url, deps.allow);
    if (problem !== undefined)
      return refuse('invalid', { ...problem, member: 'url', message: problem.message.replace(/^callbackUrl/, 'url') });
    const askedAtMs = now();
    if ((await tests.countOpenTests(tenantId, askedAtMs - longestWaitMs)) >= mostUnderWay) return tooMany();
    const testId = randomUUID();
    await tests.askTest({ testId, tenantId, url, askedAtMs });
    const result = await waitFor(testId);
    if (result === null) return nobody();
    return { ok: true, answer: result, noted: { outcome: result.outcome } };
  };
}

function tooMany(): Refusal {
  const message = `${mostUnderWay} tests of this tenant are under way: wait for one to end`;
  return refuse('too-many', { member: 'tests', code: 'LIMIT_REACHED', message, value: String(mostUnderWay) });
}

function nobody(): Refusal {
  const message = `no callback worker has made the test within ${longestWaitMs / 1000} seconds; are there any, and do they reach MongoDB?`;
  return refuse('unavailable', { member: 'callback', code: 'DATA_ACCESS', message });
}
