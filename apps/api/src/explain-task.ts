import { isEndState, taskStateName, type TaskId, type TaskWhy } from '@juice/contracts';
import type { AskLeader } from './ask-leader.ts';
import type { FindStore } from './find-tasks.ts';
import type { Refusal } from './refusal.ts';
import { unknownTask } from './rerun-task.ts';

/** Why a task waits, as the leading scheduler sees it; or what became of it. Throws DependencyFailure. */
export type ExplainTask = (
  tenantId: string,
  taskId: TaskId,
) => Promise<{ readonly ok: true; readonly answer: TaskWhy } | Refusal>;

export function createExplainTask(deps: {
  tasks: FindStore;
  leader: Pick<AskLeader, 'why'>;
  now: () => number;
}): ExplainTask {
  return async (tenantId, taskId) => {
    const [task] = await deps.tasks.findTasks(tenantId, [taskId]);
    if (task === undefined) return unknownTask(taskId);
    const facts = { taskId, taskIdStr: String(taskId), asOf: new Date(deps.now()).toISOString() };
    if (isEndState(task.status)) {
      const reason = task.reason === null ? '' : ` (${task.reason})`;
      const at = task.finishAt === undefined ? '' : ` at ${task.finishAt.toISOString()}`;
      const summary = `it has ended: ${taskStateName(task.status)}${reason}${at}`;
      return { ok: true, answer: { ...facts, state: 'ended', summary } };
    }
    const why = await deps.leader.why(taskId);
    if (why !== null) return { ok: true, answer: { ...why, taskId } };
    const summary = `no scheduler leads at present, or it does not answer: the task is stored as ${taskStateName(task.status)} and goes on once one does`;
    return { ok: true, answer: { ...facts, state: 'unknown', summary } };
  };
}
