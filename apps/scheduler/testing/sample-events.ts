import { DependencyFailure, TaskState, type StatusEvent, type TaskId } from '@juice/contracts';
import type { Log } from '@juice/observability';

/** A transition of a task, told apart by its seq; the one of `last` ends it. */
export function statusEvent(task: number, seq: number, last = Infinity): StatusEvent {
  return {
    v: 1,
    taskId: BigInt(task) as TaskId,
    tenantId: 'tenant',
    seq,
    status: seq >= last ? TaskState.FINISHED : TaskState.RUNNING,
    attempt: 1,
    message: '',
    reason: null,
    atMs: 1_000 * seq,
    callback: false,
  };
}

export function awayFailure(dependency: string): DependencyFailure {
  return new DependencyFailure({ dependency, operation: 'any', retryable: true, detail: 'is away' });
}

/** A log that keeps the names of what it is told, for tests that ask. */
export function listeningLog(told: string[] = []): Log {
  const keep = (event: string): void => void told.push(event);
  const log: Log = {
    ...{ error: keep, warn: keep, info: keep, debug: keep, child: () => log },
    ...{ isEnabled: () => true, close: () => Promise.resolve() },
  };
  return log;
}

/** A pause that ends when the test says so, or when its signal does. */
export function createPauses() {
  const pausing = new Set<() => void>();
  return {
    wait: (_ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        const end = (): void => {
          pausing.delete(end);
          resolve();
        };
        if (signal?.aborted === true) return resolve();
        signal?.addEventListener('abort', end);
        pausing.add(end);
      }),
    /** Ends every pause there is; how many there were. */
    end(): number {
      const ended = [...pausing];
      for (const end of ended) end();
      return ended.length;
    },
  };
}

/** Everything here is promises: after some turns of the event loop they have gone as far as they can. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
}
