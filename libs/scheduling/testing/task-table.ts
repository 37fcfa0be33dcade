import {
  asTaskId,
  isEndState,
  TaskState,
  type LiveTask,
  type SchedulableTask,
  type TaskId,
  type TaskTransition,
} from '@juice/contracts';

interface Row {
  task: SchedulableTask;
  status: TaskState;
  live: LiveTask['live'];
  ended: boolean;
}

/**
 * The tasks as a database would hold them, with the guards of the real store: for histories that the core is put
 * through. `apply` answers with the ids whose write missed.
 */
export class TaskTable {
  readonly rows = new Map<TaskId, Row>();
  readonly applied: TaskTransition[] = [];
  #next = 1n;

  insert(facts: Partial<SchedulableTask>): SchedulableTask {
    const taskId = asTaskId(this.#next++) as TaskId;
    const task: SchedulableTask = {
      taskId,
      tenantId: 'tenant',
      taskName: 'a-task',
      seq: 0,
      attempt: 0,
      countedFailures: 0,
      freeFailures: 0,
      retry: 0,
      priority: 0,
      needs: { cpuMillis: 1000, memMb: 512, diskMb: 0, gpus: 0, ports: 0 },
      constraints: [],
      callback: 'all',
      submittedAtMs: 0,
      expireAtMs: Number.MAX_SAFE_INTEGER,
      notBeforeMs: 0,
      killRequested: false,
      ...facts,
    };
    this.rows.set(taskId, { task, status: TaskState.NOT_START, live: null, ended: false });
    return task;
  }

  load(taskId: TaskId): LiveTask | null {
    const row = this.rows.get(taskId);
    return row === undefined || row.ended ? null : { task: row.task, live: row.live };
  }

  /** The api's kill: ends a waiting task, marks a live one. */
  requestKill(taskId: TaskId): void {
    const row = this.rows.get(taskId);
    if (row === undefined || row.ended) return;
    if (row.status === TaskState.NOT_START) {
      row.status = TaskState.KILLED;
      row.ended = true;
      row.task = { ...row.task, seq: row.task.seq + 1 };
    } else {
      row.task = { ...row.task, killRequested: true };
    }
  }

  apply(writes: readonly TaskTransition[]): TaskId[] {
    const missed = new Set<TaskId>();
    for (const write of writes) {
      const row = this.rows.get(write.taskId);
      const blocked = write.unlessKillRequested && row?.task.killRequested === true;
      if (row === undefined || row.ended || row.task.seq !== write.expectSeq || blocked) missed.add(write.taskId);
      else this.#write(row, write);
    }
    return [...missed];
  }

  #write(row: Row, write: TaskTransition): void {
    this.applied.push(write);
    row.status = write.status;
    row.ended = isEndState(write.status);
    row.task = { ...row.task, ...write.requeue, seq: write.expectSeq + 1, attempt: write.attempt };
    const { change } = write;
    if (change.kind === 'launch') {
      const { mesosTaskId, frameworkId, agentId, agentHost } = change;
      row.live = {
        mesosTaskId,
        frameworkId,
        agentId,
        agentHost,
        launchedAtMs: write.atMs,
        startedAtMs: 0,
        state: 'launching',
      };
    } else if (change.kind === 'end') {
      row.live = null;
    } else if (change.kind !== 'none' && row.live !== null) {
      row.live = { ...row.live, state: change.kind === 'run' ? 'running' : 'unreachable' };
    }
  }
}
