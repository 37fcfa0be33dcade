import type { TaskId } from '@juice/contracts';
import type { DeadChoice } from './dead-letters.ts';
import type { HeldReplay, NewReplay, Replay, ReplayKey, ReplayState, ReplayWord } from './replay.ts';

/** A document of `replays`. */
export interface ReplayDocument {
  /** In the order of their making. */
  readonly _id: string;
  readonly owner: string | null;
  readonly by: string;
  readonly reason: string;
  readonly choice: DeadChoice;
  readonly ratePerSecond: number;
  readonly createdAt: Date;
  readonly state: ReplayState;
  readonly selected: number;
  readonly replayed: number;
  readonly skipped: number;
  readonly delivered: number;
  readonly waiting: number;
  readonly after: string | null;
  /** The key of the request that has made it, and the request's hash. */
  readonly idem?: string;
  readonly idemHash?: string;
  /** It is not counted yet whether its owner may have it; no worker has taken it. */
  readonly isNew?: true;
  readonly batch?: readonly TaskId[];
  readonly countedAt?: Date;
  /** When a worker is to look at it; absent: never again. */
  readonly dueAt?: Date;
  readonly lease?: { readonly token: string; readonly until: Date };
  readonly words: readonly (Omit<ReplayWord, 'atMs'> & { readonly at: Date })[];
  readonly endedAt?: Date;
  /** The document is removed at this instant. */
  readonly purgeAt?: Date;
}

/** So long no worker takes one that is being counted. */
const countedWithinMs = 10_000;

export function asNewDocument(made: NewReplay, request: ReplayKey | null): ReplayDocument {
  const { replayId, owner, by, reason, choice, ratePerSecond, selected, createdAtMs } = made;
  const at = new Date(createdAtMs);
  return {
    _id: replayId,
    ...{ owner, by, reason, ratePerSecond, selected, createdAt: at },
    ...(request !== null && { idem: request.key, idemHash: request.hash }),
    ...{ isNew: true, dueAt: new Date(createdAtMs + countedWithinMs) },
    choice: Object.fromEntries(
      Object.entries(choice).filter(([, value]) => value !== undefined),
    ) as unknown as DeadChoice,
    ...{ state: 'running', replayed: 0, skipped: 0, delivered: 0, waiting: 0, after: null },
    words: [{ action: 'create', at, by, reason }],
  };
}

export function asReplay(stored: ReplayDocument): Replay {
  const { _id, owner, by, reason, choice, ratePerSecond, selected, state, replayed, skipped, delivered, waiting } =
    stored;
  return {
    replayId: _id,
    ...{ owner, by, reason, choice, ratePerSecond, selected, state, replayed, skipped, delivered, waiting },
    createdAtMs: stored.createdAt.getTime(),
    endedAtMs: stored.endedAt?.getTime() ?? null,
    words: stored.words.map(({ at, ...word }) => ({ ...word, atMs: at.getTime() })),
  };
}

export function asHeldReplay(stored: ReplayDocument): HeldReplay {
  return {
    ...asReplay(stored),
    token: stored.lease?.token ?? '',
    dueAtMs: stored.dueAt?.getTime() ?? 0,
    after: stored.after,
    batch: stored.batch ?? null,
    countedAtMs: stored.countedAt?.getTime() ?? null,
  };
}
