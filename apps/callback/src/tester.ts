import { DependencyFailure } from '@juice/contracts';
import type { AllowList } from '@juice/destinations';
import type { Log } from '@juice/observability';
import type { CallbackTest, CallbackTests } from '@juice/persistence';
import { createAlarm } from './alarm.ts';
import type { Send } from './http-sender.ts';
import { makeTest } from './make-test.ts';
import type { RulesOf } from './tenant-rules.ts';

/** Makes the tests of receivers that are asked for: here, because callbacks come from here and are signed here. */
export interface Tester {
  /** Begins no further one; resolves when those under way have ended. */
  close(): Promise<void>;
}

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

/** Somebody waits for it; and a look at an index that is mostly empty costs nothing. */
const pollMs = 500;
const failedPollMs = 2_000;
/** Who asked for an older one has been told that nobody made it. */
const oldestMs = 10_000;
const mostUnderWay = 8;

export function startTester(deps: TesterDeps): Tester {
  const { tests, now, log } = deps;
  const alarm = createAlarm();
  const underWay = new Set<Promise<void>>();
  let isClosed = false;

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

  function begin(test: CallbackTest): void {
    const made = make(test).catch((error: unknown) => {
      // Who waits for it is told that nobody has answered.
      if (!(error instanceof DependencyFailure)) deps.onBroken(error);
    });
    underWay.add(made);
    void made.finally(() => underWay.delete(made));
  }

  async function takeForever(): Promise<void> {
    while (!isClosed) {
      let sleepMs = pollMs;
      try {
        const test = underWay.size < mostUnderWay ? await tests.takeTest(now() - oldestMs) : null;
        if (test !== null) {
          begin(test);
          sleepMs = 0;
        }
      } catch (error: unknown) {
        if (!(error instanceof DependencyFailure)) deps.onBroken(error);
        sleepMs = failedPollMs;
      }
      if (!isClosed) await alarm.sleep(sleepMs);
    }
  }

  const taking = takeForever();
  return {
    async close() {
      isClosed = true;
      alarm.ring();
      await taking;
      await Promise.all(underWay);
    },
  };
}
