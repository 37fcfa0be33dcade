import { JuiceError, JuiceUnreachableError } from '@juice/client';
import { TaskState, type TaskDetail } from '@juice/contracts';

/** As sysexits(3) has them, where the service or the caller is the reason. */
export const exitStatus = {
  usage: 64,
  refused: 65,
  unavailable: 69,
  internal: 70,
  forbidden: 77,
  /** As timeout(1) has it: `wait` was given no more time. */
  timedOut: 124,
} as const;

/** Of an end state without an exit code: 103 FAILED, 104 LOST, …, 112 EXPIRED. */
const firstOfStates = 100;

/** How a program that waits for a task ends: like the task. Never 0 for one that has not finished. */
export function statusOfTask({ taskStatus, exitCode }: Pick<TaskDetail, 'taskStatus' | 'exitCode'>): number {
  if (taskStatus === TaskState.FINISHED) return 0;
  const isStatus = exitCode !== undefined && exitCode > 0 && exitCode < 256;
  return isStatus ? exitCode : firstOfStates + taskStatus;
}

/** How a program ends whose request failed; null for what is no failure of a request. */
export function statusOfError(error: unknown): number | null {
  if (error instanceof JuiceUnreachableError) return exitStatus.unavailable;
  if (!(error instanceof JuiceError)) return null;
  if (error.status === 401 || error.status === 403) return exitStatus.forbidden;
  if (error.status === 429 || error.status === 503) return exitStatus.unavailable;
  return error.status < 500 ? exitStatus.refused : exitStatus.internal;
}

export const exitStatusHelp = `
Exit status:
  0    done; with wait: the task has FINISHED
  1–255 with wait: the task's exit code, when it has one that is not 0
  103  with wait: FAILED without an exit code; 104 LOST, 105 ERROR, 106 KILLED,
       108 DROPPED, 109 GONE, 110 GONE_BY_OPERATOR, 111 UNKNOWN, 112 EXPIRED
  124  with wait: the time was over before the task had ended
  64   wrong usage        65  the service refused the request
  69   not reachable, or busy        70  a fault of the service
  77   no key, or one that may not do this`;
