import {
  beforeAllEvents,
  cursorAfter,
  firstCursorOf,
  InvariantBroken,
  type EventCursor,
  type LoggedEvent,
} from '@juice/contracts';

/** What is to be logged; its place comes with the writing. */
export type NewEvent = Omit<LoggedEvent, 'cursor'>;

/** What stands at a place of the log: an event, or a seal, which keeps an earlier leader from ever writing there. */
export type LogEntry = { readonly cursor: EventCursor; readonly purgeAtMs: number } & (
  { readonly event: NewEvent } | { readonly sealedBy: number }
);

/** A run of places: those after `after`, up to and including `upTo`. */
export interface Block {
  readonly after: EventCursor;
  readonly upTo: EventCursor;
}

/**
 * The single-document operations that the log is written with. Each may fail with its outcome unknown, may take effect long
 * after it was given up, and may then be asked for again.
 */
export interface LogDocuments {
  /** Makes the head this epoch's, unless it is a newer one's (null); the block that was reserved last, by whichever epoch. */
  claim(epoch: number): Promise<Block | null>;
  /**
   * Reserves a block if the head is this epoch's still; whether it is. Never takes a reservation back to an earlier block.
   */
  reserve(epoch: number, block: Block): Promise<boolean>;
  /** Inserts one after the other, up to the first whose place is taken; how many were inserted. */
  insert(entries: readonly LogEntry[]): Promise<number>;
  /** What stands in a block. */
  within(block: Block): Promise<readonly LogEntry[]>;
  /** What stands at the last place that is taken; null when none is. */
  newest(): Promise<LogEntry | null>;
}

/** Writes the log under one epoch. One call at a time. */
export interface EventLogWriter {
  /**
   * Appends events at the next places, in this order; without those that are about as old as what is purged. `fenced`: a newer epoch writes the log, and nothing more will be
   * appended. Throws DependencyFailure when the outcome is unknown; then the same events must be given again, until it is known.
   */
  append(events: readonly NewEvent[], nowMs: number): Promise<'appended' | 'fenced'>;
}

/**
 * Places reserved at a time: a reservation costs one write more in so many events, and of the last block of a leader that died
 * its successor fills what is left.
 */
const usualBlockPlaces = 500;

/**
 * An event that has waited in its outbox for this share of the retention is left out. It may have been in the log before, and
 * have been purged: who looks whether it was cannot tell. The rest of the retention is room for clocks that differ.
 */
const appendedShare = 7 / 8;

/**
 * Opens the log for writing under an epoch; `fenced` when a newer one has. May be repeated after a DependencyFailure.
 *
 * What is promised to readers is that **once something stands at a place, no event will ever come to stand before it.** So who
 * has read up to a place has missed nothing, whoever wrote it. It is kept by single-document writes (ADR 0021):
 *
 * 1. A leader writes only in a block that it has reserved, in the log's head, under its epoch; and there one place after the
 *    other, never leaving one out: the next batch begins when the last one is known to be stored.
 * 2. A new leader first makes the head its own. From then on no older epoch can reserve, so that it writes in the last block or
 *    nowhere.
 * 3. Then it fills the places of that block that are free with seals, in order. An older leader that is still writing meets
 *    one at its next place, cannot pass it, and knows that it is fenced.
 * 4. Only then it begins, at places after all of those.
 *
 * `purgeAt` never goes down along the log, so that what is purged first is what stands first.
 */
export async function openLog(
  documents: LogDocuments,
  term: { readonly epoch: number; readonly retentionMs: number; readonly nowMs: number; readonly blockPlaces?: number },
): Promise<EventLogWriter | 'fenced'> {
  const { epoch, retentionMs, blockPlaces = usualBlockPlaces } = term;
  const left = await documents.claim(epoch);
  if (left === null) return 'fenced';
  let purgeAtMs = Math.max(term.nowMs + retentionMs, (await documents.newest())?.purgeAtMs ?? 0);
  await seal(documents, left, { sealedBy: epoch, purgeAtMs });

  let reserved = left.upTo;
  /** The last place that is known to be taken, or before the first of ours. */
  let written = firstCursorOf(epoch) > left.upTo ? firstCursorOf(epoch) : left.upTo;
  /** What was given to be appended and is not known to be, yet. */
  let begun: { readonly events: readonly NewEvent[]; readonly entries: readonly LogEntry[] } | null = null;
  let isFenced = false;

  function place(events: readonly NewEvent[], nowMs: number): readonly LogEntry[] {
    purgeAtMs = Math.max(purgeAtMs, nowMs + retentionMs);
    return events
      .filter(({ atMs }) => atMs > nowMs - retentionMs * appendedShare)
      .map((event, at) => ({ cursor: cursorAfter(written, at + 1), event, purgeAtMs }));
  }

  async function write(entries: readonly LogEntry[]): Promise<'appended' | 'fenced'> {
    const last = cursorAfter(written, entries.length);
    if (last > reserved) {
      const block = { after: written, upTo: cursorAfter(written, Math.max(blockPlaces, entries.length)) };
      if (!(await documents.reserve(epoch, block))) return 'fenced';
      reserved = block.upTo;
    }
    if ((await documents.insert(entries)) === entries.length) return 'appended';
    // Taken already: by ourselves, when an earlier try took effect, or by a seal.
    const standing = await documents.within({ after: written, upTo: last });
    if (standing.some((entry) => 'sealedBy' in entry)) return 'fenced';
    const rest = entries.slice(standing.length);
    return rest.length === 0 || (await documents.insert(rest)) === rest.length ? 'appended' : write(entries);
  }

  return {
    async append(events, nowMs) {
      if (isFenced) return 'fenced';
      begun ??= { events, entries: place(events, nowMs) };
      if (!areSame(begun.events, events))
        throw new InvariantBroken('what was begun to be appended must be appended first');
      const { entries } = begun;
      if (entries.length > 0 && (await write(entries)) === 'fenced') {
        isFenced = true;
        return 'fenced';
      }
      written = cursorAfter(written, entries.length);
      begun = null;
      return 'appended';
    },
  };
}

/** Fills what is free of a block, in order; ends when all of it is taken. */
async function seal(
  documents: LogDocuments,
  block: Block,
  facts: { readonly sealedBy: number; readonly purgeAtMs: number },
): Promise<void> {
  for (;;) {
    const taken = new Set((await documents.within(block)).map(({ cursor }) => cursor));
    const free: LogEntry[] = [];
    for (let at = cursorAfter(block.after, 1); at <= block.upTo; at = cursorAfter(at, 1)) {
      if (!taken.has(at)) free.push({ cursor: at, ...facts });
    }
    // Fewer than all: the older leader was faster at one place, and is looked at again.
    if (free.length === 0 || (await documents.insert(free)) === free.length) return;
  }
}

function areSame(begun: readonly NewEvent[], given: readonly NewEvent[]): boolean {
  return (
    begun.length === given.length &&
    begun.every(({ taskId, seq }, at) => taskId === given[at]?.taskId && seq === given[at]?.seq)
  );
}

/** The head of a log that nobody has written yet. */
export const noBlock: Block = { after: beforeAllEvents, upTo: beforeAllEvents };
