import { beforeAllEvents, cursorAfter, type EventCursor, type LoggedEvent, type TaskId } from '@juice/contracts';
import { noBlock, openLog, type Block, type EventLog, type LogDocuments, type LogEntry } from '../src/index.ts';

/** How commands reach the server and documents are changed there: where a simulation delays, loses and interrupts. */
export interface LogServer {
  /** A command, there and back. It may be served although its caller was told otherwise, or is gone. */
  command<T>(operation: string, serve: () => Promise<T>): Promise<T>;
  /** The change of one document, or one look at any number of them. */
  turn<T>(act: () => T): Promise<T>;
}

/** What a log is made of: shared by all who read and write it. */
export interface MemoryLog {
  /** In the order of places. */
  readonly entries: LogEntry[];
  head: { epoch: number; block: Block };
  /** Every event that was ever put there, in the order of putting. */
  readonly put: LoggedEvent[];
  /** Called when an event comes to stand before a place that is taken, or was: what readers rely on is broken. */
  onBroken: (text: string) => void;
  last: EventCursor;
  purge(nowMs: number): void;
}

const promptServer: LogServer = { command: (_operation, serve) => serve(), turn: async (act) => act() };

export function createMemoryLog(): MemoryLog {
  const log: MemoryLog = {
    entries: [],
    head: { epoch: 0, block: noBlock },
    put: [],
    onBroken(text) {
      throw new Error(text);
    },
    last: beforeAllEvents,
    purge(nowMs) {
      const kept = log.entries.filter(({ purgeAtMs }) => purgeAtMs > nowMs);
      log.entries.splice(0, Infinity, ...kept);
    },
  };
  return log;
}

/** The single-document operations on it. */
export function memoryLogDocuments(log: MemoryLog, server: LogServer = promptServer): LogDocuments {
  const { command, turn } = server;

  function insertOne(entry: LogEntry): boolean {
    const at = placeOf(log.entries, entry.cursor);
    if (log.entries[at]?.cursor === entry.cursor) return false;
    if ('event' in entry) {
      if (entry.cursor < log.last) log.onBroken(`an event came to stand at ${entry.cursor}, before ${log.last}`);
      log.put.push({ cursor: entry.cursor, ...entry.event });
    }
    log.last = entry.cursor > log.last ? entry.cursor : log.last;
    log.entries.splice(at, 0, entry);
    return true;
  }

  return {
    claim: (epoch) =>
      command('claim event log', () =>
        turn(() => {
          if (log.head.epoch > epoch) return null;
          log.head.epoch = epoch;
          return log.head.block;
        }),
      ),
    reserve: (epoch, block) =>
      command('reserve event log', () =>
        turn(() => {
          if (log.head.epoch !== epoch) return false;
          if (block.upTo > log.head.block.upTo) log.head.block = block;
          return log.head.block.upTo === block.upTo;
        }),
      ),
    insert: (entries) =>
      command('append events', async () => {
        let inserted = 0;
        for (const entry of entries) {
          if (!(await turn(() => insertOne(entry)))) break;
          inserted += 1;
        }
        return inserted;
      }),
    within: (block) => command('read event log', () => turn(() => slice(log, block))),
    newest: () => command('read event log', () => turn(() => log.entries.at(-1) ?? null)),
  };
}

/** The whole log in memory, with the promises of the real one. */
export function createMemoryEventLog(
  log: MemoryLog = createMemoryLog(),
  options: { readonly server?: LogServer; readonly retentionMs?: number } = {},
): EventLog {
  const { server = promptServer, retentionMs = 7 * 86_400_000 } = options;
  const documents = memoryLogDocuments(log, server);
  const look = <T>(operation: string, act: () => T): Promise<T> => server.command(operation, () => server.turn(act));
  const endless = (2n ** 63n - 1n) as EventCursor;
  return {
    open: (epoch, nowMs) => openLog(documents, { epoch, retentionMs, nowMs }),
    lastSeqs: (taskIds) =>
      look('find logged events', () => {
        const last = new Map<TaskId, number>();
        for (const { taskId, seq } of log.entries.flatMap(eventOf)) {
          if (taskIds.includes(taskId)) last.set(taskId, Math.max(seq, last.get(taskId) ?? seq));
        }
        return last;
      }),
    read: ({ tenantId, taskId, after, upTo = endless, limit }) =>
      look('read events', () =>
        slice(log, { after, upTo })
          .flatMap(eventOf)
          .filter((event) => event.tenantId === tenantId && (taskId === null || event.taskId === taskId))
          .slice(0, limit),
      ),
    readOn: (after, limit) =>
      look('read events', () => {
        const found = slice(log, { after, upTo: endless }).slice(0, limit);
        const upTo = found.at(-1)?.cursor ?? after;
        return { events: found.flatMap(eventOf), upTo, hasMore: found.length === limit };
      }),
    latest: () => look('read event log', () => log.entries.at(-1)?.cursor ?? beforeAllEvents),
    isKeptAfter: (cursor, nowMs) =>
      look('read event log', () => {
        const [entry] = slice(log, { after: cursorAfter(cursor, -1), upTo: cursor });
        return entry !== undefined && entry.purgeAtMs > nowMs + 300_000;
      }),
  };
}

function slice({ entries }: MemoryLog, { after, upTo }: Block): readonly LogEntry[] {
  const to = placeOf(entries, upTo);
  return entries.slice(placeOf(entries, cursorAfter(after, 1)), entries[to]?.cursor === upTo ? to + 1 : to);
}

/** Where a cursor stands, or would. */
function placeOf(entries: readonly LogEntry[], cursor: EventCursor): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.cursor ?? 0n) < cursor) low = middle + 1;
    else high = middle;
  }
  return low;
}

function eventOf(entry: LogEntry): LoggedEvent[] {
  return 'event' in entry ? [{ cursor: entry.cursor, ...entry.event }] : [];
}
