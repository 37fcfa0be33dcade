import { beforeAllEvents, type EventCursor, type LoggedEvent, type TaskId } from '@juice/contracts';
import { byMajority, type MongoConnection } from './connection.ts';
import { createLogDocuments, logOf, readLogged, type LogCollection } from './event-log-documents.ts';
import { openLog, type EventLogWriter } from './event-log-writer.ts';
import { attempt } from './mongo-failure.ts';

/**
 * The log behind the event streams: every transition of every task once, a task's own in order, kept for a while. One
 * leader at a time writes it; anybody reads it, by place. Nothing ever comes to stand before a place that is taken (see openLog),
 * so that who goes on from where it was misses nothing. What is read is stored by a majority.
 *
 * Every method throws DependencyFailure when MongoDB cannot be reached.
 */
export interface EventLog {
  /** Opens the log for writing under an epoch. */
  open(epoch: number, nowMs: number): Promise<EventLogWriter | 'fenced'>;
  /** The seq of each task's last event in the log; tasks that have none there are left out. */
  lastSeqs(taskIds: readonly TaskId[]): Promise<ReadonlyMap<TaskId, number>>;
  /** The next events of a tenant, or of one of its tasks, after a place and, when it is given, not beyond another; in order. */
  read(wanted: {
    readonly tenantId: string;
    readonly taskId: TaskId | null;
    readonly after: EventCursor;
    readonly upTo?: EventCursor;
    readonly limit: number;
  }): Promise<readonly LoggedEvent[]>;
  /** The next events of all tenants; `limit` counts places. */
  readOn(after: EventCursor, limit: number): Promise<LogPage>;
  /** The last place that is taken; before all events when none is. */
  latest(): Promise<EventCursor>;
  /** Whether everything after a place is still there at that time. `false` as well for a place that was never taken. */
  isKeptAfter(cursor: EventCursor, nowMs: number): Promise<boolean>;
}

export interface LogPage {
  readonly events: readonly LoggedEvent[];
  /** Up to which place has been read by that. */
  readonly upTo: EventCursor;
  /** Whether there may be more to read at once. */
  readonly hasMore: boolean;
}

export interface EventLogOptions {
  /** How long an event is kept; 7 days when left out. */
  readonly retentionMs?: number;
}

const defaultEventRetentionMs = 7 * 24 * 3600 * 1000;

/** By how much the clocks of leaders, of the database and of readers may differ without a purge being overlooked. */
const clockMarginMs = 5 * 60_000;

export function createEventLog(conn: MongoConnection, options: EventLogOptions = {}): EventLog {
  const log = logOf(conn);
  const documents = createLogDocuments(log);
  const retentionMs = options.retentionMs ?? defaultEventRetentionMs;
  return {
    open: (epoch, nowMs) => openLog(documents, { epoch, retentionMs, nowMs }),
    lastSeqs: (taskIds) => attempt('find logged events', () => lastSeqs(log, taskIds)),
    read: ({ tenantId, taskId, after, upTo, limit }) =>
      attempt('read events', async () => {
        const places = upTo === undefined ? { $gt: after } : { $gt: after, $lte: upTo };
        const filter = taskId === null ? { tenantId, _id: places } : { taskId, tenantId, _id: places };
        return eventsOf(await log.find(filter, { ...byMajority, sort: { _id: 1 }, limit, batchSize: limit }).toArray());
      }),
    readOn: (after, limit) =>
      attempt('read events', async () => {
        const found = await log
          .find({ _id: { $gt: after } }, { ...byMajority, sort: { _id: 1 }, limit, batchSize: limit })
          .toArray();
        const upTo = (found.at(-1)?._id ?? after) as EventCursor;
        return { events: eventsOf(found), upTo, hasMore: found.length === limit };
      }),
    latest: async () => (await documents.newest())?.cursor ?? beforeAllEvents,
    async isKeptAfter(cursor, nowMs) {
      const [standing] = await documents.within({ after: (cursor - 1n) as EventCursor, upTo: cursor });
      return standing !== undefined && standing.purgeAtMs > nowMs + clockMarginMs;
    },
  };
}

function eventsOf(found: Parameters<typeof readLogged>[0][]): readonly LoggedEvent[] {
  return found.map(readLogged).filter((event) => event !== null);
}

async function lastSeqs(log: LogCollection, taskIds: readonly TaskId[]): Promise<ReadonlyMap<TaskId, number>> {
  const found = await log
    .aggregate<{ _id: TaskId; seq: number }>(
      [{ $match: { taskId: { $in: [...taskIds] } } }, { $group: { _id: '$taskId', seq: { $max: '$seq' } } }],
      byMajority,
    )
    .toArray();
  return new Map(found.map(({ _id, seq }) => [_id, seq]));
}
