import { isEndState, TaskState, type ReconcileAnswer, type TaskId } from '@juice/contracts';
import type { FindStore } from './find-tasks.ts';
import type { Hints } from './hints.ts';
import { refuse, type Refusal } from './refusal.ts';

/**
 * Asks the cluster, through the scheduler, for the true state of tasks that run. It answers whose state is being asked
 * for; what the cluster says shows in the tasks' status. Unlike every other request this one lives in a message alone:
 * when the broker does not take it, it is refused. (The scheduler also reconciles on its own.)
 */
export type ReconcileTasks = (
  tenantId: string,
  taskIds: readonly TaskId[],
) => Promise<{ readonly ok: true; readonly answer: ReconcileAnswer } | Refusal>;

export function createReconcileTasks(deps: { tasks: FindStore; hints: Pick<Hints, 'reconcile'> }): ReconcileTasks {
  return async (tenantId, taskIds) => {
    const found = await deps.tasks.findTasks(tenantId, taskIds);
    const status = new Map(found.map((task) => [task._id, task.status]));
    const running = taskIds.filter((taskId) => isRunning(status.get(taskId)));
    if (running.length > 0 && !(await deps.hints.reconcile(running))) return brokerAway();
    const reconciles = taskIds.map((taskId) => ({
      taskId,
      reconciled: isRunning(status.get(taskId)),
      message: explain(status.get(taskId)),
      taskIdStr: String(taskId),
    }));
    return { ok: true, answer: { request: taskIds.length, reconcile: running.length, reconciles } };
  };
}

function isRunning(status: TaskState | undefined): boolean {
  return status !== undefined && status !== TaskState.NOT_START && !isEndState(status);
}

function explain(status: TaskState | undefined): string {
  if (status === undefined) return 'no such task of this tenant';
  if (isEndState(status)) return 'the task has ended';
  return status === TaskState.NOT_START ? 'the task has not been started' : 'the cluster is asked';
}

function brokerAway(): Refusal {
  const message = 'the scheduler cannot be asked now: the message broker is away';
  return refuse('unavailable', { member: 'request', code: 'QUEUE', message });
}
