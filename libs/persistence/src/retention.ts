export interface RetentionOptions {
  /** How long a task is kept after it has ended and was called back (or its lane died); 30 days when left out. */
  readonly retentionMs?: number;
}

export const defaultRetentionMs = 30 * 24 * 3600 * 1000;
/** The keys of requests are kept for a day, in the tasks themselves: a task that went sooner could be submitted again. */
const leastRetentionMs = 24 * 3600 * 1000;

export function retentionOf({ retentionMs = defaultRetentionMs }: RetentionOptions): number {
  if (retentionMs >= leastRetentionMs) return retentionMs;
  throw new RangeError(`tasks must be kept for at least ${leastRetentionMs} ms, not ${retentionMs}`);
}
