import { startNowAndThen, type NowAndThen } from '@juice/runtime';
import { keyKeptMs } from './request-key.ts';

export interface KeyReleaseStore {
  /** Frees keys used before an instant, the oldest first; how many. Throws DependencyFailure. */
  releaseKeys(beforeMs: number, limit: number): Promise<number>;
}

/** Keys past their time do no harm: who meets one frees it. This keeps their index small. */
const everyMs = 600_000;
/**
 * A batch that is sent again just before its key's time is up may find the keys of its tasks for as long as it takes to
 * store them: these are freed with room to spare, clocks that differ included.
 */
const spareMs = 3_600_000;
/** One round trip's worth. */
const atOnce = 500;

/** Frees the keys of requests past their time, now and then, until stopped. Any number of processes may do so. */
export function startForgettingKeys(
  deps: { tasks: KeyReleaseStore; now: () => number } & Pick<NowAndThen, 'wait' | 'random'>,
): { stop(): Promise<void> } {
  const { tasks, now, wait, random } = deps;

  async function act(signal: AbortSignal): Promise<void> {
    const beforeMs = now() - keyKeptMs - spareMs;
    let released: number;
    do released = await tasks.releaseKeys(beforeMs, atOnce);
    while (released === atOnce && !signal.aborted);
  }

  return startNowAndThen({ everyMs, act, wait, random });
}
