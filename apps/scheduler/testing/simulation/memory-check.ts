import type { TaskTable } from '@juice/scheduling/testing';
import type { decide, State } from '@juice/scheduling';

/**
 * Between two frames a core holds of each task what is stored, or something older: rebuilt from the store it would be the
 * same. Looks whenever a frame begins with a tick: then no write is under way, and none that missed is still to be told.
 */
export function checkMemory(
  decideAsEver: typeof decide,
  facts: { readonly table: TaskTable; readonly epoch: number; readonly violate: (text: string) => void },
): typeof decide {
  let isFirstOfFrame = true;
  return (state, event, out) => {
    if (isFirstOfFrame && event.kind === 'clock.ticked') compare(state, facts);
    isFirstOfFrame = event.kind === 'frame.closing';
    decideAsEver(state, event, out);
  };
}

function compare(
  state: State,
  { table, epoch, violate }: { table: TaskTable; epoch: number; violate: (text: string) => void },
): void {
  for (const [taskId, held] of state.tasks) {
    const row = table.rows.get(taskId);
    if (row === undefined) {
      violate(`[${epoch}] knows a task ${taskId} that is not stored`);
      continue;
    }
    if (row.epoch > epoch) continue;
    if (held.seq > row.task.seq) violate(`[${epoch}] believes ${taskId} at ${held.seq}, stored is ${row.task.seq}`);
    if (held.seq !== row.task.seq) continue;
    const { attempt, countedFailures, freeFailures, live } = held;
    const believed = [attempt, countedFailures, freeFailures, live?.mesosTaskId, live?.state, live?.quarantined];
    const { task, live: stored } = row;
    const failures = [task.countedFailures, task.freeFailures];
    const kept = [task.attempt, ...failures, stored?.mesosTaskId, stored?.state, stored?.quarantined];
    if (believed.join() !== kept.join())
      violate(`[${epoch}] holds of ${taskId} ${believed.join()}, stored is ${kept.join()}`);
  }
}
