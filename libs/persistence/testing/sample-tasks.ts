import { TaskState, type AttemptChange, type TaskId, type TaskSpec, type TaskTransition } from '@juice/contracts';
import type { Frame, NewTask } from '../src/index.ts';

export const tenant = 'acme';
export const startMs = 1_750_000_000_000;

/** Ids as the product makes them: above 2^53, growing. */
export function idAt(place: number): TaskId {
  return (7_000_000_000_000_000_000n + BigInt(place)) as TaskId;
}

export function specOf(changes: Partial<TaskSpec> = {}): TaskSpec {
  return {
    taskName: 'render-frame',
    callbackUrl: null,
    callbackEvents: 'all',
    commands: 'echo done',
    container: null,
    resources: { role: '*', cpus: 0.5, memMb: 128, diskMb: 0, gpus: 0, ports: 1 },
    env: [{ name: 'MODE', value: 'fast' }],
    args: [],
    uris: [],
    constraints: [{ field: 'HOSTNAME', values: ['a', 'b'] }],
    priority: 0,
    retry: 2,
    expireSeconds: null,
    maxRunSeconds: null,
    killGraceSeconds: null,
    ...changes,
  };
}

export function newTask(taskId: TaskId, changes: Partial<NewTask> = {}): NewTask {
  return {
    taskId,
    tenantId: tenant,
    spec: specOf(),
    submitAtMs: startMs,
    expireAtMs: startMs + 86_400_000,
    traceparent: null,
    ...changes,
  };
}

export function calledBack(taskId: TaskId, events: 'all' | 'terminal' = 'all'): NewTask {
  return newTask(taskId, { spec: specOf({ callbackUrl: 'http://127.0.0.1/done', callbackEvents: events }) });
}

export function frame(epoch = 1, stamp = 'frame-1'): Frame {
  return { epoch, stamp };
}

type Changes = Partial<TaskTransition>;

const plain = {
  tenantId: tenant,
  unlessKillRequested: false,
  atMs: startMs + 1000,
  reason: null,
  callback: false,
  requeue: null,
};

export function launch(taskId: TaskId, expectSeq: number, changes: Changes = {}): TaskTransition {
  const attempt = changes.attempt ?? 1;
  const change: AttemptChange = {
    kind: 'launch',
    mesosTaskId: `render_frame-${taskId}-${attempt}`,
    frameworkId: 'framework-1',
    agentId: 'agent-1',
    agentHost: 'host-1',
    agentPort: 5051,
    groupPlace: null,
  };
  const facts = { taskId, expectSeq, attempt, status: TaskState.STAGING, message: 'task is launched', change };
  return { ...plain, ...facts, unlessKillRequested: true, ...changes };
}

export function run(taskId: TaskId, expectSeq: number, changes: Changes = {}): TaskTransition {
  const facts = { taskId, expectSeq, attempt: 1, status: TaskState.RUNNING, message: 'task is running' };
  return { ...plain, ...facts, change: { kind: 'run' }, ...changes };
}

export function unreachable(taskId: TaskId, expectSeq: number, changes: Changes = {}): TaskTransition {
  const facts = { taskId, expectSeq, attempt: 1, status: TaskState.UNREACHABLE, message: 'agent is unreachable' };
  return { ...plain, ...facts, change: { kind: 'unreachable' }, ...changes };
}

export function quarantine(taskId: TaskId, expectSeq: number, changes: Changes = {}): TaskTransition {
  const facts = { taskId, expectSeq, attempt: 1, status: TaskState.RUNNING, message: 'an update could not be read' };
  return { ...plain, ...facts, change: { kind: 'quarantine' }, ...changes };
}

export function finish(taskId: TaskId, expectSeq: number, changes: Changes = {}): TaskTransition {
  const change: AttemptChange = { kind: 'end', mesosState: 'TASK_FINISHED', exitCode: 0, free: false };
  const facts = { taskId, expectSeq, attempt: 1, status: TaskState.FINISHED, message: 'Command exited with status 0' };
  return { ...plain, ...facts, change, ...changes };
}

export function requeue(taskId: TaskId, expectSeq: number, changes: Changes = {}): TaskTransition {
  const change: AttemptChange = { kind: 'end', mesosState: 'TASK_FAILED', exitCode: 3, free: false };
  const facts = { taskId, expectSeq, attempt: 1, status: TaskState.NOT_START, message: 'Command exited with status 3' };
  const again = { notBeforeMs: startMs + 9000, countedFailures: 1, freeFailures: 0 };
  return { ...plain, ...facts, unlessKillRequested: true, change, requeue: again, ...changes };
}
