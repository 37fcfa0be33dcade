import {
  DependencyFailure,
  isEndState,
  TaskState,
  type TaskFilter,
  type TaskId,
  type TaskSpec,
} from '@juice/contracts';
import type { Frame, TaskStore } from '@juice/persistence';
import type { FoundTask } from '../src/find-tasks.ts';
import type { KeyReleaseStore } from '../src/forget-keys.ts';
import type { KillOutcome, KillStore } from '../src/kill-task.ts';
import type { WaitingStore } from '../src/limit-waiting.ts';
import type { PageQuery } from '../src/list-tasks.ts';
import type { MoreTaskStore } from '../src/more-task-routes.ts';
import type { FoundTry } from '../src/show-callbacks.ts';
import type { KnownRequest, NewTask, SubmitStore } from '../src/store-tasks.ts';

type Writable = { -readonly [K in keyof FoundTask]: FoundTask[K] } & { killRequestedAt?: Date };

/** The task store in memory, with the promises of the real one; it can be made to fail, to stall and to be full of ids. */
export interface MemoryTasks
  extends SubmitStore, WaitingStore, KillStore, KeyReleaseStore, MoreTaskStore, Pick<TaskStore, 'applyTransitions'> {
  readonly stored: Map<TaskId, NewTask>;
  /** Ids of each insert, in order. */
  readonly inserts: TaskId[][];
  /** The log of callbacks, the newest first. */
  readonly tries: FoundTry[];
  /** Changes a stored task, as the scheduler would. */
  change(taskId: TaskId, change: Partial<Writable>): void;
  setDown(isDown: boolean): void;
  /** Fails inserts from the nth on (1: the next); null: none. */
  failInsertsFrom(nth: number | null): void;
  /** Inserts wait for the returned function to be called. */
  stall(): () => void;
  /** Ids that are taken already. */
  readonly taken: Set<TaskId>;
}

/** As many as a page has room for: it ends with the task that makes it a megabyte. */
function countOfPage(tasks: readonly { readonly spec: TaskSpec }[]): number {
  let size = 0;
  const last = tasks.findIndex(({ spec }) => (size += 1_000 + (spec.commands?.length ?? 0)) >= 1_048_576);
  return last === -1 ? tasks.length : last + 1;
}

/** `windowSize`: how many tasks are looked at for a page. */
export function createMemoryTasks(windowSize = 7): MemoryTasks {
  const stored = new Map<TaskId, NewTask>();
  const records = new Map<TaskId, Writable>();
  const known = new Map<string, KnownRequest>();
  const inserts: TaskId[][] = [];
  const tries: FoundTry[] = [];
  const taken = new Set<TaskId>();
  let isDown = false;
  let insertsLeft = Infinity;
  let gate: Promise<void> = Promise.resolve();

  function reach(operation: string): void {
    if (isDown) throw new DependencyFailure({ dependency: 'mongodb', operation, retryable: true, detail: 'is down' });
  }

  function ofTenant(tenantId: string, taskId: TaskId): Writable | undefined {
    const record = records.get(taskId);
    return record?.tenantId === tenantId ? record : undefined;
  }

  function insert(task: NewTask): 'stored' | 'duplicate' {
    const { taskId, requestKey } = task;
    if (stored.has(taskId) || taken.has(taskId)) return 'duplicate';
    if (requestKey !== undefined) {
      if (known.has(requestKey.key)) return 'duplicate';
      known.set(requestKey.key, { refused: [], ...requestKey, taskId });
    }
    stored.set(taskId, task);
    records.set(taskId, toRecord(task));
    return 'stored';
  }

  function kill(tenantId: string, taskId: TaskId, atMs: number): KillOutcome {
    const record = ofTenant(tenantId, taskId);
    if (record === undefined) return { kind: 'unknown' };
    const { status, message } = record;
    if (isEndState(status)) return { kind: 'ended', status, message };
    record.killRequestedAt ??= new Date(atMs);
    if (status !== TaskState.NOT_START) return { kind: 'requested', status };
    Object.assign(record, { status: TaskState.KILLED, message: 'task is killed', finishAt: new Date(atMs) });
    return { kind: 'killed', status: TaskState.KILLED };
  }

  /** The newest first; of those alone that an index would give. */
  function ordered(tenantId: string, { filter, before }: Pick<PageQuery, 'filter' | 'before'>): Writable[] {
    const { states, fromId = 0n, belowId } = filter;
    return [...records.values()]
      .filter((one) => one.tenantId === tenantId && (states === undefined || states.includes(one.status)))
      .filter(({ _id }) => _id >= fromId && (belowId === undefined || _id < belowId))
      .filter(({ _id }) => before === null || _id < before)
      .sort((a, b) => (a._id < b._id ? 1 : -1));
  }

  function page(tenantId: string, query: PageQuery) {
    const all = ordered(tenantId, query);
    const isLookedAt = looksAtEach(query);
    const found = (isLookedAt ? all.slice(0, windowSize) : all).filter((one) => isWanted(one, query));
    const most = Math.min(query.limit, countOfPage(found));
    if (found.length > most) return { tasks: found.slice(0, most), next: found[most - 1]?._id ?? null };
    const last = isLookedAt && all.length > windowSize ? (all[windowSize - 1]?._id ?? null) : null;
    return { tasks: found, next: last };
  }

  return {
    stored,
    inserts,
    tries,
    taken,
    async insertTasks(tasks) {
      reach('insert tasks');
      insertsLeft -= 1;
      if (insertsLeft < 0) {
        throw new DependencyFailure({ dependency: 'mongodb', operation: 'insert', retryable: true, detail: 'fails' });
      }
      inserts.push(tasks.map(({ taskId }) => taskId));
      await gate;
      return tasks.map(insert);
    },
    async findRequests(keys) {
      reach('find requests');
      return keys.flatMap((key) => known.get(key) ?? []);
    },
    async releaseKey({ key, taskId }) {
      reach('release key');
      if (known.get(key)?.taskId === taskId) known.delete(key);
    },
    async releaseKeys(beforeMs, limit) {
      reach('release keys');
      const old = [...known.values()].filter(({ atMs }) => atMs < beforeMs).sort((a, b) => a.atMs - b.atMs);
      for (const { key } of old.slice(0, limit)) known.delete(key);
      return Math.min(old.length, limit);
    },
    async findTasks(tenantId, taskIds) {
      reach('find tasks');
      const found = taskIds.map((taskId) => ofTenant(tenantId, taskId));
      return found.filter((record) => record !== undefined).toReversed();
    },
    async listTasks(tenantId, query) {
      reach('list tasks');
      const { tasks, next } = page(tenantId, query);
      return { tasks: tasks.map(toListed), next };
    },
    async chooseTasks(tenantId, query) {
      reach('choose tasks');
      const { tasks, next } = page(tenantId, query);
      return { tasks: tasks.map(({ _id, taskName, status }) => ({ _id, taskName, status })), next };
    },
    async countTasks(tenantId, query) {
      reach('count tasks');
      const all = ordered(tenantId, query);
      const count = all.slice(0, windowSize).filter((one) => isWanted(one, query)).length;
      return { count, next: all.length > windowSize ? (all[windowSize - 1]?._id ?? null) : null };
    },
    async countWaiting(tenantId, most) {
      reach('count waiting tasks');
      const waiting = [...records.values()].filter(
        (one) => one.tenantId === tenantId && one.status === TaskState.NOT_START,
      );
      return Math.min(waiting.length, most);
    },
    async callbackAttempts(tenantId, taskId, { before, limit }) {
      reach('find callback attempts');
      if (ofTenant(tenantId, taskId) === undefined) return [];
      const at = tries.findIndex((one) => before !== null && one.seq === before.seq && one.try === before.try);
      return tries.slice(at + 1, at + 1 + limit);
    },
    async requestKill(tenantId, taskId, atMs) {
      reach('request kill');
      return kill(tenantId, taskId, atMs);
    },
    async requestKills(tenantId, taskIds, atMs) {
      reach('request kills');
      return new Map(taskIds.map((taskId) => [taskId, kill(tenantId, taskId, atMs)]));
    },
    async applyTransitions(_frame: Frame, transitions) {
      for (const { taskId, status, message, atMs, attempt, change } of transitions) {
        const record = records.get(taskId);
        if (record === undefined) continue;
        Object.assign(record, { status, message, attempt, seq: record.seq + 1 });
        if (change.kind !== 'launch') continue;
        const { kind: _, ...launched } = change;
        record.attempts = [
          ...record.attempts,
          { n: attempt, ...launched, launchedAt: new Date(atMs), state: 'launching' },
        ];
      }
      return { missed: [], refused: [], fenced: false };
    },
    change(taskId, change) {
      Object.assign(records.get(taskId) ?? {}, change);
    },
    setDown(down) {
      isDown = down;
    },
    failInsertsFrom(nth) {
      insertsLeft = nth === null ? Infinity : nth - 1;
    },
    stall() {
      const { promise, open } = createGate();
      gate = promise;
      return open;
    },
  };
}

function looksAtEach({ filter, unkilled }: Pick<PageQuery, 'filter' | 'unkilled'>): boolean {
  return filter.namePrefix !== undefined || filter.labels !== undefined || unkilled === true;
}

function isWanted(one: Writable, { filter, unkilled }: Pick<PageQuery, 'filter' | 'unkilled'>): boolean {
  const { namePrefix = '', labels = [] }: TaskFilter = filter;
  const has = one.spec.labels ?? [];
  return (
    one.taskName.startsWith(namePrefix) &&
    labels.every(({ key, value }) =>
      has.some((label) => label.key === key && (value ?? label.value) === label.value),
    ) &&
    !(unkilled === true && one.killRequestedAt !== undefined)
  );
}

function toListed(record: Writable) {
  const { history: _, spec, callback, ...rest } = record;
  const { env: _env, constraints: _constraints, ...shown } = spec;
  return {
    ...rest,
    attempts: record.attempts.slice(-1),
    spec: shown,
    ...(callback !== undefined && { callback: { state: callback.state } }),
  };
}

function createGate(): { promise: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const promise = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { promise, open: () => open() };
}

function toRecord({ taskId, tenantId, spec, submitAtMs, rerunOf }: NewTask): Writable {
  const { callbackUrl: url, callbackEvents: events } = spec;
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
    history: [],
    submitAt: new Date(submitAtMs),
    ...(rerunOf !== undefined && { rerunOf }),
    ...(url !== null && { callback: { url, events, state: 'idle', pending: [], attempt: 0 } }),
  };
}
