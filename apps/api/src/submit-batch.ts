import { batchRequest, type BatchAnswer, type RefusedItem, type TaskId } from '@juice/contracts';
import {
  answerBatch,
  refuseBatch,
  refusedItem,
  refusedItems,
  refuseUnlessWhole,
  type ItemResult,
} from './answer-batch.ts';
import { describeProblems } from './describe-problems.ts';
import type { AdmitTasks } from './limit-waiting.ts';
import { createOncePerRequest } from './once-per-request.ts';
import type { Refusal } from './refusal.ts';
import { itemKey, keyConflict, type KeyedRequest } from './request-key.ts';
import type { Draft, KnownRequest, RequestKey, StoreTasks } from './store-tasks.ts';
import { overloaded, refuseAll, type Checked, type Submission, type SubmitTask } from './submit-task.ts';

export type BatchOutcome = { readonly ok: true; readonly answer: BatchAnswer; readonly isReplay: boolean } | Refusal;

/**
 * Submits many tasks, each with an outcome of its own. With `allOrNothing` nothing is stored unless all of them are valid.
 * That is about validity: each task is a write of its own, and when the store fails in between, some are stored and others
 * may be. The outcome tells which; with an Idempotency-Key the same request sent again stores just those that are missing.
 * Throws DependencyFailure when it is known of none that it was stored.
 *
 * With a key the first valid task has it, and is stored before the others. Whoever stores that one has decided what the key
 * stands for and which tasks are refused; the others follow under keys made of its id, so that whoever stores them, and
 * however often, each is stored once.
 */
export type SubmitBatch = (submission: Submission) => Promise<BatchOutcome>;

/** A batch whose first task is stored: by this request, or before. */
interface Begun {
  readonly taskId: TaskId;
  readonly refused: readonly RefusedItem[];
  readonly isReplay: boolean;
}

interface Batch {
  readonly of: Submission;
  readonly items: readonly Checked[];
  readonly isAllOrNothing: boolean;
  /** The tenant may not have so many more tasks waiting. */
  readonly noRoom: Refusal | null;
}

export function createSubmitBatch(deps: {
  submitTask: Pick<SubmitTask, 'check' | 'draft'>;
  storeTasks: StoreTasks;
  admitTasks: AdmitTasks;
  now: () => number;
}): SubmitBatch {
  const { submitTask, storeTasks, now } = deps;
  const once = createOncePerRequest<BatchOutcome>();

  async function submit(submission: Submission): Promise<BatchOutcome> {
    const { tenantId, body, request } = submission;
    const parsed = batchRequest.safeParse(body);
    if (!parsed.success) return refuseAll(describeProblems(parsed.error.issues, body));
    const { tasks, allOrNothing = false } = parsed.data;
    const items = await checkAll(tasks, (task) => submitTask.check(tenantId, task));
    const valid = items.filter(({ ok }) => ok).length;
    const noRoom = valid === 0 ? null : await deps.admitTasks(tenantId, valid);
    const batch: Batch = { of: submission, items, isAllOrNothing: allOrNothing, noRoom };
    return request === undefined ? submitPlain(batch) : submitKeyed(batch, request);
  }

  async function submitPlain(batch: Batch): Promise<BatchOutcome> {
    const refused = refusedItems(batch.items);
    const refusal = refusalOf(batch);
    if (refusal !== null) return refusal;
    const results = resultsOf(refused);
    if (!(await storeMissing(batch, results, {}))) return overloaded();
    return outcomeOf(batch, results, false);
  }

  async function submitKeyed(batch: Batch, request: KeyedRequest): Promise<BatchOutcome> {
    const begun = await begin(batch, request);
    if ('ok' in begun) return begun;
    const { taskId, refused, isReplay } = begun;
    const results = resultsOf(refused);
    const [first = 0, ...others] = missingOf(batch, results);
    results.set(first, taskId);
    if (isReplay) {
      const known = await storeTasks.known(others.map((index) => itemKey(taskId, index)));
      for (const index of others) {
        const before = known.get(itemKey(taskId, index));
        if (before !== undefined) results.set(index, before.taskId);
      }
    }
    const atMs = now();
    const keyOf = (index: number) => ({ key: itemKey(taskId, index), hash: request.hash, atMs });
    await storeMissing(batch, results, { keyOf, isAdmitted: true });
    return outcomeOf(batch, results, isReplay);
  }

  /** Stores the first valid task under the request's key, or finds it stored; or the outcome, when nothing is to be stored. */
  async function begin(batch: Batch, request: KeyedRequest): Promise<Begun | BatchOutcome> {
    const refused = refusedItems(batch.items);
    const [first] = missingOf(batch, resultsOf(refused));
    const refusal = refusalOf(batch);
    const draft = first === undefined || refusal !== null ? null : draftOf(batch, first);
    if (draft === null) {
      const known = (await storeTasks.known([request.key])).get(request.key);
      if (known !== undefined) return begunBefore(known, request);
      return refusal ?? outcomeOf(batch, resultsOf(refused), false);
    }
    const requestKey: RequestKey = { ...request, atMs: now(), refused };
    const [stored] = (await storeTasks.store([{ ...draft, requestKey }])) ?? [];
    if (stored === undefined) return overloaded();
    if (stored.kind === 'failed') throw stored.error;
    if (stored.kind === 'known') return begunBefore(stored.request, request);
    return { taskId: stored.taskId, refused, isReplay: false };
  }

  function draftOf({ of, items }: Batch, index: number): Draft | null {
    const checked = items[index];
    return checked?.ok === true ? submitTask.draft(of, checked.spec) : null;
  }

  /**
   * Stores the tasks that have no result yet; false when too many wait. A task that was valid when the batch was begun, was
   * not stored then and is not valid any more is refused for it.
   */
  async function storeMissing(
    batch: Batch,
    results: Map<number, ItemResult>,
    { keyOf, isAdmitted }: { keyOf?: (index: number) => RequestKey; isAdmitted?: boolean },
  ): Promise<boolean> {
    const drafts = new Map<number, Draft>();
    for (const index of missingOf(batch, results)) {
      const checked = batch.items[index];
      const draft = draftOf(batch, index);
      if (draft !== null) drafts.set(index, keyOf === undefined ? draft : { ...draft, requestKey: keyOf(index) });
      else if (checked?.ok === false) results.set(index, refusedItem(index, checked));
    }
    const stored = drafts.size === 0 ? [] : await storeTasks.store([...drafts.values()], isAdmitted);
    if (stored === null) return false;
    for (const [at, index] of [...drafts.keys()].entries()) {
      const one = stored[at];
      if (one === undefined) continue;
      if (one.kind === 'failed') results.set(index, one.error);
      else results.set(index, one.kind === 'stored' ? one.taskId : one.request.taskId);
    }
    return true;
  }

  return (submission) => once(submission.request, () => submit(submission));
}

/** A thousand tasks are some ten milliseconds of checking: others have their turn in between. */
const checkedAtOnce = 50;

async function checkAll(tasks: readonly unknown[], check: (task: unknown) => Promise<Checked>): Promise<Checked[]> {
  const items: Checked[] = [];
  for (const [index, task] of tasks.entries()) {
    items.push(await check(task));
    if (index % checkedAtOnce === checkedAtOnce - 1) await new Promise(setImmediate);
  }
  return items;
}

/** Why nothing of a batch is stored, when it is not for its tasks one by one. */
function refusalOf({ items, isAllOrNothing, noRoom }: Batch): Refusal | null {
  const barred = items.find((checked) => !checked.ok && checked.reason === 'forbidden');
  if (barred?.ok === false) return barred;
  return isAllOrNothing && items.some(({ ok }) => !ok) ? refuseBatch(items) : noRoom;
}

function resultsOf(refused: readonly RefusedItem[]): Map<number, ItemResult> {
  return new Map(refused.map((item) => [item.index, item]));
}

/** The tasks without a result, in their order. */
function missingOf({ items }: Batch, results: ReadonlyMap<number, ItemResult>): readonly number[] {
  return [...items.keys()].filter((index) => !results.has(index));
}

function begunBefore(known: KnownRequest, request: KeyedRequest): Begun | Refusal {
  if (known.hash !== request.hash) return keyConflict();
  return { taskId: known.taskId, refused: known.refused, isReplay: true };
}

function outcomeOf(batch: Batch, results: ReadonlyMap<number, ItemResult>, isReplay: boolean): BatchOutcome {
  const inOrder = [...results].toSorted(([a], [b]) => a - b).map(([, result]) => result);
  const answer = answerBatch(inOrder);
  const refusal = batch.isAllOrNothing ? refuseUnlessWhole(inOrder) : null;
  return refusal ?? { ok: true, answer, isReplay };
}
