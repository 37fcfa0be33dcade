import type {
  BatchAnswer,
  KillAnswer,
  KillByFilterAnswer,
  KillDryRunAnswer,
  KillManyAnswer,
  NewCallbackSecretAnswer,
  OwnTenantAnswer,
  ReconcileAnswer,
  RerunAnswer,
  TaskCallbacksAnswer,
  TaskDetail,
  TaskEntry,
  TaskListAnswer,
  TaskListEntry,
  TaskWhy,
  UsageAnswer,
} from '@juice/contracts';
import { createCall, createOpen, usualRetries, type CallOptions, type ClientOptions } from './call.ts';
import { followEvents, type EventsOptions, type TaskEvent } from './follow-events.ts';
import { readLog, type LogOptions } from './follow-log.ts';
import type { Submission, TaskChoice } from './submission.ts';
import { submitBatches, type BatchOptions } from './submit-batches.ts';
import { waitForTask, type WaitOptions } from './wait-for-task.ts';

/** An id of a task: never a number, which could not hold it. */
export type Id = bigint | string;

/** Who the client is: the tenant's key, or (where the service believes it) its name, or both. */
export type TenantOptions = ClientOptions & { readonly apiKey?: string; readonly tenantId?: string };

/** Days of UTC, such as `2026-01-31`, at most 366 of them; this month up to today when left out. */
export interface UsageRange {
  readonly firstDay?: string | undefined;
  readonly lastDay?: string | undefined;
}

export interface KeyedOptions extends CallOptions {
  /**
   * What makes the request the same when it is sent again, also by another process; by default one is made up, so that the
   * client's own repeats store nothing twice.
   */
  readonly idempotencyKey?: string;
}

/** The tasks of a tenant. Every function throws JuiceError, JuiceUnreachableError, or the reason of its signal. */
export interface TenantClient {
  /** Resolves with the id when the task is stored for good. */
  submit(task: Submission, options?: KeyedOptions): Promise<bigint>;
  /** Any number of tasks, a thousand to a request; a result for each, in their order. */
  submitMany(tasks: readonly Submission[], options?: BatchOptions): Promise<BatchAnswer['results']>;
  get(id: Id, options?: CallOptions): Promise<TaskDetail>;
  /** The tenant's tasks among these; up to a thousand. */
  find(ids: readonly Id[], options?: CallOptions): Promise<readonly TaskEntry[]>;
  /** The newest first, page after page as they are read. */
  list(choice?: TaskChoice & { readonly pageSize?: number }, options?: CallOptions): AsyncIterable<TaskListEntry>;
  /** Resolves with the task when it has ended, however. */
  wait(id: Id, options?: WaitOptions): Promise<TaskDetail>;
  why(id: Id, options?: CallOptions): Promise<TaskWhy>;
  kill(id: Id, options?: CallOptions): Promise<KillAnswer>;
  /** Up to a thousand. */
  killMany(ids: readonly Id[], options?: CallOptions): Promise<KillManyAnswer>;
  /** Up to `limit` of those that match and have not ended. */
  killWhere(
    choice: TaskChoice | 'all',
    options?: CallOptions & { readonly limit?: number; readonly cursor?: string; readonly dryRun?: boolean },
  ): Promise<KillByFilterAnswer | KillDryRunAnswer>;
  rerun(
    id: Id,
    changes?: Partial<Submission> & { readonly force?: boolean },
    options?: KeyedOptions,
  ): Promise<RerunAnswer>;
  /** How they stand; every try, the newest first, by pages. */
  callbacks(
    id: Id,
    options?: CallOptions & { readonly limit?: number; readonly cursor?: string },
  ): Promise<TaskCallbacksAnswer>;
  /** What a task has written, in pieces of text; with `follow` as it is written, until its attempt has ended. */
  log(id: Id, options?: LogOptions): AsyncIterable<string>;
  /** What becomes of a task, until it has ended, or (null) of all the tenant's, for ever: each event once, in order, also over broken connections. */
  events(id: Id | null, options?: EventsOptions): AsyncIterable<TaskEvent>;
  reconcile(ids: readonly Id[], options?: CallOptions): Promise<ReconcileAnswer>;
  tenant(options?: CallOptions): Promise<OwnTenantAnswer>;
  /** What it has used, by days. */
  usage(range?: UsageRange, options?: CallOptions): Promise<UsageAnswer>;
  /** A new secret for its callbacks, and for so long the one before as well. Only with a key. */
  rotateCallbackSecret(
    secret?: { readonly overlapSeconds?: number },
    options?: CallOptions,
  ): Promise<NewCallbackSecretAnswer>;
}

export function createClient({ apiKey, tenantId, ...options }: TenantOptions): TenantClient {
  const credentials = {
    ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
    ...(tenantId !== undefined && { 'x-tenant-id': tenantId }),
  };
  const call = createCall(options, credentials);
  const open = createOpen(options, credentials);
  const { retries = usualRetries } = options;

  async function ask<T>(asked: Parameters<typeof call>[0]): Promise<T> {
    return (await call(asked)).data as T;
  }

  function submitTo<T>(path: string, body: unknown, { idempotencyKey, signal }: KeyedOptions): Promise<T> {
    const headers = { 'idempotency-key': idempotencyKey ?? crypto.randomUUID() };
    return ask<T>({ method: 'POST', path, body, headers, signal });
  }

  const get = (id: Id, { signal }: CallOptions = {}): Promise<TaskDetail> =>
    ask({ method: 'GET', path: pathOf(id), signal });

  return {
    async submit(task, keyed = {}) {
      return (await submitTo<{ taskId: bigint }>('/v1/tasks', task, keyed)).taskId;
    },
    submitMany: (tasks, batch = {}) =>
      submitBatches(tasks, batch, (body, keyed) => submitTo<BatchAnswer>('/v1/tasks/batch', body, keyed)),
    get,
    find: (ids, { signal } = {}) =>
      ask({ method: 'GET', path: '/v1/tasks', query: { taskIds: ids.join(',') }, signal }),
    async *list({ pageSize = 100, ...choice } = {}, { signal } = {}) {
      const query = { ...writeChoice(choice), limit: pageSize };
      for (let cursor: string | undefined; ;) {
        const asked = { method: 'GET', path: '/v1/tasks', query: { ...query, cursor }, signal } as const;
        const page = await ask<TaskListAnswer>(asked);
        yield* page.tasks;
        cursor = page.nextCursor;
        if (cursor === undefined) return;
      }
    },
    wait: (id, waiting = {}) => waitForTask(() => get(id, waiting), waiting),
    why: (id, { signal } = {}) => ask({ method: 'GET', path: `${pathOf(id)}/why`, signal }),
    kill: (id, { signal } = {}) =>
      ask({ method: 'POST', path: '/v1/tasks/kill', query: { taskId: String(id) }, signal }),
    killMany: (ids, { signal } = {}) =>
      ask({ method: 'POST', path: '/v1/tasks/kill', query: { taskIds: ids.join(',') }, signal }),
    killWhere: (choice, { signal, ...how } = {}) => {
      const filter = choice === 'all' ? { all: true } : writeFilter(choice);
      return ask({ method: 'POST', path: '/v1/tasks/kill', body: { filter, ...how }, signal });
    },
    rerun: (id, changes = {}, keyed = {}) => submitTo(`${pathOf(id)}/rerun`, changes, keyed),
    callbacks: (id, { signal, ...query } = {}) =>
      ask({ method: 'GET', path: `${pathOf(id)}/callbacks`, query, signal }),
    log: (id, how = {}) => readLog({ open, path: pathOf(id), look: () => get(id, how), retries }, how),
    events: (id, how = {}) => followEvents({ open, path: id === null ? '/v1' : pathOf(id), retries }, how),
    reconcile: (ids, { signal } = {}) =>
      ask({ method: 'POST', path: '/v1/tasks/reconcile', query: { taskIds: ids.join(',') }, signal }),
    rotateCallbackSecret: (body = {}, { signal } = {}) =>
      ask({ method: 'POST', path: '/v1/tenant/callback-secrets', body, signal, isRepeatable: false }),
    usage: (query = {}, { signal } = {}) => ask({ method: 'GET', path: '/v1/usage', query: { ...query }, signal }),
    tenant: ({ signal } = {}) => ask({ method: 'GET', path: '/v1/tenant', signal }),
  };
}

function pathOf(id: Id): string {
  return `/v1/tasks/${encodeURIComponent(String(id))}`;
}

/** As a query: a key with a colon in it cannot be asked for in this way. */
function writeChoice({ status, namePrefix, labels = {}, submittedAfter, submittedBefore }: TaskChoice) {
  return {
    status: status?.join(','),
    namePrefix,
    label: Object.entries(labels).map(([key, value]) => (value === null ? key : `${key}:${value}`)),
    submittedAfter: submittedAfter?.toISOString(),
    submittedBefore: submittedBefore?.toISOString(),
  };
}

function writeFilter({ labels, ...choice }: TaskChoice) {
  const conditions = Object.entries(labels ?? {}).map(([key, value]) => (value === null ? { key } : { key, value }));
  return { ...choice, ...(labels !== undefined && { labels: conditions }) };
}
