import { setTimeout as wait } from 'node:timers/promises';
import { DependencyFailure } from '@juice/contracts';
import { hideCredentials } from './hide-credentials.ts';
import type { Report } from './report.ts';

export interface BackoffLimits {
  /** The longest first delay. */
  readonly firstMs: number;
  /** No delay is longer. */
  readonly maxMs: number;
}

/** A quarter of a second to begin with, for what is just starting beside us; ten seconds so that a return is seen soon. */
export const connectBackoff: BackoffLimits = { firstMs: 250, maxMs: 10_000 };

/** The delay after the n-th failure in a row (1, 2, …): doubling, capped, and between half and all of that by chance. */
export function backoffDelayMs(failures: number, limits: BackoffLimits, random: () => number): number {
  const full = Math.min(limits.maxMs, limits.firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(full * (0.5 + random() / 2));
}

/**
 * Connects to a dependency, trying again until it works: at start, dependencies may come up after us. Every failure is
 * one `dependency.unreachable` line that says which dependency, where, why, and when the next try is. Rejects with a
 * DependencyFailure that is not retryable (refused credentials: waiting does not help), or with the signal's reason.
 * With `isForever` a refusal is tried again like anything else: for a connection that worked before.
 */
export async function connectWithBackoff<Connection>(deps: {
  dependency: string;
  /** Where it is; credentials and query are removed before it is shown. */
  target: string;
  connect: () => Promise<Connection>;
  log: Report;
  signal?: AbortSignal;
  isForever?: boolean;
  backoff?: BackoffLimits;
  random?: () => number;
}): Promise<Connection> {
  const { dependency, connect, log, signal, isForever = false, backoff = connectBackoff, random = Math.random } = deps;
  const target = hideCredentials(deps.target);
  for (let failures = 0; ;) {
    signal?.throwIfAborted();
    try {
      const connection = await connect();
      log.info('dependency.connected', { dependency, target, failures });
      return connection;
    } catch (error: unknown) {
      if (!isForever && error instanceof DependencyFailure && !error.retryable) throw error;
      // Not a failure of theirs: we are stopping.
      signal?.throwIfAborted();
      failures += 1;
      const retryInMs = backoffDelayMs(failures, backoff, random);
      log.warn('dependency.unreachable', { dependency, target, failures, retryInMs, error });
      await wait(retryInMs, undefined, signal === undefined ? {} : { signal });
    }
  }
}
