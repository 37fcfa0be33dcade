import type { MongoConnection } from '../connection.ts';

/** One step from the schema before to this one. */
export interface Migration {
  /** Steps count from 1, without gaps. */
  readonly schema: number;
  /**
   * The newest schema that a service must know to work on this one. That of the step before, as a rule: then old and new
   * processes run side by side during an upgrade.
   */
  readonly oldestReader: number;
  /** May be repeated, in part or as a whole, by several processes at once, and by a late one after later steps (see prepareStore). */
  run(conn: MongoConnection): Promise<void>;
}

/** In their order. What was written before there were steps is schema 1: nothing is to be changed for it. */
export const migrations: readonly Migration[] = [{ schema: 1, oldestReader: 1, run: () => Promise.resolve() }];
