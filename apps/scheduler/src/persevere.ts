import { DependencyFailure } from '@juice/contracts';
import type { Log } from '@juice/observability';
import type { Wait } from './wait.ts';

export type Persevere = <T>(operation: string, attempt: () => Promise<T>) => Promise<T>;

const firstPauseMs = 50;
const longestPauseMs = 1_000;

/**
 * Repeats what a dependency failed at until it succeeds. `assertLeading` ends it: it throws once the lease may be over,
 * and then so does this. Only for operations that may be repeated: reads, and writes that know their own repetition.
 */
export function createPersevere(deps: { assertLeading: () => void; wait: Wait; log: Log }): Persevere {
  return async (operation, attempt) => {
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      deps.assertLeading();
      try {
        return await attempt();
      } catch (error: unknown) {
        if (!(error instanceof DependencyFailure) || !error.retryable) throw error;
        deps.log.warn('dependency.unreachable', { dependency: error.dependency, operation, retryInMs: pauseMs, error });
        await deps.wait(pauseMs);
      }
    }
  };
}
