import type { Catalog } from '../collection/catalog.ts';
import type { Command } from './command.ts';
import type { OpenCursors } from './open-cursors.ts';

/** Where changes go to survive the process. */
export interface Durability {
  /** Resolves when everything changed so far is on disk; rejects with CommandFailure(14031) when it cannot be. */
  readonly flushed: () => Promise<void>;
  /** For writes that need not be safe: nothing to wait for, unless too much is waiting to be written. */
  readonly relieved: () => Promise<void> | undefined;
  readonly isBroken: () => boolean;
  /** Throws CommandFailure(14031) while changes cannot be kept: nothing may be changed then. */
  readonly refuseIfBroken: () => void;
}

/** Nothing survives, so nothing has to be waited for. */
export const inMemory: Durability = {
  flushed: () => Promise.resolve(),
  relieved: () => undefined,
  isBroken: () => false,
  refuseIfBroken: () => undefined,
};

/** What a command works on. */
export interface ServerState {
  readonly catalog: Catalog;
  readonly cursors: OpenCursors;
  readonly durability: Durability;
  readonly nowMs: () => number;
  /** Told of faults of this server's own, which clients see as InternalError. */
  readonly reportFault: (command: string, error: unknown) => void;
}

/** Answers a command; fields of the answer without `ok`. Throws CommandFailure. */
export type Handler = (command: Command, state: ServerState) => Reply | Promise<Reply>;

export type Reply = Readonly<Record<string, unknown>>;
