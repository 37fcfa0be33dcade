import type { TaskId, TaskTransition } from '@juice/contracts';

/**
 * What the shell must do for a frame, in the order of the fields: first every record is stored, then the calls are made.
 * A call with a `taskId` whose transition missed is not made; the core decides anew on `task.conflicted`.
 */
export interface Commands {
  readonly persist: TaskTransition[];
  readonly call: MesosCall[];
  /** Attempts that are alive in the cluster and not known here: the store is asked whose they are. */
  readonly identify: UnknownAttempt[];
  readonly explain: Explanation[];
}

export interface UnknownAttempt {
  readonly mesosTaskId: string;
  readonly agentId: string | null;
}

export type MesosCall =
  | {
      readonly kind: 'accept';
      /** All of one agent and one role. */
      readonly offerIds: readonly string[];
      readonly agentId: string;
      readonly launches: readonly Launch[];
      readonly refuseSeconds: number;
    }
  | { readonly kind: 'decline'; readonly offerIds: readonly string[]; readonly refuseSeconds: number }
  /** The answer to an inverse offer: whether the agent can be done without. */
  | {
      readonly kind: 'answer inverse';
      readonly accept: boolean;
      readonly inverseOfferId: string;
      readonly refuseSeconds: number;
    }
  | {
      readonly kind: 'acknowledge';
      /** Null for an attempt we do not know (any more). */
      readonly taskId: TaskId | null;
      readonly mesosTaskId: string;
      readonly agentId: string;
      readonly uuid: string;
    }
  | {
      readonly kind: 'kill';
      readonly taskId: TaskId | null;
      readonly mesosTaskId: string;
      readonly agentId: string | null;
    }
  /** No tasks: implicit reconciliation, the master tells all it knows of the framework. */
  | {
      readonly kind: 'reconcile';
      readonly tasks: readonly { readonly mesosTaskId: string; readonly agentId: string }[];
    }
  | { readonly kind: 'revive' }
  | { readonly kind: 'suppress' };

export interface Launch {
  readonly taskId: TaskId;
  readonly tenantId: string;
  readonly attempt: number;
  readonly mesosTaskId: string;
}

/** Why the core did something that leaves no record: data for log and metrics. */
export type Explanation =
  | { readonly kind: 'status.unknown'; readonly mesosTaskId: string; readonly state: string }
  | { readonly kind: 'attempt.superseded'; readonly mesosTaskId: string }
  | { readonly kind: 'task.preempted'; readonly mesosTaskId: string }
  | { readonly kind: 'offer.declined'; readonly count: number; readonly why: 'idle' | 'nothing fits' | 'not wanted' };

export function createCommands(): Commands {
  return { persist: [], call: [], identify: [], explain: [] };
}
