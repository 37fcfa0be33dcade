import { TaskState, type TaskId, type TaskSpec, type TaskTransition } from '@juice/contracts';
import type { MemoryLanes } from '@juice/persistence/testing';

export const tenant = 'acme';

/** Ids as the product makes them: above 2^53. */
export function idAt(place: number): TaskId {
  return (7_000_000_000_000_000_000n + BigInt(place)) as TaskId;
}

type Tasks = Pick<MemoryLanes['tasks'], 'insertTasks' | 'applyTransitions'>;

export interface CalledBackTask {
  readonly taskId: TaskId;
  /** The scheduler's part: a transition that leaves a state to be called back. */
  becomes(status: TaskTransition['status'], atMs: number): Promise<void>;
}

/** Stores a task that is called back, with one attempt launched. */
export async function storeTask(
  tasks: Tasks,
  given: { taskId: TaskId; url: string; atMs: number; tenantId?: string; traceparent?: string },
): Promise<CalledBackTask> {
  const { taskId, url, atMs, tenantId = tenant, traceparent = null } = given;
  const spec = specOf(url);
  await tasks.insertTasks([{ taskId, tenantId, spec, submitAtMs: atMs, expireAtMs: atMs + 86_400_000, traceparent }]);
  let seq = 0;
  const write = async (change: TaskTransition['change'], status: TaskTransition['status'], nowMs: number) => {
    const facts = { taskId, tenantId, expectSeq: seq, atMs: nowMs, status, change, attempt: 1 };
    const rest = { unlessKillRequested: false, message: `it is ${status}`, reason: null, requeue: null };
    seq += 1;
    const frame = { epoch: 1, stamp: `${taskId}-${seq}` };
    const { missed } = await tasks.applyTransitions(frame, [{ ...facts, ...rest, callback: change.kind !== 'launch' }]);
    if (missed.length > 0) throw new Error('the transition missed');
  };
  const agent = { agentId: 'agent-1', agentHost: 'host-1', agentPort: 5051, groupPlace: null };
  const launched = { mesosTaskId: `render_frame-${taskId}-1`, frameworkId: 'framework-1', ...agent };
  await write({ kind: 'launch', ...launched }, TaskState.STAGING, atMs);
  return {
    taskId,
    becomes(status, nowMs) {
      if (status === TaskState.RUNNING) return write({ kind: 'run' }, status, nowMs);
      if (status === TaskState.UNREACHABLE) return write({ kind: 'unreachable' }, status, nowMs);
      return write({ kind: 'end', mesosState: 'TASK_FINISHED', exitCode: 0, free: false }, status, nowMs);
    },
  };
}

function specOf(callbackUrl: string): TaskSpec {
  return {
    taskName: 'render-frame',
    callbackUrl,
    callbackEvents: 'all',
    commands: 'echo done',
    container: null,
    resources: { role: '*', cpus: 0.5, memMb: 128, diskMb: 0, gpus: 0, ports: 0 },
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
}
