import { DependencyFailure, type BatchAnswer, type RefusedItem, type TaskId } from '@juice/contracts';
import { describeRefusal, refuse, storeFailed, type Problem, type Refusal } from './refusal.ts';
import { refuseAll, type Checked } from './submit-task.ts';

/** What became of one task of a batch: stored, refused, or it is not known whether it is stored. */
export type ItemResult = TaskId | RefusedItem | DependencyFailure;

/** Enough to repair a task by, and of a thousand tasks still an answer of a bearable size. */
const problemsOfItem = 5;
const problemsOfBatch = 50;

/** The items that are refused, as the answer tells them. */
export function refusedItems(items: readonly Checked[]): readonly RefusedItem[] {
  return items.flatMap((checked, index) => (checked.ok ? [] : [refusedItem(index, checked)]));
}

export function refusedItem(index: number, { problems }: Pick<Refusal, 'problems'>): RefusedItem {
  const { details, ...said } = describeRefusal({ problems });
  return { index, error: { ...said, details: details.slice(0, problemsOfItem) } };
}

/** A batch that is not stored because not all of it is valid: every problem, by the place of its task. */
export function refuseBatch(items: readonly Checked[]): Refusal {
  const problems = items.flatMap((checked, index) => (checked.ok ? [] : checked.problems.map(inTask(index))));
  return refuseAll(problems.slice(0, problemsOfBatch));
}

function inTask(index: number): (problem: Problem) => Problem {
  return (problem) => ({
    ...problem,
    member: `tasks[${index}].${problem.member}`,
    message: `tasks[${index}]: ${problem.message}`,
  });
}

/** A result for each task, in their order, as the answer. Throws the store's failure when it is known of none that it was stored. */
export function answerBatch(results: readonly ItemResult[]): BatchAnswer {
  const stored = results.filter((result) => typeof result === 'bigint').length;
  const failure = results.find((result) => result instanceof DependencyFailure);
  if (failure !== undefined && stored === 0) throw failure;
  return {
    results: results.map((result, index) => {
      if (typeof result === 'bigint') return { index, taskId: result, taskIdStr: String(result) };
      return result instanceof DependencyFailure ? refusedItem(index, { problems: [inDoubt(index)] }) : result;
    }),
    stored,
  };
}

/** The same for a batch that was to be stored as a whole and is valid: null when it is. */
export function refuseUnlessWhole(results: readonly ItemResult[]): Refusal | null {
  const open = results.flatMap((result, index) => (typeof result === 'bigint' ? [] : [index]));
  if (open.length === 0) return null;
  const message =
    `${results.length - open.length} of ${results.length} tasks are stored, and the other ${open.length} may or may not be: ` +
    'the database failed in between; sent again with the same Idempotency-Key, the request stores those that are missing';
  const problem: Problem = { member: 'tasks', code: 'DATA_ACCESS', message };
  return refuse('unavailable', problem, ...open.slice(0, problemsOfBatch).map(inDoubt));
}

function inDoubt(index: number): Problem {
  const message = `tasks[${index}]: the database did not answer; the task may or may not be stored`;
  return { ...storeFailed, member: `tasks[${index}]`, message };
}
