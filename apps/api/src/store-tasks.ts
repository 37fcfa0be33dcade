import { DependencyFailure, taskIdTimeMs, type RefusedItem, type TaskId, type TaskSpec } from '@juice/contracts';
import { createGroupCommit } from './group-commit.ts';
import type { Hints } from './hints.ts';
import { isItemKey, keyKeptMs, type KeyedRequest } from './request-key.ts';

export interface NewTask {
  readonly taskId: TaskId;
  readonly tenantId: string;
  readonly spec: TaskSpec;
  readonly submitAtMs: number;
  readonly expireAtMs: number;
  readonly traceparent: string | null;
  readonly requestKey?: RequestKey;
  readonly rerunOf?: TaskId;
}

/** Kept with the task that a request stores; no other task has the same key. */
export interface RequestKey extends KeyedRequest {
  readonly atMs: number;
  /** Of a batch: the items that were refused. */
  readonly refused?: readonly RefusedItem[];
}

export interface KnownRequest extends Required<RequestKey> {
  readonly taskId: TaskId;
}

/** The part of the task store that submitting needs. */
export interface SubmitStore {
  /**
   * One write for all, acknowledged by a majority when it resolves; an outcome for each task, in order. `duplicate`: its id,
   * or its request key, is another task's. Throws DependencyFailure when it cannot be known what was stored.
   */
  insertTasks(tasks: readonly NewTask[]): Promise<readonly ('stored' | 'duplicate')[]>;
  /** The tasks that have these keys. Throws DependencyFailure. */
  findRequests(keys: readonly string[]): Promise<readonly KnownRequest[]>;
  /** Frees a key that is past its time, if it is still that task's. Throws DependencyFailure. */
  releaseKey(known: KnownRequest): Promise<void>;
}

/** A task but for its id, which is made when it is written, and with it the moment that it counts as submitted at. */
export type Draft = Omit<NewTask, 'taskId' | 'submitAtMs' | 'expireAtMs'> & { readonly expireAfterMs: number };

export type Stored =
  | { readonly kind: 'stored'; readonly taskId: TaskId }
  /** A task with its request key was stored before. */
  | { readonly kind: 'known'; readonly request: KnownRequest }
  /** The task may or may not be stored. */
  | { readonly kind: 'failed'; readonly error: DependencyFailure };

export interface StoreTasks {
  /**
   * Resolves when it is known of every task what became of it. null, at once and with nothing done, when too many tasks wait
   * to be stored; `isAdmitted`: not for these, they go with others that were taken.
   */
  store(drafts: readonly Draft[], isAdmitted?: boolean): Promise<readonly Stored[]> | null;
  /** The tasks that have these keys and whose keys still hold. Throws DependencyFailure. */
  known(keys: readonly string[]): Promise<ReadonlyMap<string, KnownRequest>>;
  /** Resolves when nothing is being written any more. */
  idle(): Promise<void>;
}

/** A write of this many tasks stays well below what a server takes in one message, whatever the tasks hold. */
const maxBatch = 256;
/** An id that is taken says that two processes share a worker number; anew, it is one of 4,096 a millisecond. */
const insertTries = 5;
/** How far it is gone ahead at most for the second try; for each further one four times as far. */
const firstSkip = 64;

export function createStoreTasks(deps: {
  tasks: SubmitStore;
  hints: Pick<Hints, 'tasksSubmitted'>;
  /** Throws DependencyFailure while this process has no worker number. */
  newTaskId: () => TaskId;
  now: () => number;
  /** How many tasks may wait for a write before further ones are turned away. */
  maxWaiting: number;
  /** So many were stored. */
  stored: (count: number) => void;
  /** So many are about to be stored together. */
  grouped: (size: number) => void;
  random: () => number;
}): StoreTasks {
  const { tasks, hints, newTaskId, now, grouped, random } = deps;

  async function known(keys: readonly string[]): Promise<ReadonlyMap<string, KnownRequest>> {
    const found = keys.length === 0 ? [] : await tasks.findRequests(keys);
    const holding = found.filter(({ key, atMs }) => isItemKey(key) || now() < atMs + keyKeptMs);
    for (const request of found) if (!holding.includes(request)) await tasks.releaseKey(request);
    return new Map(holding.map((request) => [request.key, request]));
  }

  /**
   * Ids are made here, just before they are written: the scheduler's sweep looks for tasks by the age of their ids. A task is
   * submitted at the moment that its id tells, so that a range of time, which is looked for as one of ids, has what it shows.
   */
  async function insertOnce(drafts: readonly Draft[], tries: number): Promise<readonly (Stored | null)[]> {
    if (tries > 0) stepAside(tries);
    const batch = drafts.map(({ expireAfterMs, ...draft }) => {
      const taskId = newTaskId();
      const submitAtMs = taskIdTimeMs(taskId);
      return { ...draft, taskId, submitAtMs, expireAtMs: submitAtMs + expireAfterMs };
    });
    const outcomes = await tasks.insertTasks(batch);
    const stored = batch.filter((_, at) => outcomes[at] === 'stored').map(({ taskId }) => taskId);
    hints.tasksSubmitted(stored);
    deps.stored(stored.length);
    const refused = batch.filter((_, at) => outcomes[at] !== 'stored');
    const keys = refused.flatMap(({ requestKey }) => (requestKey === undefined ? [] : [requestKey.key]));
    const others = await known(keys).catch(asFailed);
    return batch.map(({ taskId, requestKey }, at) => {
      if (outcomes[at] === 'stored') return { kind: 'stored', taskId };
      if (requestKey === undefined) return null;
      if ('kind' in others) return others;
      const request = others.get(requestKey.key);
      return request === undefined ? null : { kind: 'known', request };
    });
  }

  /** Two that share a number may run in step, and meet each other's ids at every try: this one goes ahead by chance. */
  function stepAside(tries: number): void {
    for (let left = Math.floor(random() * firstSkip * 4 ** (tries - 1)); left > 0; left -= 1) newTaskId();
  }

  async function insert(drafts: readonly Draft[]): Promise<readonly Stored[]> {
    grouped(drafts.length);
    const outcomes: Stored[] = [];
    let missing = drafts.map((draft, at) => ({ draft, at }));
    for (let tries = 0; missing.length > 0 && tries < insertTries; tries += 1) {
      const inserted = await insertOnce(
        missing.map(({ draft }) => draft),
        tries,
      ).catch(asFailed);
      const asked = missing;
      missing = [];
      for (const [n, one] of asked.entries()) {
        const outcome = 'kind' in inserted ? inserted : (inserted[n] ?? null);
        if (outcome === null) missing.push(one);
        else outcomes[one.at] = outcome;
      }
    }
    for (const { at } of missing) outcomes[at] = { kind: 'failed', error: noFreeId() };
    return outcomes;
  }

  const group = createGroupCommit({ commitBatch: insert, maxBatch, maxWaiting: deps.maxWaiting });
  return { store: (drafts, isAdmitted) => group.commit(drafts, isAdmitted), known, idle: () => group.idle() };
}

function asFailed(error: unknown): Stored & { readonly kind: 'failed' } {
  if (error instanceof DependencyFailure) return { kind: 'failed', error };
  throw error;
}

function noFreeId(): DependencyFailure {
  const detail = `${insertTries} new ids in a row were taken already`;
  return new DependencyFailure({ dependency: 'mongodb', operation: 'insert tasks', retryable: true, detail });
}
