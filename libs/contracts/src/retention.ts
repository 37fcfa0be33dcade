/** How long what has ended is kept, in ms. What is left out is as `usualRetention` has it. */
export interface RetentionOptions {
  /** A task, after it has ended and its last callback was delivered or given up. */
  readonly taskRetentionMs?: number;
  /** The record of a try to deliver a callback, after the try. */
  readonly attemptRetentionMs?: number;
  /** A replay, after its end. */
  readonly replayRetentionMs?: number;
  /** What could not be processed, after it was last met. */
  readonly quarantineRetentionMs?: number;
  /** The record of an operator's action. */
  readonly auditRetentionMs?: number;
  /** What a tenant used on a day. */
  readonly usageRetentionMs?: number;
}

const dayMs = 24 * 3600 * 1000;

/** A year is what auditors and accountants ask for; then a while to ask. */
export const usualRetention: Required<RetentionOptions> = {
  taskRetentionMs: 30 * dayMs,
  attemptRetentionMs: 30 * dayMs,
  replayRetentionMs: 30 * dayMs,
  quarantineRetentionMs: 30 * dayMs,
  auditRetentionMs: 400 * dayMs,
  usageRetentionMs: 400 * dayMs,
};

/** The keys of requests are kept for a day, in the tasks and replays themselves: one that went sooner could be asked for again. */
export const leastRetentionMs = dayMs;
