import {
  asTaskId,
  isEndState,
  TaskState,
  type LiveTask,
  type SchedulableTask,
  type TaskId,
  type TaskTransition,
  type TransitionOutcome,
} from '@juice/contracts';

interface Row {
  task: SchedulableTask;
  status: TaskState;
  live: LiveTask['live'];
  ended: boolean;
  /** Who wrote it last: the epoch, and the frame's stamp until somebody else writes. */
  epoch: number;
  frame: string | null;
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
    const taskId = facts.taskId ?? (asTaskId(this.#next++) as TaskId);
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
      needs: { cpuMillis: 1000, memMb: 512, diskMb: 0, gpus: 0, ports: 0, hostPorts: [] },
      constraints: [],
      group: null,
      role: '*',
      callback: 'all',
      submittedAtMs: 0,
      expireAtMs: Number.MAX_SAFE_INTEGER,
      maxRunMs: 0,
      lostAfterMs: null,
      notBeforeMs: 0,
      avoidHost: null,
      killRequested: false,
      ...facts,
    };
    this.rows.set(taskId, { task, status: TaskState.NOT_START, live: null, ended: false, epoch: 0, frame: null });
    return task;
  }

  load(taskId: TaskId): LiveTask | null {
    const row = this.rows.get(taskId);
    return row === undefined || row.ended ? null : { task: row.task, live: row.live };
  }

  /** The Mesos task ids of all attempts ever recorded. */
  attemptIds(ids: readonly TaskId[]): ReadonlyMap<TaskId, readonly string[]> {
    const launched = this.applied.flatMap(({ taskId, change }) =>
      change.kind === 'launch' ? [[taskId, change.mesosTaskId] as const] : [],
    );
    return new Map(ids.map((id) => [id, launched.flatMap(([taskId, name]) => (taskId === id ? [name] : []))]));
  }

  /** The api's kill: ends a waiting task, marks a live one. */
  requestKill(taskId: TaskId): void {
    const row = this.rows.get(taskId);
    if (row === undefined || row.ended) return;
    if (row.status === TaskState.NOT_START) {
      row.status = TaskState.KILLED;
      row.ended = true;
      row.frame = null;
      row.task = { ...row.task, seq: row.task.seq + 1 };
    } else {
      row.task = { ...row.task, killRequested: true };
    }
  }

  apply(writes: readonly TaskTransition[]): TaskId[] {
    const missed = new Set<TaskId>();
    for (const write of writes) {
      const row = this.rows.get(write.taskId);
      if (row === undefined || isMissed(row, write)) missed.add(write.taskId);
      else this.#write(row, write);
    }
    return [...missed];
  }

  /** The same under an epoch: a frame that is written again finds by its stamp what of it had applied. */
  applyFrame(frame: { epoch: number; stamp: string }, writes: readonly TaskTransition[]): TransitionOutcome {
    const missed = new Set<TaskId>();
    let fenced = false;
    for (const write of writes) {
      const row = this.rows.get(write.taskId);
      if (row === undefined || row.epoch > frame.epoch || isMissed(row, write)) continue;
      this.#write(row, write);
      row.epoch = frame.epoch;
      row.frame = frame.stamp;
    }
    for (const { taskId, expectSeq } of writes) {
      const row = this.rows.get(taskId);
      if (row?.frame !== frame.stamp || row.task.seq <= expectSeq) missed.add(taskId);
      fenced ||= row !== undefined && row.epoch > frame.epoch;
    }
    return { missed: [...missed], refused: [], fenced };
  }

  #write(row: Row, write: TaskTransition): void {
    this.applied.push(write);
    row.status = write.status;
    row.ended = isEndState(write.status);
    row.task = { ...row.task, ...write.requeue, seq: write.expectSeq + 1, attempt: write.attempt };
    const { change } = write;
    if (change.kind === 'launch') {
      const { mesosTaskId, frameworkId, agentId, agentHost, groupPlace } = change;
      row.live = {
        mesosTaskId,
        frameworkId,
        agentId,
        agentHost,
        launchedAtMs: write.atMs,
        startedAtMs: 0,
        state: 'launching',
        groupPlace,
        preempted: false,
        quarantined: false,
      };
    } else if (change.kind === 'end') {
      row.task = { ...row.task, avoidHost: row.live?.agentHost ?? null };
      row.live = null;
    } else if (change.kind === 'preempt' && row.live !== null) {
      row.live = { ...row.live, preempted: true };
    } else if (change.kind === 'quarantine' && row.live !== null) {
      row.live = { ...row.live, quarantined: true };
    } else if (change.kind !== 'none' && row.live !== null) {
      const startedAtMs = change.kind === 'run' ? row.live.startedAtMs || write.atMs : row.live.startedAtMs;
      row.live = { ...row.live, startedAtMs, state: change.kind === 'run' ? 'running' : 'unreachable' };
    }
  }
}

function isMissed(row: Row, write: TaskTransition): boolean {
  return row.ended || row.task.seq !== write.expectSeq || (write.unlessKillRequested && row.task.killRequested);
}
