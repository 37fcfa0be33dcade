import { taskStateName, type TaskEntry } from '@juice/contracts';
import type { DateText } from './date-text.ts';
import type { FoundTask } from './find-tasks.ts';

/** A stored task as tenants see it: the original's members in its order, then ours. What there is none of is left out. */
export function viewTask(task: FoundTask, dateText: DateText): TaskEntry {
  const { spec, callbackAt, startedAt, finishAt, submitAt } = task;
  const last = task.attempts.at(-1);
  return {
    taskId: task._id,
    taskName: task.taskName,
    tenantId: task.tenantId,
    ...(spec.container !== null && { dockerImage: spec.container.docker.image }),
    ...(spec.commands !== null && { commands: spec.commands }),
    taskStatus: task.status,
    message: task.message,
    ...(callbackAt !== undefined && { callbackAt: dateText(callbackAt) }),
    ...(spec.callbackUrl !== null && { callbackUrl: spec.callbackUrl }),
    submitAt: dateText(submitAt),
    ...(finishAt !== undefined && { finishAt: dateText(finishAt) }),
    ...(last !== undefined && { agentId: last.agentId, agentHost: last.agentHost }),
    retry: spec.retry,
    taskIdStr: String(task._id),
    taskStatusName: taskStateName(task.status),
    ...(task.reason !== null && { reason: task.reason }),
    attempt: task.attempt,
    ...(typeof last?.exitCode === 'number' && { exitCode: last.exitCode }),
    sequence: task.seq,
    submittedAt: submitAt.toISOString(),
    ...(startedAt !== undefined && { startedAt: startedAt.toISOString() }),
    ...(finishAt !== undefined && { finishedAt: finishAt.toISOString() }),
    ...(callbackAt !== undefined && { callbackDeliveredAt: callbackAt.toISOString() }),
  };
}
