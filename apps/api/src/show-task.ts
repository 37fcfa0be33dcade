import { TaskState, type TaskDetail, type TaskId } from '@juice/contracts';
import type { DateText } from './date-text.ts';
import type { FindStore } from './find-tasks.ts';
import type { Refusal } from './refusal.ts';
import { showSpec } from './request-of-spec.ts';
import { unknownTask } from './rerun-task.ts';
import { viewTask, viewTransition } from './view-task.ts';

/** One task with all there is to tell of it: every attempt, how it came to its present state, and what was asked for. */
export type ShowTask = (
  tenantId: string,
  taskId: TaskId,
) => Promise<{ readonly ok: true; readonly answer: TaskDetail } | Refusal>;

export function createShowTask(deps: { tasks: FindStore; dateText: DateText }): ShowTask {
  return async (tenantId, taskId) => {
    const [task] = await deps.tasks.findTasks(tenantId, [taskId]);
    if (task === undefined) return unknownTask(taskId);
    // The submission is no transition, and where everything began.
    const begun = { seq: 0, status: TaskState.NOT_START, at: task.submitAt, attempt: 0, message: '', reason: null };
    const timeline = [begun, ...task.history].map(viewTransition);
    const answer = { ...viewTask(task, deps.dateText, Infinity), timeline, spec: showSpec(task.spec) };
    return { ok: true, answer };
  };
}
