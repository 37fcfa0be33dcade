import { isEndState, TaskState, type TaskId } from '@juice/contracts';

/**
 * What a task is made to do, and what must become of it, whatever goes wrong around it. The cluster itself is sound: so an
 * attempt that has run is never lost, and no other may have to run in its place.
 */
const promises = {
  quick: { end: TaskState.FINISHED, mostRuns: 1 },
  lasting: { end: TaskState.FINISHED, mostRuns: 1 },
  retried: { end: TaskState.FAILED, mostRuns: 2 },
  killed: { end: TaskState.KILLED, mostRuns: 1 },
  expiring: { end: TaskState.EXPIRED, mostRuns: 0 },
} as const;
export type TaskKind = keyof typeof promises;

/** A task that was submitted; null: never answered, though it may have been stored. */
export interface Submitted {
  readonly name: string;
  readonly kind: TaskKind;
  readonly taskId: TaskId | null;
}

/** Of a task's document. */
export interface StoredTask {
  readonly _id: TaskId;
  readonly taskName: string;
  readonly status: TaskState;
  readonly seq: number;
  readonly attempts: readonly { readonly mesosTaskId: string }[];
  readonly history: readonly { readonly status: TaskState }[];
  /** With the states that were given up after a try had failed, since a newer one was there. */
  readonly callback?: { readonly supersededSeqs?: readonly number[] };
}

/** A callback that was answered with a 2xx. */
export interface Accepted {
  readonly taskId: TaskId;
  readonly sequence: number;
  readonly result: string;
  readonly id: string;
  readonly isSigned: boolean;
}

export interface Books {
  readonly submitted: readonly Submitted[];
  readonly stored: readonly StoredTask[];
  /** What ran, in Mesos' word for task and attempt: a line for each time. */
  readonly runs: readonly string[];
  /** In the order of their arrival. */
  readonly callbacks: readonly Accepted[];
}

/** What was promised and did not hold: a sentence for each time, by promise. */
export interface Violations {
  /** Accepted, and not stored; or it has not ended, or not once. */
  readonly lost: readonly string[];
  /** Ended otherwise than such a task must. */
  readonly misjudged: readonly string[];
  readonly storedTwice: readonly string[];
  /** An attempt that ran twice, a task of which more attempts ran than may, a run that is no attempt of record, an end without a run. */
  readonly doubleRuns: readonly string[];
  /** An end that was not called back. */
  readonly untold: readonly string[];
  /** Called back for the first time after a later state of the same task, and not as one that was given up. */
  readonly disordered: readonly string[];
  /** Called back, and of no task of ours; or not signed. */
  readonly strange: readonly string[];
}

export interface Settled {
  readonly violations: Violations;
  /** Callbacks that were accepted once more: after a crash between an answer and its record, say. */
  readonly repeats: number;
  /** Given up by the worker after it had waited for the answer, and read by the receiver all the same, after a later state. */
  readonly late: number;
  /** Tasks that were stored though no submission of theirs was answered. */
  readonly unanswered: number;
}

/** Holds what was promised against what became of it, once all has come to rest. */
export function settle({ submitted, stored, runs, callbacks }: Books): Settled {
  const { byTask, repeats } = sortCallbacks(callbacks);
  const overtaken = [...byTask.values()].flatMap(overtakenOf);
  const asked = new Map(submitted.map((one) => [one.name, one]));
  const known = new Map(stored.map((task) => [task._id, task]));
  const answered = submitted.filter((one): one is Submitted & { taskId: TaskId } => one.taskId !== null);
  const isNotGivenUp = ({ taskId, sequence }: Accepted): boolean =>
    known.get(taskId)?.callback?.supersededSeqs?.includes(sequence) !== true;
  const ours = new Set(answered.map(({ taskId }) => taskId));
  return {
    violations: {
      lost: [
        ...answered.flatMap(({ taskId, name }) => (known.has(taskId) ? [] : [`${name} ${taskId} is not stored`])),
        ...stored.flatMap(notOnce),
      ],
      misjudged: stored.flatMap((task) => misjudged(task, asked.get(task.taskName))),
      storedTwice: repeated(stored.map(({ taskName }) => taskName)).map((name) => `${name} is stored more than once`),
      doubleRuns: [...repeated(runs).map((run) => `${run} ran more than once`), ...misrun(stored, asked, runs)],
      untold: stored.flatMap((task) => untold(task, byTask.get(task._id) ?? [])),
      disordered: overtaken.filter(isNotGivenUp).map(({ id, before }) => `${id} came after ${before}`),
      strange: callbacks.flatMap(({ id, taskId, isSigned }) => {
        if (!isSigned) return [`${id} has no good signature`];
        return known.has(taskId) ? [] : [`${id} is of no task`];
      }),
    },
    repeats,
    late: overtaken.filter((callback) => !isNotGivenUp(callback)).length,
    unanswered: stored.filter(({ _id }) => !ours.has(_id)).length,
  };
}

export function countViolations(violations: Violations): number {
  return Object.values<readonly string[]>({ ...violations }).reduce((sum, each) => sum + each.length, 0);
}

/** The first acceptances of each task's states, in the order of their arrival. */
function sortCallbacks(callbacks: readonly Accepted[]): { byTask: Map<TaskId, Accepted[]>; repeats: number } {
  const byTask = new Map<TaskId, Accepted[]>();
  const seen = new Set<string>();
  for (const callback of callbacks) {
    if (seen.has(callback.id)) continue;
    seen.add(callback.id);
    const others = byTask.get(callback.taskId);
    if (others === undefined) byTask.set(callback.taskId, [callback]);
    else others.push(callback);
  }
  return { byTask, repeats: callbacks.length - seen.size };
}

const nameOf = ({ taskName, _id }: StoredTask): string => `${taskName} ${_id}`;
const stateOf = (status: TaskState): string =>
  Object.entries(TaskState).find(([, value]) => value === status)?.[0] ?? String(status);

function notOnce(task: StoredTask): readonly string[] {
  if (!isEndState(task.status)) return [`${nameOf(task)} has not ended: ${stateOf(task.status)}`];
  const ends = task.history.filter(({ status }) => isEndState(status)).length;
  return ends === 1 ? [] : [`${nameOf(task)} has ended ${ends} times`];
}

function misjudged(task: StoredTask, asked: Submitted | undefined): readonly string[] {
  if (asked === undefined) return [`${nameOf(task)} was submitted by nobody`];
  const expected = promises[asked.kind].end;
  // Who was never told its id could not kill it.
  if (asked.kind === 'killed' && asked.taskId === null) return [];
  if (!isEndState(task.status) || task.status === expected) return [];
  return [`${nameOf(task)} (${asked.kind}) ended ${stateOf(task.status)}, not ${stateOf(expected)}`];
}

function misrun(
  stored: readonly StoredTask[],
  asked: ReadonlyMap<string, Submitted>,
  runs: readonly string[],
): readonly string[] {
  const offRecord = new Set(runs);
  const wrong = stored.flatMap((task) => {
    // delete tells whether it was there.
    const ran = task.attempts.filter(({ mesosTaskId }) => offRecord.delete(mesosTaskId)).length;
    const { mostRuns } = promises[asked.get(task.taskName)?.kind ?? 'quick'];
    if (ran > mostRuns) return [`${nameOf(task)} ran in ${ran} attempts, ${mostRuns} at most was right`];
    return ran === 0 && task.status === TaskState.FINISHED ? [`${nameOf(task)} is FINISHED and never ran`] : [];
  });
  return [...wrong, ...[...offRecord].map((run) => `${run} ran and is no attempt of record`)];
}

function untold(task: StoredTask, callbacks: readonly Accepted[]): readonly string[] {
  if (!isEndState(task.status)) return [];
  const last = callbacks.find(({ sequence }) => sequence === task.seq);
  if (last === undefined) return [`${nameOf(task)} ended ${stateOf(task.status)}, and that was not called back`];
  return last.result === stateOf(task.status) ? [] : [`${nameOf(task)} was called back as ${last.result}`];
}

/** Those of a task that came after a later state of it: after `before`. */
function overtakenOf(callbacks: readonly Accepted[]): readonly (Accepted & { readonly before: number })[] {
  let latest = 0;
  return callbacks.flatMap((callback) => {
    const before = latest;
    latest = Math.max(latest, callback.sequence);
    return callback.sequence < before ? [{ ...callback, before }] : [];
  });
}

function repeated(items: readonly string[]): readonly string[] {
  const seen = new Set<string>();
  return [...new Set(items.filter((item) => seen.size === seen.add(item).size))];
}
