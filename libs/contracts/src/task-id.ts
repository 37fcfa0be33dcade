/**
 * A task's id: a positive signed 64-bit integer (a Java `long`), above 2^53 and therefore a bigint here, an exact
 * integer literal on the wire, and a Long in MongoDB.
 */
export type TaskId = bigint & { readonly __brand: 'TaskId' };

const largest = 2n ** 63n - 1n;

/** Reads decimal digits as a task id; null when the text is not a positive 64-bit integer. Blanks around it are allowed. */
export function parseTaskId(text: string): TaskId | null {
  const digits = text.trim();
  if (!/^\d{1,19}$/.test(digits)) return null;
  return asTaskId(BigInt(digits));
}

/** Brands a number already known to be an integer; null when it is outside 1 … 2^63-1. */
export function asTaskId(value: bigint): TaskId | null {
  return value >= 1n && value <= largest ? (value as TaskId) : null;
}

/** Milliseconds between the Unix epoch and the epoch of the ids' clock (Twitter's snowflake). */
export const taskIdEpochMs = 1288834974657;

/** The smallest id that could have been made at or after an instant: ids are ordered by time. After 2080 the largest of all. */
export function firstTaskIdAt(atMs: number): TaskId {
  const first = BigInt(Math.max(0, atMs - taskIdEpochMs)) << 22n;
  return (first < largest ? first : largest) as TaskId;
}

/** When an id was made, in ms since the Unix epoch. */
export function taskIdTimeMs(id: TaskId): number {
  return Number(id >> 22n) + taskIdEpochMs;
}
