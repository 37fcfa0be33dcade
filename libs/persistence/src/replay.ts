import type { TaskId } from '@juice/contracts';
import type { DeadChoice } from './dead-letters.ts';

/**
 * A replay: dead lanes are armed again, at a pace, until all that were meant have been.
 *
 * *running*: lanes are being armed. *paused*: none is, until it is resumed. *delivering*: all are armed, and some are still to be
 * delivered. *done*: each was delivered, or has died again. *cancelled*: no further one is armed; what is armed stays so.
 */
export type ReplayState = 'running' | 'paused' | 'delivering' | 'done' | 'cancelled';

export type ReplayAction = 'pause' | 'resume' | 'cancel';

/** What somebody has said to a replay. */
export interface ReplayWord {
  readonly action: 'create' | ReplayAction;
  readonly atMs: number;
  readonly by: string;
  readonly reason: string | null;
}

export interface NewReplay {
  readonly replayId: string;
  /** The tenant that has made it; null: an operator. */
  readonly owner: string | null;
  readonly by: string;
  readonly reason: string;
  /** What it arms: of that, what was dead when it was made. */
  readonly choice: DeadChoice;
  readonly ratePerSecond: number;
  /** How many were meant when it was made. */
  readonly selected: number;
  readonly createdAtMs: number;
}

/** A request for a replay that its client may send again. */
export interface ReplayKey {
  /** Its owner's and its own: no two requests have the same. */
  readonly key: string;
  /** Of what is asked for. */
  readonly hash: string;
}

/** `known`: the same key has made this one before, for a request of that hash. */
export type ReplayCreation =
  | { readonly kind: 'created'; readonly replay: Replay }
  | { readonly kind: 'known'; readonly replay: Replay; readonly hash: string }
  | { readonly kind: 'too-many' };

export interface Replay extends NewReplay {
  readonly state: ReplayState;
  /** Armed. */
  readonly replayed: number;
  /** Meant, and no longer dead when their turn came. */
  readonly skipped: number;
  /** Of those armed, as last counted. */
  readonly delivered: number;
  readonly waiting: number;
  /** null: some of it may still change. */
  readonly endedAtMs: number | null;
  /** The oldest first. */
  readonly words: readonly ReplayWord[];
}

/** A replay in a worker's hand, under a lease. */
export interface HeldReplay extends Replay {
  readonly token: string;
  /** When it was due. */
  readonly dueAtMs: number;
  /** Where the next batch begins. */
  readonly after: string | null;
  /** What is being armed; null: nothing. */
  readonly batch: readonly TaskId[] | null;
  /** When what has come of it was counted last; null: it never was. */
  readonly countedAtMs: number | null;
}

/** A lane that has died again is not delivered, and waits for nothing. */
export function failedAgain({
  replayed,
  delivered,
  waiting,
}: Pick<Replay, 'replayed' | 'delivered' | 'waiting'>): number {
  return Math.max(0, replayed - delivered - waiting);
}
