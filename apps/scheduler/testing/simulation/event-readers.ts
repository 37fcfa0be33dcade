import { beforeAllEvents, type EventCursor, type LoggedEvent } from '@juice/contracts';
import { createMemoryEventLog } from '@juice/persistence/testing';
import type { Chance } from './chance.ts';
import type { Ledger } from './ledger.ts';
import type { Database } from './simulated-store.ts';
import type { Timeline } from './timeline.ts';

export interface EventReaders {
  /** When all is done: notes what a reader missed, got twice or in the wrong order. */
  close(): Promise<void>;
}

const readerCount = 3;

/** Those who follow the event log: they read on whenever they like, go away, and come back to where they were. */
export function createEventReaders(deps: {
  timeline: Timeline;
  chance: Chance;
  ledger: Ledger;
  database: Database;
}): EventReaders {
  const { timeline, chance, ledger, database } = deps;
  const log = createMemoryEventLog(database.log);
  const readers = Array.from({ length: readerCount }, () => ({
    position: beforeAllEvents as EventCursor,
    shown: [] as LoggedEvent[],
  }));
  type Reader = (typeof readers)[number];

  async function read(reader: Reader, limit: number): Promise<void> {
    const { events, upTo } = await log.readOn(reader.position, limit);
    reader.shown.push(...events);
    reader.position = upTo;
  }

  function readNowAndThen(reader: Reader): void {
    const pauseMs = chance.happens(0.1) ? chance.between(1_000, 10_000) : chance.between(1, 400);
    timeline.after(pauseMs, () => {
      void read(reader, 1 + chance.below(10));
      readNowAndThen(reader);
    });
  }
  for (const reader of readers) readNowAndThen(reader);

  return {
    async close() {
      for (const [at, reader] of readers.entries()) {
        await read(reader, Infinity);
        for (const [taskId, { task }] of database.table.rows) {
          const shown = reader.shown.filter((event) => event.taskId === taskId).map(({ seq }) => seq);
          const stored = Array.from({ length: task.seq }, (_, before) => before + 1);
          if (shown.join() !== stored.join())
            ledger.violate(`reader ${at} was shown ${shown.join()} of ${taskId}, stored is ${stored.join()}`);
        }
      }
    },
  };
}
