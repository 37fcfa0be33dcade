import {
  TaskState,
  type LiveTask,
  type StatusEvent,
  type TaskId,
  type TaskSpec,
  type TaskTransition,
  type TransitionOutcome,
  type TryPlace,
  type RetentionOptions,
} from '@juice/contracts';
import { applyTransitions, type Frame } from './apply-transitions.ts';
import { findAttempts, type CallbackAttempt } from './callback-attempts.ts';
import type { MongoConnection } from './connection.ts';
import { createFindTasks } from './find-tasks.ts';
import { insertTasks, type InsertOutcome, type NewTask } from './insert-tasks.ts';
import { liveTasksAfter, loadLiveTasks, readLiveTasks, scanLiveTasks, type LoadedTask } from './live-tasks.ts';
import { tasksOf, type TaskCollection } from './collections.ts';
import { asFailure, attempt } from './mongo-failure.ts';
import { clearOutbox, outboxPage, readOutboxes, type OutboxPage, type PublishedEvent } from './outbox.ts';
import { requestKills, type KillOutcome } from './request-kills.ts';
import { findRequests, releaseKey, releaseKeys, type KnownRequest } from './request-keys.ts';
import { retentionOf } from './retention.ts';
import {
  chooseTasks,
  countTasks,
  defaultWindowSize,
  listTasks,
  type ChosenTask,
  type ListedTask,
  type Page,
  type PageQuery,
} from './task-pages.ts';
import type { TaskRecord } from './task-record.ts';

/** What is read to launch an attempt. `spec.env` may hold secrets. */
export interface LaunchSpec {
  readonly spec: TaskSpec;
  readonly traceparent: string | null;
}

/** When what became of a task began and ended, and the trace that it belongs to. */
export type TaskTrace = Pick<TaskRecord, '_id' | 'tenantId' | 'submitAt' | 'finishAt' | 'attempts'> & {
  readonly traceparent: string;
};

/** Every method throws DependencyFailure when MongoDB cannot be reached; every write may then be repeated. */
export interface TaskStore {
  /** One unordered insert; see InsertOutcome. Throws when it is not known of every task whether it was stored. */
  insertTasks(tasks: readonly NewTask[]): Promise<readonly InsertOutcome[]>;
  /** Those of the ids that are this tenant's, in no particular order. */
  findTasks(tenantId: string, ids: readonly TaskId[]): Promise<readonly TaskRecord[]>;
  /** The newest that match, first. */
  listTasks(tenantId: string, query: PageQuery): Promise<Page<ListedTask>>;
  /** The same of each task's name and status alone. */
  chooseTasks(tenantId: string, query: PageQuery): Promise<Page<ChosenTask>>;
  /** How many match among those that one window holds, and where the next one begins. */
  countTasks(tenantId: string, query: Omit<PageQuery, 'limit'>): Promise<{ count: number; next: TaskId | null }>;
  /** The log of a task's callbacks, the newest try first. */
  callbackAttempts(
    tenantId: string,
    taskId: TaskId,
    page: { before: TryPlace | null; limit: number },
  ): Promise<readonly CallbackAttempt[]>;
  /** How many of a tenant's tasks wait to be launched, counted up to `most`. */
  countWaiting(tenantId: string, most: number): Promise<number>;
  requestKill(tenantId: string, taskId: TaskId, atMs: number): Promise<KillOutcome>;
  /** An outcome for each id. After a failure some of the kills may be stored. */
  requestKills(tenantId: string, taskIds: readonly TaskId[], atMs: number): Promise<ReadonlyMap<TaskId, KillOutcome>>;
  /** Those of the keys that are in use. */
  findRequests(keys: readonly string[]): Promise<readonly KnownRequest[]>;
  /** Frees a key for another request. */
  releaseKey(known: KnownRequest): Promise<void>;
  /** Frees keys used before an instant, the oldest first; how many. */
  releaseKeys(beforeMs: number, limit: number): Promise<number>;
  /** Every live task once, in the order of ids; tasks inserted meanwhile may be left out. */
  liveTasks(batchSize: number): AsyncIterable<readonly LiveTask[]>;
  loadLiveTasks(ids: readonly TaskId[]): Promise<readonly LoadedTask[]>;
  /** The Mesos task ids of every attempt of these tasks, ended ones too; unknown ids are left out. */
  attemptIds(ids: readonly TaskId[]): Promise<ReadonlyMap<TaskId, readonly string[]>>;
  /** Waiting tasks from an id on, in the order of ids. */
  waitingSince(firstId: TaskId, limit: number): Promise<readonly LiveTask[]>;
  /** The next live tasks after an id, in the order of ids. */
  liveTasksAfter(id: TaskId | null, limit: number): Promise<readonly LiveTask[]>;
  /** Live tasks that a tenant asked to kill, the longest asked first. */
  killsRequested(limit: number): Promise<readonly LiveTask[]>;
  applyTransitions(frame: Frame, transitions: readonly TaskTransition[]): Promise<TransitionOutcome>;
  /** Unknown ids are left out. */
  loadLaunchSpecs(ids: readonly TaskId[]): Promise<ReadonlyMap<TaskId, LaunchSpec>>;
  /** Those of the ids that belong to a trace, in no particular order. */
  loadTraces(ids: readonly TaskId[]): Promise<readonly TaskTrace[]>;
  clearOutbox(published: readonly PublishedEvent[]): Promise<void>;
  readOutboxes(ids: readonly TaskId[]): Promise<readonly StatusEvent[]>;
  outboxPage(fromMs: number, limit: number): Promise<OutboxPage>;
}

export interface TaskStoreOptions extends RetentionOptions {
  /** How many tasks are looked at for a page, where each has to be looked at; 10,000 when left out. */
  readonly windowSize?: number;
}

export function createTaskStore(conn: MongoConnection, options: TaskStoreOptions = {}): TaskStore {
  const tasks = tasksOf(conn);
  const retentionMs = retentionOf('taskRetentionMs', options);
  const { windowSize = defaultWindowSize } = options;
  const killAll: TaskStore['requestKills'] = (tenantId, taskIds, atMs) =>
    attempt('request kills', () => requestKills(tasks, { tenantId, taskIds, atMs, retentionMs }));
  return {
    insertTasks: (added) => insertTasks(tasks, added),
    findTasks: createFindTasks(tasks),
    listTasks: (tenantId, query) => attempt('list tasks', () => listTasks(tasks, { ...query, tenantId, windowSize })),
    chooseTasks: (tenantId, query) =>
      attempt('choose tasks', () => chooseTasks(tasks, { ...query, tenantId, windowSize })),
    countTasks: (tenantId, query) =>
      attempt('count tasks', () => countTasks(tasks, { ...query, tenantId, windowSize })),
    countWaiting: (tenantId, most) =>
      attempt('count waiting tasks', () =>
        tasks.countDocuments({ tenantId, status: TaskState.NOT_START }, { limit: most }),
      ),
    callbackAttempts: (tenantId, taskId, page) =>
      attempt('find callback attempts', () => findAttempts(conn, { tenantId, taskId, ...page })),
    requestKill: async (tenantId, taskId, atMs) =>
      (await killAll(tenantId, [taskId], atMs)).get(taskId) ?? { kind: 'unknown' },
    requestKills: killAll,
    findRequests: (keys) => attempt('find requests', () => findRequests(tasks, keys)),
    releaseKey: (known) => attempt('release a key', () => releaseKey(tasks, known)),
    releaseKeys: (beforeMs, limit) => attempt('release keys', () => releaseKeys(tasks, beforeMs, limit)),
    async *liveTasks(batchSize) {
      try {
        yield* scanLiveTasks(tasks, batchSize);
      } catch (error: unknown) {
        throw asFailure('load live tasks', error);
      }
    },
    attemptIds: (ids) => attempt('find attempts', () => attemptIds(tasks, ids)),
    loadLiveTasks: (ids) => attempt('load live tasks', () => loadLiveTasks(tasks, ids)),
    waitingSince: (firstId, limit) =>
      attempt('find waiting tasks', () =>
        readLiveTasks(tasks, { filter: { status: TaskState.NOT_START, _id: { $gte: firstId } }, limit }),
      ),
    liveTasksAfter: (id, limit) => attempt('read live tasks', () => liveTasksAfter(tasks, id, limit)),
    killsRequested: (limit) =>
      attempt('find kills requested', () =>
        readLiveTasks(tasks, { filter: { killPendingAt: { $gt: new Date(0) } }, sort: { killPendingAt: 1 }, limit }),
      ),
    applyTransitions: (frame, transitions) => applyTransitions(tasks, frame, { transitions, retentionMs }),
    loadLaunchSpecs: (ids) => attempt('load launch specs', () => loadLaunchSpecs(conn, ids)),
    loadTraces: (ids) => attempt('load traces', () => loadTraces(tasks, ids)),
    clearOutbox: (published) => attempt('clear outbox', () => clearOutbox(tasks, published)),
    readOutboxes: (ids) => attempt('read outboxes', () => readOutboxes(tasks, ids)),
    outboxPage: (fromMs, limit) => attempt('read outboxes', () => outboxPage(tasks, fromMs, limit)),
  };
}

async function attemptIds(
  tasks: TaskCollection,
  ids: readonly TaskId[],
): Promise<ReadonlyMap<TaskId, readonly string[]>> {
  const found = await tasks
    .find<Pick<TaskRecord, '_id' | 'attempts'>>(
      { _id: { $in: [...ids] } },
      { projection: { 'attempts.mesosTaskId': 1 } },
    )
    .toArray();
  return new Map(found.map(({ _id, attempts }) => [_id, attempts.map(({ mesosTaskId }) => mesosTaskId)]));
}

function loadTraces(tasks: TaskCollection, ids: readonly TaskId[]): Promise<readonly TaskTrace[]> {
  const projection = { traceparent: 1, tenantId: 1, submitAt: 1, finishAt: 1, attempts: 1 };
  return tasks.find<TaskTrace>({ _id: { $in: [...ids] }, traceparent: { $exists: true } }, { projection }).toArray();
}

async function loadLaunchSpecs(
  conn: MongoConnection,
  ids: readonly TaskId[],
): Promise<ReadonlyMap<TaskId, LaunchSpec>> {
  const found = await tasksOf(conn)
    .find<Pick<TaskRecord, '_id' | 'spec' | 'traceparent'>>(
      { _id: { $in: [...ids] } },
      { projection: { spec: 1, traceparent: 1 } },
    )
    .toArray();
  return new Map(found.map(({ _id, spec, traceparent }) => [_id, { spec, traceparent: traceparent ?? null }]));
}
