import { DependencyFailure } from '@juice/contracts';

/** Something that any number of processes may do, and that is soon enough done by one of them. */
export interface NowAndThen {
  readonly everyMs: number;
  /** Done again at the next round when it throws DependencyFailure. */
  readonly act: (signal: AbortSignal) => Promise<void>;
  /** Resolves after a time, or at once when the signal is aborted; never rejects. */
  readonly wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly random: () => number;
  /** Whether the first time is at once; else it is after a first wait. */
  readonly isAtOnce?: boolean;
}

/** Does it again and again until stopped, not in step with the other processes. Stopping waits for what is being done. */
export function startNowAndThen(deps: NowAndThen): { stop(): Promise<void> } {
  const { everyMs, act, wait, random, isAtOnce = false } = deps;
  const stopping = new AbortController();
  const { signal } = stopping;

  async function keep(): Promise<void> {
    for (let isFirst = isAtOnce; ; isFirst = false) {
      if (!isFirst) await wait(everyMs * (0.5 + random()), signal);
      if (signal.aborted) return;
      try {
        await act(signal);
      } catch (error: unknown) {
        // The store is away: the next round will do.
        if (!(error instanceof DependencyFailure)) throw error;
      }
    }
  }

  const keeping = keep();
  return {
    async stop() {
      stopping.abort();
      await keeping;
    },
  };
}
