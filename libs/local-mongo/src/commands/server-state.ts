import type { Catalog } from '../collection/catalog.ts';
import type { Command } from './command.ts';
import type { OpenCursors } from './open-cursors.ts';

/** Where changes go to survive the process. */
export interface Durability {
  /** Resolves when everything changed so far is on disk; rejects with CommandFailure(14031) when it cannot be. */
  readonly flushed: () => Promise<void>;
  /** Throws CommandFailure(14031) while changes cannot be kept: nothing may be changed then. */
  readonly refuseIfBroken: () => void;
}

/** What a command works on. */
export interface ServerState {
  readonly catalog: Catalog;
  readonly cursors: OpenCursors;
  readonly durability: Durability;
  readonly nowMs: () => number;
  /** The address that clients use. */
  readonly address: string;
}

/** Answers a command; fields of the answer without `ok`. Throws CommandFailure. */
export type Handler = (command: Command, state: ServerState) => Reply | Promise<Reply>;

export type Reply = Readonly<Record<string, unknown>>;
