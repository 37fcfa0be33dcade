import { DependencyFailure, isEndState, TaskState, type TaskId } from '@juice/contracts';
import type { FindStore, FoundTask } from '../src/find-tasks.ts';
import type { KillStore } from '../src/kill-task.ts';
import type { NewTask, SubmitStore } from '../src/submit-task.ts';

type Writable = { -readonly [K in keyof FoundTask]: FoundTask[K] };

/** The task store in memory, with the promises of the real one; it can be made to fail, to stall and to be full of ids. */
export interface MemoryTasks extends SubmitStore, FindStore, KillStore {
  readonly stored: Map<TaskId, NewTask>;
  /** Ids of each insert, in order. */
  readonly inserts: TaskId[][];
  /** Changes a stored task, as the scheduler would. */
  change(taskId: TaskId, change: Partial<Writable>): void;
  setDown(isDown: boolean): void;
  /** Inserts wait for the returned function to be called. */
  stall(): () => void;
  /** Ids that are taken already. */
  readonly taken: Set<TaskId>;
}

export function createMemoryTasks(): MemoryTasks {
  const stored = new Map<TaskId, NewTask>();
  const records = new Map<TaskId, Writable>();
  const inserts: TaskId[][] = [];
  const taken = new Set<TaskId>();
  let isDown = false;
  let gate: Promise<void> = Promise.resolve();

  function reach(operation: string): void {
    if (isDown) throw new DependencyFailure({ dependency: 'mongodb', operation, retryable: true, detail: 'is down' });
  }

  function ofTenant(tenantId: string, taskId: TaskId): Writable | undefined {
    const record = records.get(taskId);
    return record?.tenantId === tenantId ? record : undefined;
  }

  return {
    stored,
    inserts,
    taken,
    async insertTasks(tasks) {
      reach('insert tasks');
      inserts.push(tasks.map(({ taskId }) => taskId));
      await gate;
      return tasks.map((task) => {
        if (stored.has(task.taskId) || taken.has(task.taskId)) return 'duplicate';
        stored.set(task.taskId, task);
        records.set(task.taskId, toRecord(task));
        return 'stored';
      });
    },
    async findTasks(tenantId, taskIds) {
      reach('find tasks');
      const found = taskIds.map((taskId) => ofTenant(tenantId, taskId));
      return found.filter((record) => record !== undefined).toReversed();
    },
    async requestKill(tenantId, taskId, atMs) {
      reach('request kill');
      const record = ofTenant(tenantId, taskId);
      if (record === undefined) return { kind: 'unknown' };
      if (isEndState(record.status)) return { kind: 'ended', status: record.status, message: record.message };
      if (record.status !== TaskState.NOT_START) return { kind: 'requested', status: record.status };
      Object.assign(record, { status: TaskState.KILLED, message: 'task is killed', finishAt: new Date(atMs) });
      return { kind: 'killed', status: TaskState.KILLED };
    },
    change(taskId, change) {
      Object.assign(records.get(taskId) ?? {}, change);
    },
    setDown(down) {
      isDown = down;
    },
    stall() {
      const { promise, open } = createGate();
      gate = promise;
      return open;
    },
  };
}

function createGate(): { promise: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open: () => open() };
}

function toRecord({ taskId, tenantId, spec, submitAtMs }: NewTask): Writable {
  return {
    _id: taskId,
    tenantId,
    taskName: spec.taskName,
    spec,
    status: TaskState.NOT_START,
    message: '',
    reason: null,
    seq: 0,
    attempt: 0,
    attempts: [],
    submitAt: new Date(submitAtMs),
  };
}
