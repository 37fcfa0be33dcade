import type { LiveTask, TaskId } from '@juice/contracts';
import type { Log } from '@juice/observability';
import { attemptIn, type Event, type UnknownAttempt } from '@juice/scheduling';

export interface AttemptStore {
  attemptIds(ids: readonly TaskId[]): Promise<ReadonlyMap<TaskId, readonly string[]>>;
  loadLiveTasks(ids: readonly TaskId[]): Promise<readonly { taskId: TaskId; live: LiveTask | null }[]>;
}

/**
 * Finds out whose the attempts are that run in the cluster and that the core does not know.
 *
 * | in the store                          | what it is                                        | what follows                  |
 * |---------------------------------------|---------------------------------------------------|-------------------------------|
 * | an attempt that is not its task's live one | given up, by us or by an earlier leader      | `attempt.identified`: killed  |
 * | its task's live attempt               | ours, and not in memory                           | its task is read              |
 * | nothing                               | the database forgot it, or was restored from a backup | reported, and left alone  |
 */
export async function identifyAttempts(
  unknown: readonly UnknownAttempt[],
  deps: {
    store: AttemptStore;
    push: (event: Event) => void;
    read: (taskIds: readonly TaskId[]) => void;
    log: Log;
    now: () => number;
  },
): Promise<void> {
  const { store, push, log, now } = deps;
  const hints = unknown.map((attempt) => ({ ...attempt, taskId: attemptIn(attempt.mesosTaskId)?.taskId ?? null }));
  const ids = [...new Set(hints.flatMap(({ taskId }) => taskId ?? []))];
  const attempts = await store.attemptIds(ids);
  const live = new Map(
    (await store.loadLiveTasks(ids)).map(({ taskId, live: task }) => [taskId, task?.live?.mesosTaskId]),
  );
  for (const { taskId, mesosTaskId, agentId } of hints) {
    const isOurs = taskId !== null && attempts.get(taskId)?.includes(mesosTaskId) === true;
    if (!isOurs)
      log.warn('status.unknown', { mesosTaskId, agentId, detail: 'it runs, and no task has such an attempt' });
    else if (live.get(taskId) === mesosTaskId) deps.read([taskId]);
    else push({ kind: 'attempt.identified', atMs: now(), mesosTaskId, agentId });
  }
}
