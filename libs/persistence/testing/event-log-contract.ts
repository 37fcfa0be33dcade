import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  beforeAllEvents,
  cursorAfter,
  firstCursorOf,
  TaskState,
  type EventCursor,
  type LoggedEvent,
  type TaskId,
} from '@juice/contracts';
import type { EventLog, EventLogWriter, NewEvent } from '../src/index.ts';
import { idAt, startMs, tenant } from './sample-tasks.ts';

export interface MadeEventLog {
  /** Keeps events for `eventRetentionMs`. */
  readonly events: EventLog;
  close(): Promise<void>;
}

export const eventRetentionMs = 86_400_000;

/** An event of a task, told apart by its seq. */
export function eventOf(taskId: TaskId, seq: number, changes: Partial<NewEvent> = {}): NewEvent {
  return {
    taskId,
    tenantId: tenant,
    seq,
    status: TaskState.RUNNING,
    attempt: 1,
    message: `transition ${seq}`,
    reason: null,
    atMs: startMs + seq,
    ...changes,
  };
}

/** What an event log must do. `make` gives an empty one. */
export function eventLogContract(make: () => Promise<MadeEventLog>): void {
  describe('an event log', () => {
    let made: MadeEventLog;
    let log: EventLog;
    beforeEach(async () => {
      made = await make();
      log = made.events;
    });
    afterEach(() => made.close());

    async function open(epoch: number, nowMs = startMs): Promise<EventLogWriter> {
      const writer = await log.open(epoch, nowMs);
      if (writer === 'fenced') throw new Error(`epoch ${epoch} is fenced`);
      return writer;
    }

    async function everything(after: EventCursor = beforeAllEvents): Promise<readonly LoggedEvent[]> {
      return (await log.readOn(after, 10_000)).events;
    }

    const seqs = (events: readonly { taskId: TaskId; seq: number }[]): string[] =>
      events.map(({ taskId, seq }) => `${taskId - idAt(0)}:${seq}`);

    test('is empty at first', async () => {
      expect(await log.latest()).toBe(beforeAllEvents);
      expect(await log.readOn(beforeAllEvents, 10)).toEqual({ events: [], upTo: beforeAllEvents, hasMore: false });
      expect(await log.read({ tenantId: tenant, taskId: null, after: beforeAllEvents, limit: 10 })).toEqual([]);
      expect(await log.lastSeqs([idAt(1)])).toEqual(new Map());
    });

    test('keeps events whole, in the order they were appended, at places that follow each other', async () => {
      const writer = await open(3);
      const odd = { status: TaskState.FAILED, attempt: 2, message: 'zażółć\n"✓"', reason: 'REASON_X' };
      expect(await writer.append([eventOf(idAt(2), 1), eventOf(idAt(1), 1)], startMs)).toBe('appended');
      expect(await writer.append([], startMs)).toBe('appended');
      expect(await writer.append([eventOf(idAt(1), 2, odd)], startMs)).toBe('appended');
      const at = (place: number): EventCursor => cursorAfter(firstCursorOf(3), place);
      expect(await everything()).toEqual([
        { cursor: at(1), ...eventOf(idAt(2), 1) },
        { cursor: at(2), ...eventOf(idAt(1), 1) },
        { cursor: at(3), ...eventOf(idAt(1), 2, odd) },
      ]);
      expect(await log.latest()).toBe(at(3));
      expect(await log.lastSeqs([idAt(1), idAt(2), idAt(3)])).toEqual(
        new Map([
          [idAt(1), 2],
          [idAt(2), 1],
        ]),
      );
    });

    test('is read from a place on, up to a place, a page at a time', async () => {
      const writer = await open(1);
      const [mine, other] = [idAt(1), idAt(2)];
      await writer.append(
        [1, 2, 3, 4].flatMap((seq) => [eventOf(mine, seq), eventOf(other, seq)]),
        startMs,
      );
      const at = (place: number): EventCursor => cursorAfter(firstCursorOf(1), place);
      const first = await log.readOn(beforeAllEvents, 3);
      expect(seqs(first.events)).toEqual(['1:1', '2:1', '1:2']);
      expect(first).toMatchObject({ upTo: at(3), hasMore: true });
      const second = await log.readOn(first.upTo, 100);
      expect(seqs(second.events)).toEqual(['2:2', '1:3', '2:3', '1:4', '2:4']);
      expect(await log.readOn(second.upTo, 100)).toEqual({ events: [], upTo: at(8), hasMore: false });
      const read = (after: EventCursor, upTo: EventCursor | null, limit: number) =>
        log.read({ tenantId: tenant, taskId: mine, after, ...(upTo !== null && { upTo }), limit });
      expect(seqs(await read(beforeAllEvents, null, 2))).toEqual(['1:1', '1:2']);
      expect(seqs(await read(at(3), null, 2))).toEqual(['1:3', '1:4']);
      expect(seqs(await read(at(1), at(5), 9))).toEqual(['1:2', '1:3']);
      expect(seqs(await read(at(1), at(4), 9))).toEqual(['1:2']);
    });

    test('shows a tenant its own events alone', async () => {
      const writer = await open(1);
      await writer.append(
        [eventOf(idAt(1), 1), eventOf(idAt(2), 1, { tenantId: 'other' }), eventOf(idAt(3), 1)],
        startMs,
      );
      const read = (tenantId: string, taskId: TaskId | null) =>
        log.read({ tenantId, taskId, after: beforeAllEvents, limit: 10 });
      expect(seqs(await read(tenant, null))).toEqual(['1:1', '3:1']);
      expect(seqs(await read('other', null))).toEqual(['2:1']);
      expect(await read('other', idAt(1))).toEqual([]);
      expect(await read('nobody', null)).toEqual([]);
      expect(seqs((await log.readOn(beforeAllEvents, 10)).events)).toEqual(['1:1', '2:1', '3:1']);
    });

    test('of two leaders the older one is fenced, and what it wrote stands before what the newer one writes', async () => {
      const older = await open(1);
      await older.append([eventOf(idAt(1), 1)], startMs);
      const newer = await open(2);
      await newer.append([eventOf(idAt(1), 2)], startMs);
      expect(await older.append([eventOf(idAt(2), 1)], startMs)).toBe('fenced');
      expect(await older.append([eventOf(idAt(2), 1)], startMs)).toBe('fenced');
      expect(await newer.append([eventOf(idAt(1), 3)], startMs)).toBe('appended');
      expect(seqs(await everything())).toEqual(['1:1', '1:2', '1:3']);
      expect(await log.open(1, startMs)).toBe('fenced');
    });

    test('an older leader that has not written yet is fenced, before a newer one has written anything', async () => {
      const older = await open(1);
      const newer = await open(5);
      expect(await older.append([eventOf(idAt(1), 1)], startMs)).toBe('fenced');
      expect(await newer.append([eventOf(idAt(1), 1)], startMs)).toBe('appended');
      expect((await everything()).map(({ cursor }) => cursor)).toEqual([cursorAfter(firstCursorOf(5), 1)]);
    });

    test('who reads goes past what a leader left unwritten, and says so', async () => {
      const older = await open(1);
      await older.append([eventOf(idAt(1), 1)], startMs);
      const before = await log.latest();
      await open(2);
      const { events, upTo } = await log.readOn(before, 10_000);
      expect(events).toEqual([]);
      expect(upTo > before && upTo < firstCursorOf(2)).toBe(true);
      expect(await log.latest()).toBe(upTo);
    });

    test('opening again under the same epoch goes on', async () => {
      await (await open(1)).append([eventOf(idAt(1), 1)], startMs);
      await (await open(1)).append([eventOf(idAt(1), 2)], startMs);
      expect(seqs(await everything())).toEqual(['1:1', '1:2']);
    });

    test('goes on for more events than are reserved at a time', async () => {
      const writer = await open(1);
      const count = 1_700;
      for (let seq = 1; seq <= count; seq += 170) {
        const batch = Array.from({ length: 170 }, (_, at) => eventOf(idAt(1), seq + at));
        expect(await writer.append(batch, startMs)).toBe('appended');
      }
      const large = Array.from({ length: 900 }, (_, at) => eventOf(idAt(1), count + 1 + at));
      expect(await writer.append(large, startMs)).toBe('appended');
      const logged = await everything();
      expect(logged.map(({ seq }) => seq)).toEqual(Array.from({ length: count + 900 }, (_, at) => at + 1));
      expect(logged.at(-1)?.cursor).toBe(cursorAfter(firstCursorOf(1), count + 900));
    });

    test('what was begun to be appended must be appended first', async () => {
      const writer = await open(1);
      const [one, two] = [eventOf(idAt(1), 1), eventOf(idAt(2), 1)];
      const first = writer.append([one], startMs);
      await expect(writer.append([two], startMs)).rejects.toMatchObject({ code: 'INVARIANT_BROKEN' });
      expect(await first).toBe('appended');
    });

    test('what is about as old as what is purged is left out: it may have been there before', async () => {
      const writer = await open(1);
      const old = eventOf(idAt(1), 1, { atMs: startMs - eventRetentionMs * 0.9 });
      expect(await writer.append([old], startMs)).toBe('appended');
      const young = eventOf(idAt(2), 1, { atMs: startMs - eventRetentionMs * 0.8 });
      expect(await writer.append([old, young, eventOf(idAt(3), 1)], startMs)).toBe('appended');
      expect((await everything()).map(({ cursor, taskId }) => [cursor, taskId])).toEqual([
        [cursorAfter(firstCursorOf(1), 1), idAt(2)],
        [cursorAfter(firstCursorOf(1), 2), idAt(3)],
      ]);
    });

    test('tells whether all after a place is kept', async () => {
      const writer = await open(1);
      await writer.append([eventOf(idAt(1), 1)], startMs);
      const place = await log.latest();
      expect(await log.isKeptAfter(place, startMs)).toBe(true);
      expect(await log.isKeptAfter(place, startMs + eventRetentionMs - 600_000)).toBe(true);
      // About to be purged, as far as anybody's clock can tell.
      expect(await log.isKeptAfter(place, startMs + eventRetentionMs - 60_000)).toBe(false);
      expect(await log.isKeptAfter(cursorAfter(place, 1), startMs)).toBe(false);
      expect(await log.isKeptAfter(firstCursorOf(7), startMs)).toBe(false);
      // A clock that went back, or another leader whose clock is behind: what stands later is not purged sooner.
      const later = await open(2, startMs - 3_600_000);
      await later.append([eventOf(idAt(1), 2)], startMs - 3_600_000);
      expect(await log.isKeptAfter(await log.latest(), startMs + eventRetentionMs - 600_000)).toBe(true);
    });
  });
}
