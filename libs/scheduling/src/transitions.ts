import { isEndState, TaskState, type AttemptChange, type TaskTransition } from '@juice/contracts';
import type { Commands } from './command.ts';
import type { Task } from './task.ts';

/**
 * Records a transition of a task: appends the guarded write and moves the task's own seq along with it, so that further
 * writes of the same frame expect it.
 */
export function record(
  task: Task,
  out: Commands,
  facts: {
    readonly atMs: number;
    readonly status: TaskState;
    readonly message: string;
    readonly reason: string | null;
    readonly change: AttemptChange;
    readonly unlessKillRequested?: boolean;
    readonly requeue?: TaskTransition['requeue'];
  },
): void {
  out.persist.push({
    taskId: task.taskId,
    tenantId: task.tenant.id,
    expectSeq: task.seq,
    unlessKillRequested: facts.unlessKillRequested ?? false,
    atMs: facts.atMs,
    status: facts.status,
    message: facts.message,
    reason: facts.reason,
    attempt: task.attempt,
    change: facts.change,
    callback: !isAside(facts.change) && isCalledBack(task.callback, facts.status),
    requeue: facts.requeue ?? null,
  });
  task.seq += 1;
}

/** Its state is what it was. */
function isAside({ kind }: AttemptChange): boolean {
  return kind === 'quarantine' || kind === 'preempt';
}

/** As the original: from RUNNING on; a task waiting again or staging is not news to its tenant. */
function isCalledBack(wanted: 'none' | 'all' | 'terminal', status: TaskState): boolean {
  if (wanted === 'none') return false;
  return wanted === 'all' ? status >= TaskState.RUNNING : isEndState(status);
}
