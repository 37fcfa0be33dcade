import {
  DependencyFailure,
  type SubmitRequest,
  submitRequest,
  type RequestBounds,
  type TaskId,
  type TaskSpec,
} from '@juice/contracts';
import { checkContainer } from './check-container.ts';
import { checkRole } from './check-role.ts';
import { describeProblems } from './describe-problems.ts';
import { createGroupCommit } from './group-commit.ts';
import type { Hints } from './hints.ts';
import { checkMachinePolicy } from './machine-policy.ts';
import { checkMembersTogether, normaliseTask, type ResourceDefaults } from './normalise-task.ts';
import { refuse, type Problem, type Refusal } from './refusal.ts';
import type { TenantRules } from './tenant-rules.ts';

export interface NewTask {
  readonly taskId: TaskId;
  readonly tenantId: string;
  readonly spec: TaskSpec;
  readonly submitAtMs: number;
  readonly expireAtMs: number;
  readonly traceparent: string | null;
}

/** The part of the task store that submitting needs. */
export interface SubmitStore {
  /**
   * One write for all, acknowledged by a majority when it resolves; an outcome for each task, in order. Throws
   * DependencyFailure when it cannot be known what was stored.
   */
  insertTasks(tasks: readonly NewTask[]): Promise<readonly ('stored' | 'duplicate')[]>;
}

export interface Submission {
  readonly tenantId: string;
  /** The parsed body, unchecked. */
  readonly body: unknown;
  readonly traceparent: string | null;
}

export type Submitted = { readonly ok: true; readonly taskId: TaskId } | Refusal;

export interface SubmitTask {
  /**
   * Checks a submission, stores it and answers its id; everything that is wrong with it comes back as one refusal, and
   * then nothing was stored. When it resolves with an id the task is stored for good. It throws DependencyFailure when
   * the store failed: then the task may or may not have been stored.
   */
  (submission: Submission): Promise<Submitted>;
  /** Resolves when no submission is being written any more. */
  idle(): Promise<void>;
}

/** A write of this many tasks stays well below what a server takes in one message, whatever the tasks hold. */
const maxBatch = 256;
/** An id that is taken says that two processes share a worker number; anew, it is one of 4,096 a millisecond. */
const insertTries = 5;

type Draft = Omit<NewTask, 'taskId'>;

export function createSubmitTask(deps: {
  tasks: SubmitStore;
  hints: Pick<Hints, 'tasksSubmitted'>;
  /** Throws DependencyFailure while this process has no worker number. */
  newTaskId: () => TaskId;
  now: () => number;
  bounds: RequestBounds;
  defaults: ResourceDefaults;
  /** What the tenant's settings mean for it. Throws DependencyFailure. */
  rulesOf: (tenantId: string) => Promise<TenantRules>;
  /** Those that the scheduler is subscribed with; null: not known. */
  roles: readonly string[] | null;
  /** How long a task may wait that does not say. */
  taskExpiryMs: number;
  /** How many submissions may wait for a write before further ones are refused. */
  maxWaiting: number;
}): SubmitTask {
  const { tasks, hints, newTaskId, now } = deps;
  const schema = submitRequest(deps.bounds);

  function check(body: unknown, rules: TenantRules): { ok: true; spec: TaskSpec } | Refusal {
    const parsed = schema.safeParse(body);
    const together = checkMembersTogether(body);
    if (!parsed.success) return refuseAll([...describeProblems(parsed.error.issues, body), ...together]);
    if (together.length > 0) return refuseAll(together);
    return settle(parsed.data, rules);
  }

  function settle(request: SubmitRequest, rules: TenantRules): { ok: true; spec: TaskSpec } | Refusal {
    const callbackEvents = request.callbackEvents ?? rules.callbackEvents;
    const { spec, problems } = normaliseTask({ ...request, callbackEvents }, deps.defaults);
    const all = [
      ...problems,
      ...checkContainer(spec),
      ...checkRole(spec, deps.roles),
      ...checkMachinePolicy(rules.policy, spec),
    ];
    return all.length > 0 ? refuseAll(all) : { ok: true, spec };
  }

  /** Ids are made here, just before they are written: the scheduler's sweep looks for tasks by the age of their ids. */
  async function insert(drafts: readonly Draft[]): Promise<readonly TaskId[]> {
    const ids: TaskId[] = [];
    let missing = drafts.map((draft, at) => ({ draft, at }));
    for (let tries = 0; missing.length > 0; tries += 1) {
      if (tries === insertTries) throw noFreeId();
      const batch = missing.map(({ draft, at }) => ({ at, task: { ...draft, taskId: newTaskId() } }));
      const outcomes = await tasks.insertTasks(batch.map(({ task }) => task));
      const stored = batch.filter((_, n) => outcomes[n] === 'stored');
      for (const { at, task } of stored) ids[at] = task.taskId;
      hints.tasksSubmitted(stored.map(({ task }) => task.taskId));
      missing = missing.filter((_, n) => outcomes[n] !== 'stored');
    }
    return ids;
  }

  const group = createGroupCommit({ commitBatch: insert, maxBatch, maxWaiting: deps.maxWaiting });

  async function submitTask({ tenantId, body, traceparent }: Submission): Promise<Submitted> {
    const rules = await deps.rulesOf(tenantId);
    if (rules.isSuspended) return suspended();
    const checked = check(body, rules);
    if (!checked.ok) return checked;
    const submitAtMs = now();
    const { spec } = checked;
    const expireAtMs = submitAtMs + (spec.expireSeconds === null ? deps.taskExpiryMs : spec.expireSeconds * 1000);
    const done = await group.commit({ tenantId, spec, submitAtMs, expireAtMs, traceparent });
    return done.kind === 'full' ? overloaded() : { ok: true, taskId: done.outcome };
  }

  return Object.assign(submitTask, { idle: () => group.idle() });
}

function refuseAll(problems: readonly Problem[]): Refusal {
  const [first = { member: 'body', code: 'OBJECT_NOT_EQUAL', message: 'body is wrong' } as const, ...more] = problems;
  return refuse('invalid', first, ...more);
}

function suspended(): Refusal {
  const message = 'the tenant is suspended: its tasks go on, and new ones are refused until an operator lifts it';
  return refuse('forbidden', { member: 'tenant', code: 'NO_PERMISSION', message });
}

function overloaded(): Refusal {
  const message = 'too many submissions are waiting to be stored; nothing was stored, try again shortly';
  return refuse('overloaded', { member: 'request', code: 'DATA_ACCESS', message });
}

function noFreeId(): DependencyFailure {
  const detail = `${insertTries} new ids in a row were taken already`;
  return new DependencyFailure({ dependency: 'mongodb', operation: 'insert tasks', retryable: true, detail });
}
