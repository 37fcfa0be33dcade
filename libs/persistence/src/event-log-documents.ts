import type { EventCursor, LoggedEvent, TaskId, TaskState } from '@juice/contracts';
import type mongoose from 'mongoose';
import { byMajority, nativeDb, type MongoConnection } from './connection.ts';
import type { Block, LogDocuments, LogEntry, NewEvent } from './event-log-writer.ts';
import { attempt, duplicateKey, finalWriteErrors, isDuplicateKey } from './mongo-failure.ts';

/** A document of `task_events`. At place 0, which no event has, stands the head: who writes, and where. */
export interface LogDocument {
  readonly _id: bigint;
  readonly tenantId?: string;
  readonly taskId?: TaskId;
  readonly seq?: number;
  readonly status?: TaskState;
  readonly attempt?: number;
  readonly message?: string;
  readonly reason?: string | null;
  readonly at?: Date;
  readonly purgeAt?: Date;
  /** The epoch of the leader that sealed this place. */
  readonly sealedBy?: number;
  /** The head's: the epoch that writes, and the block it has reserved. */
  readonly epoch?: number;
  readonly after?: bigint;
  readonly upTo?: bigint;
}

export type LogCollection = mongoose.mongo.Collection<LogDocument>;

const headId = 0n;

export function logOf(conn: MongoConnection): LogCollection {
  return nativeDb(conn.connection).collection<LogDocument>('task_events');
}

/** The log's documents in MongoDB; every operation throws DependencyFailure. */
export function createLogDocuments(log: LogCollection): LogDocuments {
  return {
    claim: (epoch) => attempt('claim event log', () => claim(log, epoch)),
    reserve: (epoch, block) => attempt('reserve event log', () => reserve(log, epoch, block)),
    insert: (entries) => attempt('append events', () => insert(log, entries)),
    within: ({ after, upTo }) =>
      attempt('read event log', async () => {
        const found = await log
          .find({ _id: { $gt: after, $lte: upTo } }, { ...byMajority, sort: { _id: 1 }, batchSize: 1_000 })
          .toArray();
        return found.map(asEntry);
      }),
    newest: () => attempt('read event log', () => newest(log)),
  };
}

async function newest(log: LogCollection): Promise<LogEntry | null> {
  const [found] = await log.find({ _id: { $gt: headId } }, { ...byMajority, sort: { _id: -1 }, limit: 1 }).toArray();
  return found === undefined ? null : asEntry(found);
}

async function claim(log: LogCollection, epoch: number): Promise<Block | null> {
  const guard = { _id: headId, epoch: { $lte: epoch } };
  const none = { after: headId, upTo: headId };
  try {
    await log.updateOne(guard, { $set: { epoch }, $setOnInsert: none }, { upsert: true });
  } catch (error: unknown) {
    // There is a head: it is a newer epoch's, or another upsert was faster just now. The plain update does for the latter.
    if (!isDuplicateKey(error)) throw error;
    await log.updateOne(guard, { $set: { epoch } });
  }
  const head = await log.findOne({ _id: headId });
  if (head?.epoch !== epoch) return null;
  return { after: (head.after ?? headId) as EventCursor, upTo: (head.upTo ?? headId) as EventCursor };
}

async function reserve(log: LogCollection, epoch: number, { after, upTo }: Block): Promise<boolean> {
  // An earlier reservation of ours that takes effect late finds a later one, and changes nothing.
  const { matchedCount } = await log.updateOne({ _id: headId, epoch, upTo: { $lt: upTo } }, { $set: { after, upTo } });
  if (matchedCount === 1) return true;
  const head = await log.findOne({ _id: headId });
  return head?.epoch === epoch && head.upTo === upTo;
}

async function insert(log: LogCollection, entries: readonly LogEntry[]): Promise<number> {
  try {
    await log.insertMany(entries.map(asDocument), { ordered: true });
    return entries.length;
  } catch (error: unknown) {
    const [first] = finalWriteErrors(error) ?? [];
    if (first?.code !== duplicateKey) throw error;
    return first.index;
  }
}

function asDocument(entry: LogEntry): LogDocument {
  const { cursor: _id, purgeAtMs } = entry;
  const purgeAt = new Date(purgeAtMs);
  if ('sealedBy' in entry) return { _id, sealedBy: entry.sealedBy, purgeAt };
  const { tenantId, taskId, seq, status, attempt: number, message, reason, atMs } = entry.event;
  return { _id, tenantId, taskId, seq, status, attempt: number, message, reason, at: new Date(atMs), purgeAt };
}

function asEntry(document: LogDocument): LogEntry {
  const facts = { cursor: document._id as EventCursor, purgeAtMs: document.purgeAt?.getTime() ?? 0 };
  const event = readEvent(document);
  return event === null ? { ...facts, sealedBy: document.sealedBy ?? 0 } : { ...facts, event };
}

/** The event that a document holds; null for a seal. */
export function readEvent(document: LogDocument): NewEvent | null {
  const { tenantId, taskId, seq, status, attempt: number, message, reason, at } = document;
  if (tenantId === undefined || taskId === undefined || seq === undefined || status === undefined) return null;
  return {
    taskId,
    tenantId,
    seq,
    status,
    attempt: number ?? 0,
    message: message ?? '',
    reason: reason ?? null,
    atMs: at?.getTime() ?? 0,
  };
}

/** The same with its place. */
export function readLogged(document: LogDocument): LoggedEvent | null {
  const event = readEvent(document);
  return event === null ? null : { cursor: document._id as EventCursor, ...event };
}
