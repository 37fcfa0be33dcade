import type { BatchAnswer } from '@juice/contracts';
import type { CallOptions } from './call.ts';
import type { Submission } from './submission.ts';

export interface BatchOptions extends CallOptions {
  /** Of the whole; each request has its own, made from it. */
  readonly idempotencyKey?: string;
  /** Stores nothing unless all are valid; only of as many as one request holds. */
  readonly allOrNothing?: boolean;
}

/** What a request may hold. */
const mostTasks = 1000;

type SubmitBatch = (
  body: { readonly tasks: readonly Submission[]; readonly allOrNothing: boolean },
  options: CallOptions & { readonly idempotencyKey: string },
) => Promise<BatchAnswer>;

/** One request after the other, so that a batch that fails leaves nothing behind it in flight. */
export async function submitBatches(
  tasks: readonly Submission[],
  { idempotencyKey = crypto.randomUUID(), allOrNothing = false, signal }: BatchOptions,
  submit: SubmitBatch,
): Promise<BatchAnswer['results']> {
  if (allOrNothing && tasks.length > mostTasks) {
    throw new RangeError(`allOrNothing must be of at most ${mostTasks} tasks, not ${tasks.length}`);
  }
  const results: BatchAnswer['results'] = [];
  for (let from = 0; from < tasks.length; from += mostTasks) {
    const body = { tasks: tasks.slice(from, from + mostTasks), allOrNothing };
    const answer = await submit(body, { idempotencyKey: `${idempotencyKey}.${from}`, signal });
    results.push(...answer.results.map((result) => ({ ...result, index: result.index + from })));
  }
  return results;
}
