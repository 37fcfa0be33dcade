import type { ExecutorReport } from '../cluster/cluster-state.ts';
import type { Launch } from '../driver.ts';
import type { ProcessNotes } from './process-identity.ts';
import type { Variables } from './task-environment.ts';

/** A task whose sandbox is ready, to be started in one way or the other. */
export interface TaskStart {
  readonly launch: Launch;
  readonly sandbox: string;
  /** Of the surrounding process: for the task and for tools that start it. */
  readonly variables: Variables;
  /** The task's own. */
  readonly own: Variables;
  readonly notes: ProcessNotes;
  /** Fires when the task is given up before it runs. */
  readonly signal: AbortSignal;
  readonly report: (report: ExecutorReport) => void;
}

/** A task that was started. Both do nothing once it has ended. */
export interface StartedTask {
  stop(graceMs: number): void;
  force(): void;
}

export function launchFailure(why: string): ExecutorReport {
  return { kind: 'failed', message: `Failed to launch container: ${why}`, reason: 'REASON_CONTAINER_LAUNCH_FAILED' };
}
