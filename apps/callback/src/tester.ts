import type { AllowList } from '@juice/destinations';
import type { Log } from '@juice/observability';
import { testTakenWithinMs, type CallbackTest, type CallbackTests } from '@juice/persistence';
import type { Send } from './http-sender.ts';
import { makeTest } from './make-test.ts';
import { startTaker, type Taker } from './taker.ts';
import type { RulesOf } from './tenant-rules.ts';

export interface TesterDeps {
  readonly tests: Pick<CallbackTests, 'takeTest' | 'tellTest'>;
  readonly rulesOf: RulesOf;
  /** Connections of its own for each, so that all of them is gone through. */
  readonly openSender: () => { readonly send: Send; close(): void };
  readonly allow: AllowList;
  readonly userAgent: string;
  readonly by: string;
  readonly now: () => number;
  readonly log: Log;
  /** A bug: the process must end. */
  readonly onBroken: (error: unknown) => void;
}

/** Makes the tests of receivers that are asked for: here, because callbacks come from here and are signed here. */
export function startTester(deps: TesterDeps): Taker {
  const { tests, now, log } = deps;

  async function make(test: CallbackTest): Promise<void> {
    const rules = await deps.rulesOf(test.tenantId);
    const { send, close } = deps.openSender();
    try {
      const result = await makeTest(test, { ...deps, rules, send });
      await tests.tellTest(test.testId, result);
      const { outcome, cause, durationMs } = result;
      log.info('callback.tested', {
        tenantId: test.tenantId,
        deliveryId: result.webhookId,
        outcome,
        cause,
        durationMs,
      });
    } finally {
      close();
    }
  }

  return startTaker({
    // Who waits for one that MongoDB did not let us make is told that nobody has answered.
    async take() {
      const test = await tests.takeTest(now() - testTakenWithinMs);
      return test === null ? null : () => make(test);
    },
    onBroken: deps.onBroken,
  });
}
