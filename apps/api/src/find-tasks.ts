import type { TaskEntry, TaskId, TaskSpec, TaskState } from '@juice/contracts';
import type { DateText } from './date-text.ts';
import { viewTask } from './view-task.ts';

/** A task as the store has it; the part that is shown. */
export interface FoundTask {
  readonly _id: TaskId;
  readonly tenantId: string;
  readonly taskName: string;
  readonly spec: TaskSpec;
  readonly status: TaskState;
  readonly message: string;
  readonly reason: string | null;
  readonly seq: number;
  readonly attempt: number;
  readonly attempts: readonly FoundAttempt[];
  /** The last transitions, oldest first. */
  readonly history: readonly FoundTransition[];
  readonly submitAt: Date;
  readonly startedAt?: Date;
  readonly finishAt?: Date;
  readonly callbackAt?: Date;
  /** The delivery lane; none without a callback URL. */
  readonly callback?: FoundLane;
  /** The task that this one repeats. */
  readonly rerunOf?: TaskId;
}

export interface FoundTransition {
  readonly seq: number;
  readonly status: TaskState;
  readonly at: Date;
  /** 0: about none. */
  readonly attempt: number;
  readonly message: string;
  readonly reason: string | null;
}

export interface FoundLane {
  readonly url: string;
  readonly events: 'all' | 'terminal';
  readonly state: CallbackState;
  readonly pending: readonly FoundTransition[];
  readonly dueAt?: Date;
  /** Tries of the oldest pending state so far. */
  readonly attempt: number;
  readonly cause?: string;
  readonly superseded?: number;
}

/** `leased`: a worker is at it. `held` and `dead` are not tried any more; the cause says why. */
export type CallbackState = 'idle' | 'pending' | 'leased' | 'held' | 'dead';

export interface FoundAttempt {
  readonly n: number;
  readonly agentId: string;
  readonly agentHost: string;
  /** null: the offer did not say. */
  readonly agentPort: number | null;
  readonly mesosTaskId: string;
  readonly frameworkId: string;
  readonly launchedAt: Date;
  readonly startedAt?: Date;
  readonly endedAt?: Date;
  /** launching, running, unreachable, or Mesos' name of the state it ended with. */
  readonly state: string;
  readonly reason?: string | null;
  readonly message?: string;
  readonly exitCode?: number | null;
  /** The failure was the cluster's. */
  readonly free?: boolean;
}

/** The part of the task store that finding needs. */
export interface FindStore {
  /** Those of the ids that are this tenant's; in no particular order. Throws DependencyFailure. */
  findTasks(tenantId: string, taskIds: readonly TaskId[]): Promise<readonly FoundTask[]>;
}

/** The tenant's tasks among these ids, in the order asked for, each once; unknown ids and other tenants' are left out. */
export type FindTasks = (tenantId: string, taskIds: readonly TaskId[]) => Promise<readonly TaskEntry[]>;

export function createFindTasks(deps: { tasks: FindStore; dateText: DateText }): FindTasks {
  return async (tenantId, taskIds) => {
    const found = await deps.tasks.findTasks(tenantId, taskIds);
    const byId = new Map(found.map((task) => [task._id, task]));
    return taskIds.flatMap((taskId) => {
      const task = byId.get(taskId);
      return task === undefined ? [] : [viewTask(task, deps.dateText)];
    });
  };
}
