import type { TaskEntry, TaskId, TaskSpec, TaskState } from '@juice/contracts';
import type { DateText } from './date-text.ts';
import type { Read } from './read-request.ts';
import { refuse, type Refusal } from './refusal.ts';
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

/**
 * The tenant's tasks among these ids, in the order asked for, each once; unknown ids and other tenants' are left out. Refused
 * when they are too much for one answer, which has no other page. Throws DependencyFailure.
 */
export type FindTasks = (tenantId: string, taskIds: readonly TaskId[]) => Promise<Read<readonly TaskEntry[]>>;

/** Commands have 64 KiB at most, and are short as a rule: a thousand tasks are a few megabytes. */
export const mostAnswered = 16 * 1024 * 1024;
/** So many are read before it is known how large they are. */
const firstLook = 64;

export function createFindTasks(deps: { tasks: FindStore; dateText: DateText }): FindTasks {
  return async (tenantId, taskIds) => {
    const entries: TaskEntry[] = [];
    let size = 0;
    for (let at = 0; at < taskIds.length;) {
      const room = Math.ceil(((mostAnswered - size) * at) / Math.max(1, size));
      const asked = taskIds.slice(at, at + Math.max(firstLook, room));
      at += asked.length;
      const byId = new Map((await deps.tasks.findTasks(tenantId, asked)).map((task) => [task._id, task]));
      for (const taskId of asked) {
        const task = byId.get(taskId);
        if (task === undefined) continue;
        entries.push(viewTask(task, deps.dateText));
        size += sizeOf(task);
      }
      if (size > mostAnswered) return tooMuch(taskIds.length);
    }
    return { ok: true, value: entries };
  };
}

/** About as many bytes as its entry has. */
function sizeOf({ spec, attempts }: FoundTask): number {
  const texts = [spec.commands ?? '', ...(spec.argv ?? [])];
  return texts.reduce((sum, text) => sum + text.length, 1_000 + 250 * attempts.length);
}

function tooMuch(ids: number): Refusal {
  const right = `few enough that their tasks are no more than ${mostAnswered / 1024 / 1024} MiB`;
  const message = `taskIds must be ${right}, not ${ids} of this size: ask for them in parts, or for a list, which has pages`;
  return refuse('invalid', { member: 'taskIds', code: 'BAD_REQUEST', message });
}
