import {
  beforeAllEvents,
  DependencyFailure,
  firstCursorOf,
  type EventCursor,
  type LoggedEvent,
} from '@juice/contracts';
import { eventOf } from './event-log-contract.ts';
import { createMemoryEventLog, createMemoryLog, memoryLogDocuments, type LogServer } from './memory-event-log.ts';
import { idAt, startMs } from './sample-tasks.ts';
import { openLog, type EventLogWriter, type LogDocuments } from '../src/index.ts';

/** Whole numbers below a bound: what a history is decided by. */
export type Chance = (below: number) => number;

/** mulberry32, as in the scheduler's simulation: the same seed gives the same history. */
export function chanceOf(seed: number): Chance {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

export interface LogHistory {
  readonly violations: readonly string[];
  /** What each reader was shown, in order. */
  readonly shown: readonly (readonly LoggedEvent[])[];
  /** All that ever stood in the log, in the order of places. */
  readonly logged: readonly LoggedEvent[];
  /** What each leader was told is logged, by its epoch. */
  readonly acknowledged: ReadonlyMap<number, readonly number[]>;
}

const blockPlaces = 4;
const leaders = 5;
const batchesOfEach = 8;

/**
 * One history of the log: leaders come while older ones still write, die at any point, and lose requests and answers; what
 * they have sent may take effect long after they gave it up. Readers read on whenever they like. Chance decides whose turn
 * is next, one document at a time; nothing takes time.
 */
export async function playLogHistory(
  chance: Chance,
  change: (documents: LogDocuments) => LogDocuments = (documents) => documents,
): Promise<LogHistory> {
  const log = createMemoryLog();
  const violations: string[] = [];
  log.onBroken = (text) => void violations.push(text);
  const turns: (() => void)[] = [];
  let isCalm = false;
  let underWay = 0;

  const turn = <T>(act: () => T): Promise<T> => new Promise((resolve) => turns.push(() => resolve(act())));
  const server: LogServer = {
    turn,
    async command(operation, serve) {
      const lost = new DependencyFailure({ dependency: 'mongodb', operation, retryable: true, detail: 'lost' });
      const luck = isCalm ? 0 : chance(10);
      await turn(() => undefined);
      if (luck === 9) throw lost;
      underWay += 1;
      const serving = serve().finally(() => (underWay -= 1));
      // Given up while it is being served, which it is to the end all the same.
      if (luck === 8) return Promise.race([serving, turn(() => undefined)]).then(() => Promise.reject(lost));
      const answer = await serving;
      if (luck === 7) throw lost;
      return answer;
    },
  };

  const acknowledged = new Map<number, number[]>();
  const nowMs = (): number => startMs + log.put.length;

  async function lead(epoch: number, isMortal: boolean): Promise<void> {
    const told: number[] = [];
    acknowledged.set(epoch, told);
    const isDead = (): boolean => isMortal && chance(25) === 0;
    const again = async <T>(act: () => Promise<T>): Promise<T | 'dead'> => {
      for (;;) {
        if (isDead()) return 'dead';
        try {
          return await act();
        } catch (error: unknown) {
          if (!(error instanceof DependencyFailure)) throw error;
        }
      }
    };
    const documents = change(memoryLogDocuments(log, server));
    const facts = { epoch, retentionMs: 1_000_000, blockPlaces };
    const writer = await again(() => openLog(documents, { ...facts, nowMs: nowMs() }));
    if (writer === 'dead' || writer === 'fenced') return;
    await write(writer, epoch, again, told);
  }

  async function write(
    writer: EventLogWriter,
    epoch: number,
    again: <T>(act: () => Promise<T>) => Promise<T | 'dead'>,
    told: number[],
  ): Promise<void> {
    for (let batch = 0, seq = 0; batch < batchesOfEach; batch += 1) {
      const seqs = Array.from({ length: 1 + chance(6) }, () => (seq += 1));
      const events = seqs.map((one) => eventOf(idAt(epoch), one));
      const outcome = await again(() => writer.append(events, nowMs()));
      if (outcome !== 'appended') return;
      told.push(...seqs);
    }
  }

  const shown: LoggedEvent[][] = [[], []];
  const positions: EventCursor[] = shown.map(() => beforeAllEvents);
  const reads = createMemoryEventLog(log);
  async function read(reader: number): Promise<void> {
    const { events, upTo } = await reads.readOn(positions[reader] ?? beforeAllEvents, 1 + chance(5));
    shown[reader]?.push(...events);
    positions[reader] = upTo;
  }

  async function playOn(until: () => boolean): Promise<void> {
    for (let idle = 0; !until() && idle < 50;) {
      if (turns.length === 0) idle += 1;
      else turns.splice(chance(turns.length), 1)[0]?.();
      await new Promise(setImmediate);
      for (const reader of shown.keys()) if (chance(4) === 0) await read(reader);
    }
  }

  const writers = new Set<number>();
  function elect(epoch: number, isMortal: boolean): void {
    writers.add(epoch);
    lead(epoch, isMortal).then(
      () => void writers.delete(epoch),
      (error: unknown) => void violations.push(String(error)),
    );
  }

  for (let epoch = 1; epoch <= leaders; epoch += 1) {
    elect(epoch, true);
    let left = chance(60);
    await playOn(() => (left -= 1) <= 0);
    // What is purged is days old: all have read it, and nobody is still writing it.
    if (underWay === 0 && chance(3) === 0) {
      const old = positions.reduce(
        (least, position) => (position < least ? position : least),
        firstCursorOf(Math.min(epoch + 1, ...writers)),
      );
      log.entries.splice(0, log.entries.filter(({ cursor }) => cursor <= old).length);
    }
  }
  isCalm = true;
  elect(leaders + 1, false);
  await playOn(() => !writers.has(leaders + 1) && turns.length === 0);
  if (writers.has(leaders + 1)) violations.push('the last leader did not get to the end');
  for (const reader of shown.keys()) {
    for (let before: EventCursor | undefined; before !== positions[reader];) {
      before = positions[reader];
      await read(reader);
    }
  }
  const logged = [...log.put].sort((a, b) => (a.cursor < b.cursor ? -1 : 1));
  return { violations, shown, logged, acknowledged };
}
