import { isUtf8 } from 'node:buffer';
import type { QueueName } from './broker.ts';

/** A message that could not be used, as people look at it. */
export interface PoisonMessage {
  /** The queue it comes from; null: none of ours, or it is not known. */
  readonly queue: QueueName | null;
  /** Why it is here: `rejected`, `delivery_limit`, …; null: not known. */
  readonly reason: string | null;
  readonly atMs: number | null;
  readonly bytes: number;
  /** The beginning of its body; in base64 when it is no text. */
  readonly start: string;
}

export interface PoisonView {
  /** How many there are, those in some consumer's hand left out. */
  readonly count: number;
  /** The oldest first. */
  readonly messages: readonly PoisonMessage[];
}

export interface Redriven {
  /** How many are in the queues again that they came from. */
  readonly redriven: number;
  /** How many were left, since it is not known where they came from. */
  readonly left: number;
}

/** Enough to see what it is. */
const shownBytes = 1_000;

export function startOf(bytes: Buffer): string {
  const start = bytes.subarray(0, shownBytes);
  // A character may be cut in two at the end of what is shown.
  for (let end = start.length; end > Math.max(0, start.length - 4); end -= 1)
    if (isUtf8(start.subarray(0, end))) return start.subarray(0, end).toString();
  return start.toString('base64');
}

/** Queues that messages go back to. */
export const redrivable: readonly QueueName[] = [
  'juice.scheduler.tasks',
  'juice.scheduler.commands',
  'juice.callback.events',
];
