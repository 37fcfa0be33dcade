import type { TaskId } from './task-id.ts';
import type { TaskState } from './task-state.ts';

/**
 * A place in the event log: the epoch of the leader that wrote there, then that leader's counter, in one 64-bit integer
 * (a bigint here, a Long in MongoDB). Places are ordered as integers are, on every server; a later leader's come after all of an
 * earlier one's, and a leader's own follow each other without a gap.
 */
export type EventCursor = bigint & { readonly __brand: 'EventCursor' };

/** A transition as the event log keeps it, for those who follow it. */
export interface LoggedEvent {
  readonly cursor: EventCursor;
  readonly taskId: TaskId;
  readonly tenantId: string;
  readonly seq: number;
  readonly status: TaskState;
  readonly attempt: number;
  readonly message: string;
  readonly reason: string | null;
  readonly atMs: number;
}

/** A million million events in a term of leadership, and eight million terms: together they fill a positive Long. */
const counterBits = 40n;
const mostCounter = 2n ** counterBits - 1n;
const mostEpoch = 2n ** (63n - counterBits) - 1n;

/** Before everything that is or will ever be in the log. */
export const beforeAllEvents = 0n as EventCursor;

/** Where an epoch begins: before its first event, after everything of earlier epochs. */
export function firstCursorOf(epoch: number): EventCursor {
  return (BigInt(epoch) << counterBits) as EventCursor;
}

/** The place so many further on. */
export function cursorAfter(cursor: EventCursor, count: number): EventCursor {
  return (cursor + BigInt(count)) as EventCursor;
}

/** `<epoch>-<counter>`: what a client gets as the id of an event and gives back to go on from there. */
export function writeEventCursor(cursor: EventCursor): string {
  return `${cursor >> counterBits}-${cursor & mostCounter}`;
}

/** The cursor that `writeEventCursor` wrote so; null for any other text. Blanks around it are allowed. */
export function parseEventCursor(text: string): EventCursor | null {
  const parts = /^(0|[1-9]\d{0,6})-(0|[1-9]\d{0,12})$/.exec(text.trim());
  const [epoch, counter] = [BigInt(parts?.[1] ?? -1), BigInt(parts?.[2] ?? -1)];
  if (epoch < 0n || epoch > mostEpoch || counter > mostCounter) return null;
  return ((epoch << counterBits) + counter) as EventCursor;
}
