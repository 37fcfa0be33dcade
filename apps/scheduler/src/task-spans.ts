import { DependencyFailure, isEndState, taskStateName, type TaskId, type TaskTransition } from '@juice/contracts';
import type { SpanFacts, Tracing } from '@juice/observability';

/** Of a stored task what its spans are made of. */
export interface TracedTask {
  readonly _id: TaskId;
  readonly tenantId: string;
  readonly traceparent: string;
  readonly submitAt: Date;
  readonly finishAt?: Date;
  readonly attempts: readonly TracedAttempt[];
}

interface TracedAttempt {
  readonly n: number;
  readonly mesosTaskId: string;
  readonly agentId: string;
  readonly agentHost: string;
  readonly launchedAt: Date;
  readonly startedAt?: Date;
  readonly endedAt?: Date;
  readonly state: string;
  readonly exitCode?: number | null;
}

export interface TaskSpans {
  /** Takes transitions that were stored, reads their tasks beside the frames, and records what has ended by them. Never throws. */
  note(applied: readonly TaskTransition[]): void;
  /** Resolves when what was noted is recorded. */
  close(): Promise<void>;
}

/** A store that does not keep up is not asked for traces as well: the spans of further frames are left out. */
const mostReads = 8;

/**
 * What becomes of a task as spans: each wait, from its submission or its last attempt to the next launch, and each attempt, from its
 * launch to its end. Both belong to the request that submitted the task, whose context its document keeps, and both are
 * made of what is stored: an attempt that another leader launched is told whole. A span is recorded once at most: a process that
 * dies between the write and the record leaves a hole in a trace, and in nothing else.
 */
export function createTaskSpans(deps: {
  store: { loadTraces(ids: readonly TaskId[]): Promise<readonly TracedTask[]> };
  tracing: Tracing;
}): TaskSpans {
  const { store, tracing } = deps;
  const reading = new Set<Promise<void>>();

  async function record(ended: readonly TaskTransition[]): Promise<void> {
    const tasks = await store.loadTraces([...new Set(ended.map(({ taskId }) => taskId))]);
    const byId = new Map(tasks.map((task) => [task._id, task]));
    for (const transition of ended) {
      const task = byId.get(transition.taskId);
      const span = task === undefined ? null : spanOf(task, transition);
      if (task !== undefined && span !== null)
        tracing.record({ ...span, traceparent: tracing.begin(task.traceparent), parent: task.traceparent });
    }
  }

  return {
    note(applied) {
      if (!tracing.isOn || reading.size >= mostReads) return;
      const ended = applied.filter(endsSomething);
      if (ended.length === 0) return;
      const read = record(ended)
        .catch((error: unknown) => {
          // Without the store there are no spans to tell of; that it is away others say.
          if (!(error instanceof DependencyFailure)) throw error;
        })
        .finally(() => reading.delete(read));
      reading.add(read);
    },
    async close() {
      await Promise.all(reading);
    },
  };
}

/** A launch ends a wait, an end an attempt; and a task may end while it waits. */
function endsSomething({ change, status }: TaskTransition): boolean {
  return change.kind === 'launch' || change.kind === 'end' || (change.kind === 'none' && isEndState(status));
}

type Told = Omit<SpanFacts, 'traceparent' | 'parent'>;

/** null where the document does not tell it (any more). */
function spanOf(task: TracedTask, { change, attempt: n, status }: TaskTransition): Told | null {
  if (change.kind === 'end') return attemptSpan(task, n);
  if (change.kind === 'launch')
    return waitSpan(task, { before: n, endedAt: attemptOf(task, n)?.launchedAt, error: null });
  const { finishAt, attempts } = task;
  return waitSpan(task, { before: attempts.length + 1, endedAt: finishAt, error: taskStateName(status) });
}

function waitSpan(
  task: TracedTask,
  { before, endedAt, error }: { before: number; endedAt: Date | undefined; error: string | null },
): Told | null {
  const since = before === 1 ? task.submitAt : attemptOf(task, before - 1)?.endedAt;
  if (since === undefined || endedAt === undefined) return null;
  return {
    name: 'task wait',
    kind: 'internal',
    startMs: since.getTime(),
    endMs: endedAt.getTime(),
    attributes: { ...factsOf(task), 'juice.task.attempt': before },
    error,
  };
}

function attemptSpan(task: TracedTask, n: number): Told | null {
  const attempt = attemptOf(task, n);
  if (attempt?.endedAt === undefined) return null;
  const { launchedAt, startedAt, endedAt, state, exitCode } = attempt;
  return {
    name: 'task attempt',
    kind: 'internal',
    startMs: launchedAt.getTime(),
    endMs: endedAt.getTime(),
    attributes: {
      ...factsOf(task),
      'juice.task.attempt': n,
      'juice.task.outcome': state,
      'juice.task.exit_code': exitCode ?? undefined,
      'juice.task.starting_ms': startedAt === undefined ? undefined : startedAt.getTime() - launchedAt.getTime(),
      'juice.mesos.task.id': attempt.mesosTaskId,
      'juice.mesos.agent.id': attempt.agentId,
      'juice.mesos.agent.host': attempt.agentHost,
    },
    error: state === 'TASK_FINISHED' ? null : state,
  };
}

function attemptOf({ attempts }: TracedTask, n: number): TracedAttempt | undefined {
  return attempts.find((attempt) => attempt.n === n);
}

function factsOf({ _id, tenantId }: TracedTask) {
  return { 'juice.task.id': String(_id), 'juice.tenant.id': tenantId };
}
