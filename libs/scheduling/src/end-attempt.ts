import { TaskState } from '@juice/contracts';
import type { Commands } from './command.ts';
import type { MesosState, ObservedStatus } from './event.ts';
import { classifyEnd, exitCodeOf, resultUnknown, type FailureClass } from './failure-class.ts';
import { preferHearsay } from './hearsay.ts';
import { judgeAgent } from './agent-health.ts';
import { judgeUnread } from './quarantined-update.ts';
import { judgeOverrun } from './run-limit.ts';
import { forgetAttempt, forgetTask, queueTask, type State } from './state.ts';
import type { Task } from './task.ts';
import { record } from './transitions.ts';

const endStates: Readonly<Record<MesosState, TaskState>> = {
  TASK_FINISHED: TaskState.FINISHED,
  TASK_FAILED: TaskState.FAILED,
  TASK_KILLED: TaskState.KILLED,
  TASK_ERROR: TaskState.ERROR,
  TASK_LOST: TaskState.LOST,
  TASK_DROPPED: TaskState.DROPPED,
  TASK_GONE: TaskState.GONE,
  TASK_GONE_BY_OPERATOR: TaskState.GONE_BY_OPERATOR,
  // Not ends by themselves: these are given when the policy gives an attempt up.
  TASK_UNREACHABLE: TaskState.LOST,
  TASK_UNKNOWN: TaskState.UNKNOWN,
  TASK_STAGING: TaskState.LOST,
  TASK_STARTING: TaskState.LOST,
  TASK_RUNNING: TaskState.LOST,
  TASK_KILLING: TaskState.LOST,
};

/**
 * Ends the live attempt of a task: the task ends with it, or waits for its next attempt.
 *
 * | kill wanted | class of the end | budget | the task |
 * |---|---|---|---|
 * | yes | FINISHED | – | FINISHED: it was faster than its kill |
 * | yes | any other | – | KILLED, no retry |
 * | no | cluster's, or at its launch | free failures left | waits again, at no cost |
 * | no | own, or beyond the free ones | `retry` left | waits again |
 * | no | any but unknown, of one that was to make room | – | waits again, at no cost |
 * | no | killed by us for its time limit | `retry` left | as any failure of its own |
 * | no | nobody saw it, and an update of it was not read | `retry` left | as any failure of its own, else LOST |
 * | no | final, or no budget left | – | ends with that state |
 */
export function endAttempt(state: State, task: Task, heard: ObservedStatus, atMs: number, out: Commands): void {
  const { live, attempt } = task;
  if (live === null) return;
  const status = judgeUnread(live, judgeOverrun(state, task, preferHearsay(live, heard), atMs));
  // Kept until the write is known to have applied: a kill may come between.
  state.lastWords.current.set(task.taskId, status);
  const failure = classifyEnd(status);
  const isOurs = live.preempted && failure !== 'unknown';
  const free = isOurs || task.freeFailures < freeFailuresOf(state, failure);
  const change = { kind: 'end', mesosState: status.state, exitCode: exitCodeOf(status.message), free } as const;
  const again = !task.killWanted && mayRunAgain(task, failure, free);
  judgeAgent(state, task, { status, failure, atMs });

  if (!again) {
    const result = endState(task, status);
    record(task, out, { atMs, status: result, message: endMessage(result, status), reason: status.reason, change });
    forgetTask(state, task);
    return;
  }
  const failures = {
    countedFailures: task.countedFailures + (free ? 0 : 1),
    freeFailures: task.freeFailures + (free && !live.preempted ? 1 : 0),
  };
  const notBeforeMs = atMs + retryPause(state, failures.countedFailures + failures.freeFailures);
  record(task, out, {
    atMs,
    status: TaskState.NOT_START,
    message: `attempt ${attempt} ended with ${status.state}${status.message ? `: ${status.message}` : ''}; attempt ${attempt + 1} follows`,
    reason: status.reason,
    change,
    unlessKillRequested: true,
    requeue: { notBeforeMs, ...failures },
  });
  forgetAttempt(state, task);
  // Nothing was wrong with the host of one that made room.
  const avoidHost = live.preempted ? null : live.agentHost;
  Object.assign(task, failures, { notBeforeMs, avoidHost });
  queueTask(state, task, atMs);
}

/** Ends an attempt of a framework that the master removed: its tasks were killed with it, and nobody will tell of them. */
export function loseToRemoval(state: State, task: Task, atMs: number, out: Commands): void {
  if (task.live === null) return;
  const { mesosTaskId, agentId } = task.live;
  const message = 'the master removed the framework';
  const word = { mesosTaskId, agentId, state: 'TASK_LOST', reason: 'FRAMEWORK_REMOVED', message } as const;
  endAttempt(state, task, { ...word, uuid: null, healthy: true }, atMs, out);
}

function freeFailuresOf({ policy }: State, failure: FailureClass): number {
  if (failure === 'cluster') return policy.freeFailures;
  return failure === 'launch' ? policy.freeLaunchFailures : 0;
}

function mayRunAgain(task: Task, failure: FailureClass, free: boolean): boolean {
  if (failure === 'final') return false;
  return free || task.countedFailures < task.retry;
}

function endState(task: Task, status: ObservedStatus): TaskState {
  if (status.state === 'TASK_FINISHED') return TaskState.FINISHED;
  if (task.killWanted) return TaskState.KILLED;
  if (status.reason === resultUnknown) return TaskState.LOST;
  // Killed by its health check though nobody asked: a failure, not a kill.
  if (status.state === 'TASK_KILLED' && !status.healthy) return TaskState.FAILED;
  return endStates[status.state];
}

function endMessage(result: TaskState, status: ObservedStatus): string {
  if (status.message !== '') return status.message;
  return result === TaskState.KILLED ? 'task is killed' : status.state;
}

function retryPause(state: State, failures: number): number {
  const { retryPauseMs, retryPauseMostMs } = state.policy;
  return Math.min(retryPauseMs * 2 ** Math.max(0, failures - 1), retryPauseMostMs);
}
