export interface RetentionOptions {
  /** How long a task is kept after it has ended and was called back (or its lane died); 30 days when left out. */
  readonly retentionMs?: number;
}

export const defaultRetentionMs = 30 * 24 * 3600 * 1000;
