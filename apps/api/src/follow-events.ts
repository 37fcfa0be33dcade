import { beforeAllEvents, isEndState, type EventCursor, type TaskId, type TaskState } from '@juice/contracts';
import { endFrame, openingFrame, resetFrame } from './event-frames.ts';
import type { EventTail, TailLog } from './event-tail.ts';
import { followLog, type FollowLimits, type ReadLog, type StreamSink } from './follow-log.ts';
import type { Refusal } from './refusal.ts';
import { unknownTask } from './rerun-task.ts';

/** The event log, as it is followed. */
export interface FollowedLog extends TailLog, ReadLog {
  lastSeqs(taskIds: readonly TaskId[]): Promise<ReadonlyMap<TaskId, number>>;
  isKeptAfter(cursor: EventCursor, nowMs: number): Promise<boolean>;
}

/** The part of the task store that following one task needs. */
export interface FollowedTasks {
  findTasks(tenantId: string, taskIds: readonly TaskId[]): Promise<readonly FollowedTask[]>;
}

export interface FollowedTask {
  readonly status: TaskState;
  readonly seq: number;
  /** Events that are not in the log yet, or not on the bus. */
  readonly outbox: readonly unknown[];
}

/** Where to begin: with what comes next, with all that is kept, or after a place. */
export type Beginning = 'now' | 'start' | EventCursor;

export interface FollowWish {
  readonly tenantId: string;
  /** null: all of the tenant's tasks. */
  readonly taskId: TaskId | null;
  readonly beginning: Beginning;
}

export interface Following {
  readonly ok: true;
  /** Sends until the sink is closed, or until the task that is followed has ended; then `ended`. */
  run(sink: StreamSink): Promise<'ended' | 'closed'>;
  /** Instead of running. */
  drop(): void;
}

/**
 * Follows a tenant's events: from its beginning on a sink is sent every event of the tenant (or the task), each once, in the
 * order of the log, with nothing left out, whichever process served the stream before.
 *
 * `over`: the task has ended, and nothing follows the place that was named.
 */
export type FollowEvents = (wish: FollowWish) => Promise<Following | Refusal | { readonly ok: 'over' }>;

/** When to come back after a stream has ended: apart, so that the clients of a process that stops do not come at the same time. */
const [leastRetryMs, mostRetryMs] = [1_000, 3_000];

export function createFollowEvents(deps: {
  log: FollowedLog;
  tasks: FollowedTasks;
  tail: EventTail;
  now: () => number;
  random: () => number;
  limits?: Partial<FollowLimits>;
}): FollowEvents {
  const { log, tasks, tail, now } = deps;

  async function positionOf(beginning: Beginning): Promise<{ position: EventCursor; isReset: boolean }> {
    if (beginning === 'now') return { position: tail.position(), isReset: false };
    // Before all events nothing can have been purged that its holder has not been told of.
    if (beginning === 'start' || beginning === beforeAllEvents) return { position: beforeAllEvents, isReset: false };
    const isKept = await log.isKeptAfter(beginning, now());
    return { position: isKept ? beginning : beforeAllEvents, isReset: !isKept };
  }

  /** Whether a task that has ended has no event after a place, nor will have one. */
  async function isOver(
    wish: FollowWish & { taskId: TaskId },
    task: FollowedTask,
    after: EventCursor,
  ): Promise<boolean> {
    const { tenantId, taskId } = wish;
    if (!isEndState(task.status)) return false;
    const isLogged = task.outbox.length === 0 || ((await log.lastSeqs([taskId])).get(taskId) ?? 0) >= task.seq;
    return isLogged && (await log.read({ tenantId, taskId, after, limit: 1 })).length === 0;
  }

  async function open(wish: FollowWish, release: () => void): ReturnType<FollowEvents> {
    const { tenantId, taskId, beginning } = wish;
    const { position, isReset } = await positionOf(beginning);
    let opening = openingFrame(position, leastRetryMs + Math.round((mostRetryMs - leastRetryMs) * deps.random()));
    if (isReset && typeof beginning === 'bigint') opening += resetFrame(beginning);
    let isEnded = false;
    if (taskId !== null) {
      const [task] = await tasks.findTasks(tenantId, [taskId]);
      if (task === undefined) return unknownTask(taskId);
      isEnded = await isOver({ ...wish, taskId }, task, position);
      if (isEnded && typeof beginning === 'bigint' && !isReset) return { ok: 'over' };
      if (isEnded) opening += endFrame({ taskId, ...task });
    }
    return {
      ok: true,
      drop: release,
      async run(sink) {
        try {
          sink.write(opening);
          return isEnded ? 'ended' : await followLog(deps, { tenantId, taskId, sink }, position);
        } finally {
          release();
        }
      },
    };
  }

  return async (wish) => {
    const release = await tail.hold();
    let isKept = false;
    try {
      const opened = await open(wish, release);
      isKept = opened.ok === true;
      return opened;
    } finally {
      if (!isKept) release();
    }
  };
}
