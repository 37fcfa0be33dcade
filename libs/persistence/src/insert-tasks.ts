import { TaskState, type TaskId, type TaskSpec } from '@juice/contracts';
import { operationDeadlineMs } from './connection.ts';
import { asFailure, duplicateKey, finalWriteErrors, withinDeadline } from './mongo-failure.ts';
import type { TaskCollection } from './collections.ts';
import { requestKeyFields, type RequestKey } from './request-keys.ts';
import type { CallbackLane, TaskRecord } from './task-record.ts';

export interface NewTask {
  readonly taskId: TaskId;
  readonly tenantId: string;
  readonly spec: TaskSpec;
  readonly submitAtMs: number;
  readonly expireAtMs: number;
  readonly traceparent: string | null;
  /** The key of the request that submits it: no other task has it while it is kept. */
  readonly requestKey?: RequestKey;
  /** The task that this one repeats. */
  readonly rerunOf?: TaskId;
}

/**
 * `duplicate`: a task of this id, or of this request key, was stored before; what is stored was not touched, and a majority
 * has it (an insert that is refused waits for what refused it).
 */
export type InsertOutcome = 'stored' | 'duplicate';

/**
 * Stores new tasks as waiting, in one unordered insert; outcomes in the order of the tasks. Resolves when a majority has
 * them in its journal, and within 10 s or not at all: the scheduler's sweep over the last 30 s then meets every task whose
 * submitter was told that it is stored. Throws DependencyFailure when it is not known of every task whether it was stored:
 * some may be, or may still come to be.
 */
export async function insertTasks(tasks: TaskCollection, added: readonly NewTask[]): Promise<readonly InsertOutcome[]> {
  if (added.length === 0) return [];
  try {
    const insert = tasks.insertMany(added.map(asDocument), { ordered: false, maxTimeMS: operationDeadlineMs });
    await withinDeadline('insert tasks', operationDeadlineMs, insert);
    return added.map(() => 'stored');
  } catch (error: unknown) {
    const refused = duplicatesOf(error);
    if (refused === null) throw asFailure('insert tasks', error);
    return added.map((_, index) => (refused.has(index) ? 'duplicate' : 'stored'));
  }
}

/** Places of the documents refused for their id; null when anything else went wrong. */
function duplicatesOf(error: unknown): ReadonlySet<number> | null {
  const writeErrors = finalWriteErrors(error);
  if (writeErrors === null || writeErrors.some(({ code }) => code !== duplicateKey)) return null;
  return new Set(writeErrors.map(({ index }) => index));
}

function asDocument(task: NewTask): TaskRecord {
  const { spec } = task;
  const submitAt = new Date(task.submitAtMs);
  return {
    _id: task.taskId,
    tenantId: task.tenantId,
    taskName: spec.taskName,
    spec,
    status: TaskState.NOT_START,
    message: '',
    reason: null,
    seq: 0,
    attempt: 0,
    attempts: [],
    history: [],
    epoch: 0,
    countedFailures: 0,
    freeFailures: 0,
    submitAt,
    expireAt: new Date(task.expireAtMs),
    ...(task.traceparent === null ? {} : { traceparent: task.traceparent }),
    ...(task.rerunOf === undefined ? {} : { rerunOf: task.rerunOf }),
    ...(task.requestKey === undefined ? {} : requestKeyFields(task.requestKey)),
    outbox: [],
    ...(spec.callbackUrl === null ? {} : { callback: newLane(spec.callbackUrl, spec.callbackEvents) }),
  };
}

function newLane(url: string, events: CallbackLane['events']): CallbackLane {
  return { url, events, state: 'idle', pending: [], attempt: 0 };
}
