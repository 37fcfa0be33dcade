import {
  InvariantBroken,
  liveStates,
  namedPorts,
  portsNeeded,
  TaskState,
  type ConstraintSpec,
  type GroupSpec,
  type LiveAttempt,
  type LiveTask,
  type TaskId,
} from '@juice/contracts';
import type { TaskCollection } from './collections.ts';
import type { AttemptRecord, TaskRecord } from './task-record.ts';

/** `live` is null when the task has ended or is not known. */
export interface LoadedTask {
  readonly taskId: TaskId;
  readonly live: LiveTask | null;
}

/** What the scheduler's queue needs of a document, and no more: a takeover loads every live task. */
const projection = {
  tenantId: 1,
  taskName: 1,
  status: 1,
  seq: 1,
  attempt: 1,
  attempts: { $slice: -1 },
  countedFailures: 1,
  freeFailures: 1,
  notBefore: 1,
  killRequestedAt: 1,
  submitAt: 1,
  expireAt: 1,
  'callback.events': 1,
  'spec.retry': 1,
  'spec.priority': 1,
  'spec.maxRunSeconds': 1,
  'spec.unreachableSeconds': 1,
  'spec.constraints': 1,
  'spec.group': 1,
  'spec.resources': 1,
  'spec.container.docker.portMappings.hostPort': 1,
} as const;

type Loaded = Pick<
  TaskRecord,
  | '_id'
  | 'tenantId'
  | 'taskName'
  | 'status'
  | 'seq'
  | 'attempt'
  | 'attempts'
  | 'countedFailures'
  | 'freeFailures'
  | 'notBefore'
  | 'killRequestedAt'
  | 'submitAt'
  | 'expireAt'
> & {
  readonly callback?: { readonly events: 'all' | 'terminal' };
  readonly spec: {
    readonly retry: number;
    readonly priority: number;
    /** These two are absent in tasks stored before there were such limits. */
    readonly maxRunSeconds?: number | null;
    readonly unreachableSeconds?: number | null;
    readonly constraints: readonly ConstraintSpec[];
    readonly group?: GroupSpec;
    readonly resources: TaskRecord['spec']['resources'];
    readonly container?: {
      readonly docker?: { readonly portMappings?: readonly { readonly hostPort: number }[] };
    } | null;
  };
};

/** What a page of live tasks is selected by; pages are in the order of the second index field, `_id` unless told. */
interface Page {
  readonly filter: Record<string, unknown>;
  readonly sort?: Record<string, 1>;
  readonly limit: number;
}

export async function readLiveTasks(
  tasks: TaskCollection,
  { filter, sort, limit }: Page,
): Promise<readonly LiveTask[]> {
  const found = await tasks
    .find<Loaded>(filter, { projection, sort: sort ?? { _id: 1 }, limit, batchSize: limit })
    .toArray();
  return found.map(asLiveTask);
}

/** Every live task once, in the order of ids; tasks that change meanwhile are seen in one of their states. */
export async function* scanLiveTasks(tasks: TaskCollection, batchSize: number): AsyncGenerator<readonly LiveTask[]> {
  for (let after: TaskId | null = null; ;) {
    const page: readonly LiveTask[] = await liveTasksAfter(tasks, after, batchSize);
    const last = page.at(-1);
    if (last === undefined) return;
    yield page;
    if (page.length < batchSize) return;
    after = last.task.taskId;
  }
}

/** One page of them. */
export function liveTasksAfter(
  tasks: TaskCollection,
  after: TaskId | null,
  limit: number,
): Promise<readonly LiveTask[]> {
  return readLiveTasks(tasks, { filter: { status: { $in: [...liveStates] }, _id: { $gt: after ?? 0n } }, limit });
}

/** One entry for each id, in their order. */
export async function loadLiveTasks(tasks: TaskCollection, ids: readonly TaskId[]): Promise<readonly LoadedTask[]> {
  if (ids.length === 0) return [];
  const filter = { _id: { $in: [...ids] }, status: { $in: [...liveStates] } };
  const found = await readLiveTasks(tasks, { filter, limit: ids.length });
  const byId = new Map(found.map((live) => [live.task.taskId, live]));
  return ids.map((taskId) => ({ taskId, live: byId.get(taskId) ?? null }));
}

function asLiveTask(stored: Loaded): LiveTask {
  const { spec } = stored;
  const last = stored.attempts.at(-1);
  const waits = stored.status === TaskState.NOT_START;
  const { role, cpus, memMb, diskMb, gpus, ports } = spec.resources;
  const mappings = spec.container?.docker?.portMappings ?? [];
  return {
    task: {
      taskId: stored._id,
      tenantId: stored.tenantId,
      taskName: stored.taskName,
      seq: stored.seq,
      attempt: stored.attempt,
      countedFailures: stored.countedFailures,
      freeFailures: stored.freeFailures,
      retry: spec.retry,
      priority: spec.priority,
      needs: {
        cpuMillis: Math.round(cpus * 1000),
        memMb: Math.ceil(memMb),
        diskMb: Math.ceil(diskMb),
        gpus,
        ports: portsNeeded(ports, mappings),
        hostPorts: namedPorts(mappings),
      },
      constraints: spec.constraints,
      group: spec.group ?? null,
      role,
      callback: stored.callback?.events ?? 'none',
      submittedAtMs: stored.submitAt.getTime(),
      expireAtMs: stored.expireAt.getTime(),
      maxRunMs: (spec.maxRunSeconds ?? 0) * 1000,
      lostAfterMs: typeof spec.unreachableSeconds === 'number' ? spec.unreachableSeconds * 1000 : null,
      notBeforeMs: stored.notBefore?.getTime() ?? 0,
      // Nothing was wrong with the host of an attempt that made room.
      avoidHost: waits && last?.preempted !== true ? (last?.agentHost ?? null) : null,
      killRequested: stored.killRequestedAt !== undefined,
    },
    live: waits ? null : asLiveAttempt(stored._id, last),
  };
}

function asLiveAttempt(taskId: TaskId, stored: AttemptRecord | undefined): LiveAttempt {
  const state = stored?.state;
  if (stored === undefined || (state !== 'launching' && state !== 'running' && state !== 'unreachable')) {
    throw new InvariantBroken(`task ${taskId} is on the cluster, but its last attempt is ${state ?? 'missing'}`);
  }
  return {
    mesosTaskId: stored.mesosTaskId,
    frameworkId: stored.frameworkId,
    agentId: stored.agentId,
    agentHost: stored.agentHost,
    launchedAtMs: stored.launchedAt.getTime(),
    startedAtMs: stored.startedAt?.getTime() ?? 0,
    state,
    groupPlace: stored.groupPlace ?? null,
    preempted: stored.preempted === true,
    quarantined: stored.quarantined === true,
  };
}
