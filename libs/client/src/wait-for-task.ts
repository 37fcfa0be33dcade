import type { TaskDetail } from '@juice/contracts';
import type { CallOptions } from './call.ts';
import { wait } from './wait.ts';

export interface WaitOptions extends CallOptions {
  /** The first delay between two looks, which grows to the longest; by default from half a second to ten. */
  readonly firstDelayMs?: number;
  readonly longestDelayMs?: number;
}

/** UNREACHABLE is no end: its agent may come back. */
const unreachable = 7;
const running = 1;

export function hasEnded({ taskStatus }: { readonly taskStatus: number }): boolean {
  return taskStatus > running && taskStatus !== unreachable;
}

/** Looks, less and less often, until the task has ended. */
export async function waitForTask(look: () => Promise<TaskDetail>, options: WaitOptions): Promise<TaskDetail> {
  const { firstDelayMs = 500, longestDelayMs = 10_000, signal } = options;
  for (let delayMs = firstDelayMs; ; delayMs = Math.min(delayMs * 1.5, longestDelayMs)) {
    const task = await look();
    if (hasEnded(task)) return task;
    await wait(delayMs, signal);
  }
}
