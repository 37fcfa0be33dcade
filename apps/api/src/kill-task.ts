import type { KillAnswer, TaskId, TaskState } from '@juice/contracts';
import type { Hints } from './hints.ts';
import { refuse, type Refusal } from './refusal.ts';

/** What became of a request to kill. */
export type KillOutcome =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ended'; readonly status: TaskState; readonly message: string }
  /** It was waiting, and has ended by this. */
  | { readonly kind: 'killed'; readonly status: TaskState }
  /** It has an attempt; the request is stored, the cluster has still to confirm. */
  | { readonly kind: 'requested'; readonly status: TaskState };

/** The part of the task store that killing needs. */
export interface KillStore {
  /** Idempotent. Throws DependencyFailure. */
  requestKill(tenantId: string, taskId: TaskId, atMs: number): Promise<KillOutcome>;
}

/**
 * Asks for a task's end. When it resolves the request is stored, and survives restarts of every service; the command to
 * the scheduler only makes it act sooner.
 */
export type KillTask = (
  tenantId: string,
  taskId: TaskId,
) => Promise<{ readonly ok: true; readonly answer: KillAnswer } | Refusal>;

export function createKillTask(deps: {
  tasks: KillStore;
  hints: Pick<Hints, 'killRequested'>;
  now: () => number;
}): KillTask {
  const { tasks, hints, now } = deps;
  return async (tenantId, taskId) => {
    const outcome = await tasks.requestKill(tenantId, taskId, now());
    if (outcome.kind === 'unknown') return refuse('no-record', unknownTask(taskId));
    if (outcome.kind !== 'ended') hints.killRequested([taskId]);
    return { ok: true, answer: answerOfKill(taskId, outcome) };
  };
}

function unknownTask(taskId: TaskId) {
  const message = `taskId must be that of a task of this tenant: there is none with ${taskId}`;
  return { member: 'taskId', code: 'NO_RECORD', message, value: String(taskId) } as const;
}

/** What is answered about a task of the tenant's. */
export function answerOfKill(taskId: TaskId, outcome: Exclude<KillOutcome, { readonly kind: 'unknown' }>): KillAnswer {
  const submitKill = outcome.kind !== 'ended';
  return {
    submitKill,
    resultMessage: messageOf(outcome),
    currentStatus: outcome.status,
    submitTask: submitKill,
    taskId,
    taskIdStr: String(taskId),
  };
}

function messageOf(outcome: Exclude<KillOutcome, { readonly kind: 'unknown' }>): string {
  switch (outcome.kind) {
    case 'ended':
      return outcome.message;
    case 'killed':
      return 'task is killed';
    case 'requested':
      return 'task is being killed';
  }
}
