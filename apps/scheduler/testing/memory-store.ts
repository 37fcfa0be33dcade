import {
  defaultTenantSettings,
  type LiveTask,
  type SchedulableTask,
  type TaskId,
  type TaskSpec,
  type TaskState,
} from '@juice/contracts';
import { TaskTable } from '@juice/scheduling/testing';
import { toStatusEvent } from '../src/runner.ts';
import type { TenantLimitsStore } from '../src/tenant-limits.ts';
import type { TermStore } from '../src/term.ts';
import { createMemoryOutboxes } from './memory-outboxes.ts';

export const plainSpec: TaskSpec = {
  taskName: 'a-task',
  callbackUrl: null,
  callbackEvents: 'all',
  commands: 'true',
  container: null,
  resources: { role: '*', cpus: 0.1, memMb: 32, diskMb: 0, gpus: 0, ports: 0 },
  env: [],
  args: [],
  uris: [],
  constraints: [],
  priority: 0,
  retry: 0,
  expireSeconds: null,
  maxRunSeconds: null,
  killGraceSeconds: null,
};

/** The scheduler's store in memory, with the guards of the real one. */
export interface MemoryStore extends TermStore {
  readonly table: TaskTable;
  submit(spec?: Partial<TaskSpec>, facts?: Partial<SchedulableTask>): TaskId;
  statuses(taskId: TaskId): TaskState[];
}

export function createMemoryStore(): MemoryStore {
  const table = new TaskTable();
  const specs = new Map<TaskId, TaskSpec>();
  const outboxes = createMemoryOutboxes();
  const load = (wanted: (live: LiveTask) => boolean): LiveTask[] =>
    [...table.rows.keys()]
      .map((taskId) => table.load(taskId))
      .filter((live) => live !== null)
      .filter(wanted);
  return {
    table,
    submit(spec = {}, facts = {}) {
      const whole = { ...plainSpec, ...spec };
      const { cpus, memMb, diskMb, gpus, ports } = whole.resources;
      const { taskId } = table.insert({
        taskName: whole.taskName,
        retry: whole.retry,
        needs: { cpuMillis: cpus * 1000, memMb, diskMb, gpus, ports, hostPorts: [] },
        ...facts,
      });
      specs.set(taskId, whole);
      return taskId;
    },
    statuses: (taskId) => table.applied.filter((write) => write.taskId === taskId).map(({ status }) => status),
    applyTransitions(_frame, transitions) {
      const before = table.applied.length;
      const missed = table.apply(transitions);
      for (const write of table.applied.slice(before)) outboxes.add(toStatusEvent(write));
      return Promise.resolve({ missed, refused: [], fenced: false });
    },
    loadLiveTasks: (ids) => Promise.resolve(ids.map((taskId) => ({ taskId, live: table.load(taskId) }))),
    attemptIds: (ids) => Promise.resolve(table.attemptIds(ids)),
    liveTasksAfter: () => Promise.resolve(load(() => true)),
    waitingSince: () => Promise.resolve(load(({ live }) => live === null)),
    killsRequested: () => Promise.resolve(load(({ task }) => task.killRequested)),
    async *liveTasks() {
      yield await Promise.resolve(load(() => true));
    },
    loadLaunchSpecs: (ids) =>
      Promise.resolve(
        new Map(
          ids.flatMap((taskId) => {
            const spec = specs.get(taskId);
            return spec === undefined ? [] : [[taskId, { spec, traceparent: null }] as const];
          }),
        ),
      ),
    clearOutbox: (published) => Promise.resolve(outboxes.clear(published)),
    readOutboxes: (ids) => Promise.resolve(outboxes.read(ids)),
    outboxPage: (fromMs, limit) => Promise.resolve(outboxes.page(fromMs, limit)),
  };
}

/** A state of a row that a test waits for. */
export function statusOf(store: MemoryStore, taskId: TaskId): TaskState | undefined {
  return store.table.rows.get(taskId)?.status;
}

/** Every switch is off. */
export const unswitched = {
  switches: { loadSwitches: () => Promise.resolve([]) },
  host: 'here',
  onDrained: (): void => undefined,
} as const;

/** Tenants for which nothing is set. */
export const plainTenants: TenantLimitsStore = {
  loadTenant: (tenantId) => Promise.resolve({ tenantId, settings: defaultTenantSettings }),
  async *loadTenants() {
    // There is none.
  },
};
