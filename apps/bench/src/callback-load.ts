import { TaskState, type TaskId, type TaskSpec, type TaskTransition } from '@juice/contracts';
import type { TaskStore } from '@juice/persistence';

/** One callback to come: whose, and where to. */
export interface Target {
  /** Different for all of a run: what its task's id is made of. */
  readonly number: number;
  readonly tenantId: string;
  readonly url: string;
}

export interface LoadedTask extends Target {
  readonly taskId: TaskId;
}

const spec: Omit<TaskSpec, 'callbackUrl'> = {
  taskName: 'bench',
  callbackEvents: 'all',
  commands: 'true',
  container: null,
  resources: { role: '*', cpus: 0.1, memMb: 256, diskMb: 0, gpus: 0, ports: 0 },
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

/** As the product's own: above 2^53. */
const firstId = 7_000_000_000_000_000_000n;
/** A bulk write of the scheduler is of this order. */
const atOnce = 200;

/** Stores tasks that run: the next state of each is one to be called back. */
export async function storeRunningTasks(tasks: TaskStore, targets: readonly Target[]): Promise<readonly LoadedTask[]> {
  const atMs = Date.now();
  const loaded = targets.map((target) => ({ ...target, taskId: (firstId + BigInt(target.number)) as TaskId }));
  for (const page of pagesOf(loaded)) {
    await tasks.insertTasks(
      page.map(({ taskId, tenantId, url }) => ({
        ...{ taskId, tenantId, spec: { ...spec, callbackUrl: url } },
        ...{ submitAtMs: atMs, expireAtMs: atMs + 86_400_000, traceparent: null },
      })),
    );
    await write(tasks, page, (task) => {
      const agent = { agentId: 'agent-1', agentHost: 'host-1', agentPort: 5051, groupPlace: null };
      const launched = { mesosTaskId: `bench-${task.taskId}-1`, frameworkId: 'framework-1', ...agent };
      return { ...facts(task, 0, atMs), status: TaskState.STAGING, change: { kind: 'launch', ...launched } };
    });
  }
  return loaded;
}

/** Stores tasks that wait, as the api does. Nobody is called back. */
export async function storeWaitingTasks(
  tasks: TaskStore,
  waiting: readonly Pick<Target, 'number' | 'tenantId'>[],
): Promise<void> {
  const atMs = Date.now();
  for (let at = 0; at < waiting.length; at += atOnce) {
    const page = waiting.slice(at, at + atOnce).map(({ number, tenantId }) => ({
      ...{ taskId: (firstId + BigInt(number)) as TaskId, tenantId, spec: { ...spec, callbackUrl: null } },
      ...{ submitAtMs: atMs, expireAtMs: atMs + 86_400_000, traceparent: null },
    }));
    await tasks.insertTasks(page);
  }
}

/** They run, and that is to be called back, as of now. */
export async function runTasks(tasks: TaskStore, running: readonly LoadedTask[]): Promise<void> {
  for (const page of pagesOf(running)) {
    await write(tasks, page, (task) => ({
      ...facts(task, 1, Date.now()),
      ...{ status: TaskState.RUNNING, change: { kind: 'run' }, callback: true },
    }));
  }
}

/** They end, and are to be called back, as of now. */
export async function endTasks(tasks: TaskStore, ended: readonly LoadedTask[], seq = 2): Promise<void> {
  const change = { kind: 'end', mesosState: 'TASK_FINISHED', exitCode: 0, free: false } as const;
  for (const page of pagesOf(ended)) {
    await write(tasks, page, (task) => ({
      ...facts(task, seq - 1, Date.now()),
      ...{ status: TaskState.FINISHED, change, callback: true },
    }));
  }
}

/** The event that tells workers of it. */
export function endedEvent({ taskId, tenantId }: LoadedTask, seq = 2) {
  return {
    ...{ v: 1, taskId: String(taskId), tenantId, seq, status: TaskState.FINISHED, attempt: 1 },
    ...{ message: '', reason: null, atMs: Date.now(), callback: true },
  };
}

function facts({ taskId, tenantId }: LoadedTask, expectSeq: number, atMs: number) {
  const rest = { unlessKillRequested: false, message: '', reason: null, requeue: null, callback: false };
  return { taskId, tenantId, expectSeq, atMs, attempt: 1, ...rest };
}

async function write(
  tasks: TaskStore,
  page: readonly LoadedTask[],
  transitionOf: (task: LoadedTask) => TaskTransition,
): Promise<void> {
  const transitions = page.map(transitionOf);
  const stamp = `${transitions[0]?.taskId}-${transitions[0]?.expectSeq}`;
  const { missed } = await tasks.applyTransitions({ epoch: 1, stamp }, transitions);
  if (missed.length > 0) throw new Error(`${missed.length} transitions missed`);
}

function pagesOf(all: readonly LoadedTask[]): readonly (readonly LoadedTask[])[] {
  return Array.from({ length: Math.ceil(all.length / atOnce) }, (_, at) => all.slice(at * atOnce, (at + 1) * atOnce));
}
