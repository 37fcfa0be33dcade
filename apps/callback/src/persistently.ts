import { setTimeout as wait } from 'node:timers/promises';
import { DependencyFailure } from '@juice/contracts';

/** The log of attempts is an account for people; the lane's truth is the settling, which does not wait on it. */
export function passOver(error: unknown): void {
  if (!(error instanceof DependencyFailure)) throw error;
}

/** The first pause after a failed settling; doubled each time. */
const settleAgainMs = 200;

/**
 * Settles, again and again while the lease lasts: the receiver has the state already, and would get it twice if we let
 * go. Rejects with the last failure when the lease is over, or when we are told to give up.
 */
export async function persistently<T>(
  { now, abandoning }: { readonly now: () => number; readonly abandoning: AbortSignal },
  leaseUntilMs: number,
  run: () => Promise<T>,
): Promise<T> {
  for (let pauseMs = settleAgainMs; ; pauseMs *= 2) {
    try {
      return await run();
    } catch (error: unknown) {
      const isWorthwhile = error instanceof DependencyFailure && error.retryable && now() + pauseMs < leaseUntilMs;
      if (!isWorthwhile || abandoning.aborted) throw error;
      await wait(pauseMs, undefined, { signal: abandoning }).catch(() => undefined);
    }
  }
}
