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
    switch (outcome.kind) {
      case 'unknown':
        return refuse('no-record', unknownTask(taskId));
      case 'ended':
        return answer(taskId, false, outcome.message, outcome.status);
      case 'killed':
        hints.killRequested(taskId);
        return answer(taskId, true, 'task is killed', outcome.status);
      case 'requested':
        hints.killRequested(taskId);
        return answer(taskId, true, 'task is being killed', outcome.status);
    }
  };
}

function unknownTask(taskId: TaskId) {
  const message = `taskId must be that of a task of this tenant: there is none with ${taskId}`;
  return { member: 'taskId', code: 'NO_RECORD', message, value: String(taskId) } as const;
}

function answer(taskId: TaskId, submitKill: boolean, resultMessage: string, currentStatus: TaskState) {
  const body: KillAnswer = {
    submitKill,
    resultMessage,
    currentStatus,
    submitTask: submitKill,
    taskId,
    taskIdStr: String(taskId),
  };
  return { ok: true, answer: body } as const;
}
