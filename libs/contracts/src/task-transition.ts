import type { TaskId } from './task-id.ts';
import type { TaskState } from './task-state.ts';

/**
 * One guarded write of the scheduler to one task: everything the transition means is in this one document write — the
 * state, the attempt, the event for the bus and the state still to be called back.
 *
 * Applies only where the document has `seq` = expectSeq and an epoch not newer than the writer's; afterwards its seq is
 * expectSeq + 1. Otherwise nothing is changed and the write comes back as missed.
 */
export interface TaskTransition {
  readonly taskId: TaskId;
  readonly tenantId: string;
  readonly expectSeq: number;
  /** Launches and requeues do not apply to a task whose kill was requested. */
  readonly unlessKillRequested: boolean;
  readonly atMs: number;
  readonly status: TaskState;
  /** For people: as Mesos said it, or why the task waits again. */
  readonly message: string;
  /** Mesos' reason, or ours; null when there is none. */
  readonly reason: string | null;
  /** The number of the attempt this is about (1, 2, …); 0 when the task ends without one. */
  readonly attempt: number;
  readonly change: AttemptChange;
  /** Whether this state is to be called back (the task has a callback URL and asked for states of this kind). */
  readonly callback: boolean;
  /** For a requeue: the instant before which the next attempt does not start, and the failures so far. */
  readonly requeue: {
    readonly notBeforeMs: number;
    readonly countedFailures: number;
    readonly freeFailures: number;
  } | null;
}

/** What a transition does to the task's list of attempts. */
export type AttemptChange =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'launch';
      readonly mesosTaskId: string;
      readonly frameworkId: string;
      readonly agentId: string;
      readonly agentHost: string;
      /** Where the agent serves the sandbox's files; null when the offer did not say. */
      readonly agentPort: number | null;
      /** See LiveAttempt. */
      readonly groupPlace: string | null;
    }
  | { readonly kind: 'run' }
  | { readonly kind: 'unreachable' }
  /** It is about to be killed, to make room; its state is what it was. */
  | { readonly kind: 'preempt' }
  /** An update of it is in quarantine; its state is what it was. */
  | { readonly kind: 'quarantine' }
  | {
      readonly kind: 'end';
      /** Mesos' name of the state it ended with. */
      readonly mesosState: string;
      readonly exitCode: number | null;
      /** Whether the failure was the cluster's and does not use up the retry budget. */
      readonly free: boolean;
    };

/** How a frame of transitions ended: which applied, which missed their guard, and whether a newer epoch was met. */
export interface TransitionOutcome {
  readonly missed: readonly TaskId[];
  /** Tasks whose write the database will not take however often it is asked (the document would be too large, say). */
  readonly refused: readonly { readonly taskId: TaskId; readonly detail: string }[];
  /** A document with a newer epoch was met: another scheduler leads; stop at once. */
  readonly fenced: boolean;
}
