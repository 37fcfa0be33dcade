import type { ObservedStatus } from './event.ts';
import type { State } from './state.ts';
import type { Task } from './task.ts';

/**
 * A task's time limit is the agent's to enforce (`max_completion_time`); agents too old to know it do not. An attempt
 * that is still running a margin past its limit is killed by us, and its end counts as the agent's own would have: a
 * failure of the task's, not a kill that somebody asked for. Judged by the clock alone, so that a new leader, which does
 * not know who sent the kill, judges the same.
 */
export function hasOverrun(state: State, { maxRunMs, live }: Task, atMs: number): boolean {
  if (live === null || maxRunMs === 0 || live.startedAtMs === 0) return false;
  return atMs - live.startedAtMs >= maxRunMs + state.policy.overrunMarginMs;
}

/** The end of an attempt as the agent would have said it, where it is the end of our kill for its time limit. */
export function judgeOverrun(state: State, task: Task, status: ObservedStatus, atMs: number): ObservedStatus {
  if (status.state !== 'TASK_KILLED' || task.killWanted || !status.healthy) return status;
  if (!hasOverrun(state, task, atMs)) return status;
  const message = `killed: it ran longer than its limit of ${task.maxRunMs / 1000} seconds`;
  return { ...status, state: 'TASK_FAILED', reason: 'MAX_COMPLETION_TIME_REACHED', message };
}
