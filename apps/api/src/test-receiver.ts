import { randomUUID } from 'node:crypto';
import type { CallbackTestAnswer } from '@juice/contracts';
import type { AllowList } from '@juice/destinations';
import { testTakenWithinMs, type CallbackTests } from '@juice/persistence';
import type { Acted } from './audit.ts';
import { checkCallbackUrl } from './check-callback-url.ts';
import { refuse, refuseWhileStopping, type Refusal } from './refusal.ts';

/**
 * Has a callback worker send a test event to a receiver, and tells how far it came: from where callbacks come, signed with what
 * signs them, held to the same rules of where they may go. `over`: aborted when nobody waits for it any more; a test that no worker has
 * taken by then is not made. Throws DependencyFailure.
 */
export type TestReceiver = (tenantId: string, url: string, over: AbortSignal) => Promise<Acted<CallbackTestAnswer>>;

/** A worker gives a receiver fifteen seconds by default. */
const longestWaitMs = testTakenWithinMs + 15_000;
const pollMs = 200;
/** Of one tenant: nobody needs more, and Juice is not to be made to knock at somebody's door in a loop. */
const mostUnderWay = 3;

export function createTestReceiver(deps: {
  tests: Pick<CallbackTests, 'askTest' | 'readTest' | 'withdrawTest'>;
  allow: AllowList;
  now: () => number;
  wait: (ms: number, signal: AbortSignal) => Promise<void>;
}): TestReceiver {
  const { tests, now, wait } = deps;

  async function waitFor(testId: string, over: AbortSignal): Promise<Acted<CallbackTestAnswer>> {
    for (let waitedMs = pollMs; waitedMs <= longestWaitMs; waitedMs += pollMs) {
      await wait(pollMs, over);
      const { isTaken, result } = await tests.readTest(testId);
      if (result !== null) return { ok: true, answer: result, noted: { outcome: result.outcome } };
      const isDue = over.aborted || waitedMs >= testTakenWithinMs;
      const isWithdrawn = isDue && !isTaken && (await tests.withdrawTest(testId));
      if (over.aborted) return refuseWhileStopping();
      if (isWithdrawn) return nobody();
    }
    return notTold();
  }

  return async (tenantId, url, over) => {
    const [problem] = checkCallbackUrl(url, deps.allow, 'url');
    if (problem !== undefined) return refuse('invalid', problem);
    const testId = randomUUID();
    const askedAtMs = now();
    const bound = { most: mostUnderWay, sinceMs: askedAtMs - longestWaitMs };
    if (!(await tests.askTest({ testId, tenantId, url, askedAtMs }, bound))) return tooMany();
    return waitFor(testId, over);
  };
}

function tooMany(): Refusal {
  const message = `${mostUnderWay} tests of this tenant are under way: wait for one to end`;
  return refuse('too-many', { member: 'tests', code: 'LIMIT_REACHED', message, value: String(mostUnderWay) });
}

function nobody(): Refusal {
  const seconds = testTakenWithinMs / 1000;
  const message = `no callback worker has taken the test within ${seconds} seconds, and none will; are there any, and do they reach MongoDB?`;
  return refuse('unavailable', { member: 'callback', code: 'DATA_ACCESS', message });
}

function notTold(): Refusal {
  const seconds = longestWaitMs / 1000;
  const message = `a callback worker has taken the test, and has not told within ${seconds} seconds what came of it: the receiver takes longer, or the worker has died`;
  return refuse('unavailable', { member: 'callback', code: 'DATA_ACCESS', message });
}
