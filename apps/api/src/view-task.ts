import { TaskState, taskStateName, type TaskAttempt, type TaskEntry } from '@juice/contracts';
import type { DateText } from './date-text.ts';
import type { FoundAttempt, FoundTask, FoundTransition } from './find-tasks.ts';

/** Enough to see a pattern; a task may be retried a thousand times. */
const shownAttempts = 20;

/** What of a stored task an entry shows. */
export type ShownTask = Omit<FoundTask, 'history' | 'spec' | 'callback'> & {
  readonly spec: Pick<FoundTask['spec'], 'commands' | 'argv' | 'callbackUrl' | 'retry' | 'container' | 'labels'>;
  readonly callback?: Pick<NonNullable<FoundTask['callback']>, 'state' | 'cause'>;
};

/**
 * A stored task as tenants see it: the original's members in its order, then ours; of its attempts the last so many. What
 * there is none of is left out.
 */
export function viewTask(task: ShownTask, dateText: DateText, mostAttempts = shownAttempts): TaskEntry {
  const { spec, callbackAt, startedAt, finishAt, submitAt } = task;
  const { labels = [] } = spec;
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
    attempts: task.attempts.slice(-mostAttempts).map((attempt) => viewAttempt(attempt, task)),
    sequence: task.seq,
    submittedAt: submitAt.toISOString(),
    ...(startedAt !== undefined && { startedAt: startedAt.toISOString() }),
    ...(finishAt !== undefined && { finishedAt: finishAt.toISOString() }),
    ...(callbackAt !== undefined && { callbackDeliveredAt: callbackAt.toISOString() }),
    ...(task.callback !== undefined && { callbackState: task.callback.state }),
    ...(task.callback?.cause !== undefined && { callbackCause: task.callback.cause }),
    ...(spec.argv !== undefined && { argv: [...spec.argv] }),
    ...(labels.length > 0 && { labels: Object.fromEntries(labels.map(({ key, value }) => [key, value])) }),
    ...(task.rerunOf !== undefined && { rerunOf: task.rerunOf, rerunOfStr: String(task.rerunOf) }),
  };
}

function viewAttempt(attempt: FoundAttempt, task: ShownTask): TaskAttempt {
  const { n, agentHost, state, reason, message, launchedAt, startedAt, endedAt, exitCode } = attempt;
  const wasKilled = task.status === TaskState.KILLED && n === task.attempt;
  const failed = endedAt !== undefined && state !== 'TASK_FINISHED' && !wasKilled;
  return {
    number: n,
    agentHost,
    state,
    ...(typeof reason === 'string' && { reason }),
    ...(message !== undefined && { message }),
    launchedAt: launchedAt.toISOString(),
    ...(startedAt !== undefined && { startedAt: startedAt.toISOString() }),
    ...(endedAt !== undefined && { endedAt: endedAt.toISOString() }),
    ...(typeof exitCode === 'number' && { exitCode }),
    ...(failed && { failure: attempt.free === true ? ('free' as const) : ('counted' as const) }),
  };
}

/** A change of state as it is shown. */
export function viewTransition({ seq, status, at, attempt, message, reason }: FoundTransition) {
  return {
    sequence: seq,
    taskStatus: status,
    taskStatusName: taskStateName(status),
    at: at.toISOString(),
    attempt,
    message,
    ...(reason !== null && { reason }),
  };
}
