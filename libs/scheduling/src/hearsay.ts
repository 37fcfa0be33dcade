import type { ObservedStatus } from './event.ts';
import { isLoss } from './failure-class.ts';
import type { State } from './state.ts';
import type { Attempt } from './task.ts';

/** An end that the master has told without its agent's own word, and until when that is waited for. */
export interface Hearsay {
  readonly status: ObservedStatus;
  readonly untilMs: number;
}

const hearsayReasons: ReadonlySet<string | null> = new Set(['AGENT_REREGISTERED', 'RECONCILIATION']);
const hearsayStates: ReadonlySet<string> = new Set(['TASK_FINISHED', 'TASK_FAILED', 'TASK_KILLED']);

/**
 * Asked about a task, or when its agent is back, a master tells the bare state of one that has ended: no exit code, no
 * message, no reason of the end's. It knows the task at all because its agent's own update is not acknowledged yet, and
 * that one, which has them, follows. So the end waits for it a while. Nothing is stored or acknowledged meanwhile: a new
 * leader hears all of it again.
 *
 * False: there is nothing to wait for. What could not be read of an attempt may be just that update.
 */
export function isHearsay({ quarantined }: Attempt, { uuid, reason, state }: ObservedStatus): boolean {
  return uuid === null && !quarantined && hearsayReasons.has(reason) && hearsayStates.has(state);
}

export function hear(state: State, live: Attempt, status: ObservedStatus, atMs: number): void {
  live.hearsay ??= { status, untilMs: atMs + state.policy.hearsayMs };
}

/** A cluster that loses an attempt whose end was told has lost the details alone. */
export function preferHearsay({ hearsay }: Attempt, status: ObservedStatus): ObservedStatus {
  return hearsay !== null && isLoss(status.state) ? hearsay.status : status;
}
