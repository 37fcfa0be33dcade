import type { KillManyAnswer, KillResult, TaskId } from '@juice/contracts';
import type { Hints } from './hints.ts';
import { answerOfKill, type KillOutcome } from './kill-task.ts';

/** The part of the task store that killing several needs. */
export interface KillManyStore {
  /** Idempotent; an outcome for each id. Throws DependencyFailure: some of the kills may be stored then. */
  requestKills(tenantId: string, taskIds: readonly TaskId[], atMs: number): Promise<ReadonlyMap<TaskId, KillOutcome>>;
}

/** Asks for the end of these tasks, each as if alone. When it resolves all the requests are stored. */
export type KillTasks = (tenantId: string, taskIds: readonly TaskId[]) => Promise<KillManyAnswer>;

export function createKillTasks(deps: {
  tasks: KillManyStore;
  hints: Pick<Hints, 'killRequested'>;
  now: () => number;
}): KillTasks {
  const { tasks, hints, now } = deps;
  return async (tenantId, taskIds) => {
    const outcomes = await tasks.requestKills(tenantId, taskIds, now());
    const killed = takenKills(outcomes);
    hints.killRequested(killed);
    const results = taskIds.map((taskId) => resultOf(taskId, outcomes.get(taskId) ?? { kind: 'unknown' }));
    return { results, killed: killed.length };
  };
}

function resultOf(taskId: TaskId, outcome: KillOutcome): KillResult {
  if (outcome.kind !== 'unknown') return answerOfKill(taskId, outcome);
  const resultMessage = 'no such task of this tenant';
  return { submitKill: false, resultMessage, submitTask: false, taskId, taskIdStr: String(taskId) };
}

/** The tasks that have ended by it, or will. */
export function takenKills(outcomes: ReadonlyMap<TaskId, KillOutcome>): readonly TaskId[] {
  return [...outcomes].filter(([, { kind }]) => kind === 'killed' || kind === 'requested').map(([taskId]) => taskId);
}
