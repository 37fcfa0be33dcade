import {
  taskStateName,
  writeTryCursor,
  type TaskCallbacksAnswer,
  type TaskId,
  type TaskState,
  type TryPlace,
} from '@juice/contracts';
import type { FindStore, FoundLane } from './find-tasks.ts';
import type { Refusal } from './refusal.ts';
import { unknownTask } from './rerun-task.ts';
import { viewTransition } from './view-task.ts';

/** A try to call a state back, as it was logged. */
export interface FoundTry {
  readonly seq: number;
  readonly try: number;
  readonly status: TaskState;
  readonly url: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly outcome: 'delivered' | 'failed' | 'rejected';
  readonly httpStatus: number | null;
  readonly cause: string | null;
  readonly detail: string | null;
  readonly phases: Readonly<Record<string, number>>;
}

export interface CallbackStore extends FindStore {
  /** A task's tries before a place, the newest first. Throws DependencyFailure. */
  callbackAttempts(
    tenantId: string,
    taskId: TaskId,
    page: { before: TryPlace | null; limit: number },
  ): Promise<readonly FoundTry[]>;
}

/** How a task's callbacks stand, and the log of what was tried, the newest first. */
export type ShowCallbacks = (
  tenantId: string,
  taskId: TaskId,
  page: { readonly before: TryPlace | null; readonly limit: number },
) => Promise<{ readonly ok: true; readonly answer: TaskCallbacksAnswer } | Refusal>;

export function createShowCallbacks({ tasks }: { tasks: CallbackStore }): ShowCallbacks {
  return async (tenantId, taskId, { before, limit }) => {
    const [task] = await tasks.findTasks(tenantId, [taskId]);
    if (task === undefined) return unknownTask(taskId);
    // One more than asked for tells whether there is more.
    const found = await tasks.callbackAttempts(tenantId, taskId, { before, limit: limit + 1 });
    const tries = found.slice(0, limit);
    const last = tries.at(-1);
    const answer = {
      taskId,
      taskIdStr: String(taskId),
      ...(task.callback !== undefined && { lane: viewLane(task.callback) }),
      tries: tries.map(viewTry),
      ...(found.length > limit && last !== undefined && { nextCursor: writeTryCursor(last) }),
    };
    return { ok: true, answer };
  };
}

export function viewLane({ url, events, state, pending, dueAt, attempt, cause, superseded }: FoundLane) {
  return {
    url,
    events,
    state,
    pending: pending.map(viewTransition),
    ...(dueAt !== undefined && { dueAt: dueAt.toISOString() }),
    tries: attempt,
    ...(cause !== undefined && { cause }),
    superseded: superseded ?? 0,
  };
}

export function viewTry({ seq, status, httpStatus, cause, detail, startedAtMs, ...facts }: FoundTry) {
  return {
    sequence: seq,
    taskStatus: status,
    taskStatusName: taskStateName(status),
    try: facts.try,
    url: facts.url,
    startedAt: new Date(startedAtMs).toISOString(),
    durationMs: facts.durationMs,
    outcome: facts.outcome,
    ...(httpStatus !== null && { httpStatus }),
    ...(cause !== null && { cause }),
    ...(detail !== null && { detail }),
    phases: { ...facts.phases },
  };
}
