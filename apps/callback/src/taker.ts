import { DependencyFailure } from '@juice/contracts';
import { createAlarm } from './alarm.ts';

/** Takes what is due, for as long as it is open. */
export interface Taker {
  /** Takes no more; resolves when what is under way has ended. */
  close(): Promise<void>;
}

/** How late something that nobody was told of is taken, at most. */
export const pollMs = 500;
/** After a failure of MongoDB. */
const failedPollMs = 2_000;
/** At a time: they wait for MongoDB or a receiver, not for each other. */
const mostUnderWay = 8;

/**
 * What MongoDB did not let it do is left as it is stored, for whoever takes it next; anything else that is thrown is a bug,
 * and ends the process.
 */
export function startTaker(deps: {
  /** Takes one: what is to be done with it; null: nothing is due. */
  readonly take: () => Promise<(() => Promise<void>) | null>;
  /** How long from now something is due that will not be told of; by default as long as it polls. */
  readonly sleepMs?: () => number;
  readonly onBroken: (error: unknown) => void;
}): Taker {
  const { take, sleepMs = () => pollMs } = deps;
  const alarm = createAlarm();
  const underWay = new Set<Promise<void>>();
  let isClosed = false;

  const unlessBroken = (error: unknown): void => {
    if (!(error instanceof DependencyFailure)) deps.onBroken(error);
  };

  async function takeAll(): Promise<void> {
    while (!isClosed && underWay.size < mostUnderWay) {
      const work = await take();
      if (work === null) return;
      const done = work().catch(unlessBroken);
      underWay.add(done);
      void done.finally(() => {
        underWay.delete(done);
        alarm.ring();
      });
    }
  }

  async function takeForever(): Promise<void> {
    while (!isClosed) {
      const pauseMs = await takeAll().then(sleepMs, (error: unknown) => {
        unlessBroken(error);
        return failedPollMs;
      });
      if (!isClosed) await alarm.sleep(pauseMs);
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
