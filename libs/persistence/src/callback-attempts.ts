import type { TaskId, TaskState, TryPlace } from '@juice/contracts';
import { nativeDb, type MongoConnection } from './connection.ts';
import { gather } from './gather.ts';
import { attempt, duplicateKey, finalWriteErrors } from './mongo-failure.ts';

/** One try to deliver one state, as it is kept for people who ask what happened. */
export interface CallbackAttempt {
  readonly taskId: TaskId;
  readonly tenantId: string;
  readonly seq: number;
  /** 1 for the first try of this state. */
  readonly try: number;
  readonly status: TaskState;
  readonly url: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly outcome: 'delivered' | 'failed' | 'rejected';
  readonly httpStatus: number | null;
  /** Why it was not delivered, from the worker's closed set; null when it was. */
  readonly cause: string | null;
  /** For people: the error's text or the beginning of the answer's body. */
  readonly detail: string | null;
  /** Milliseconds of each phase reached: lookup, connect, … */
  readonly phases: Readonly<Record<string, number>>;
}

interface LoggedAttempt extends Omit<CallbackAttempt, 'startedAtMs'> {
  /** `<taskId>_<seq>:<try>:<startedAtMs>`: a lane that is armed again counts its tries anew. Without the time, by earlier versions. */
  readonly _id: string;
  readonly startedAt: Date;
  readonly purgeAt: Date;
}

/** Writes attempts to the log. One that is written again is replaced: the log is an account, not the truth of the lane. */
export function createAttemptLog(
  conn: MongoConnection,
  retentionMs: number,
): (record: CallbackAttempt) => Promise<void> {
  const log = nativeDb(conn.connection).collection<LoggedAttempt>('callback_attempts');
  const write = gather<CallbackAttempt, void>(entriesAtOnce, async (records) => {
    const entries = records.map((record) => asLogged(record, retentionMs));
    try {
      await log.insertMany(entries, unawaited);
    } catch (error: unknown) {
      const refused = finalWriteErrors(error);
      if (refused === null || refused.some(({ code }) => code !== duplicateKey)) throw error;
      const repeats = entries.filter((_, at) => refused.some(({ index }) => index === at));
      await log.bulkWrite(repeats.map(replacing), unawaited);
    }
    return () => undefined;
  });
  return (record) => attempt('log callback attempt', () => write(record));
}

/** Nothing is decided by the log: not worth a wait for the majority. */
const unawaited = { ordered: false, writeConcern: { w: 1 } } as const;

function replacing(entry: LoggedAttempt) {
  return { replaceOne: { filter: { _id: entry._id }, replacement: entry, upsert: true } };
}

/** A task's tries, the newest first; those before a place. */
export async function findAttempts(
  conn: MongoConnection,
  asked: { tenantId: string; taskId: TaskId; before: TryPlace | null; limit: number },
): Promise<readonly CallbackAttempt[]> {
  const { tenantId, taskId, before, limit } = asked;
  const found = await nativeDb(conn.connection)
    .collection<LoggedAttempt>('callback_attempts')
    .find(
      { taskId, tenantId, ...(before !== null && earlier(taskId, before)) },
      { projection: { purgeAt: 0 }, sort: { startedAt: -1, _id: -1 }, limit },
    )
    .toArray();
  return found.map(({ _id, startedAt, ...facts }) => ({ ...facts, startedAtMs: startedAt.getTime() }));
}

function earlier(taskId: TaskId, place: TryPlace) {
  const startedAt = new Date(place.startedAtMs);
  return { $or: [{ startedAt: { $lt: startedAt } }, { startedAt, _id: { $lt: tryOf({ taskId, ...place }) } }] };
}

/** In one round trip; an entry is a few hundred bytes. */
const entriesAtOnce = 200;

function asLogged({ startedAtMs, ...facts }: CallbackAttempt, retentionMs: number): LoggedAttempt {
  return {
    _id: `${tryOf(facts)}:${startedAtMs}`,
    ...facts,
    startedAt: new Date(startedAtMs),
    purgeAt: new Date(startedAtMs + retentionMs),
  };
}

function tryOf(facts: Pick<CallbackAttempt, 'taskId' | 'seq' | 'try'>): string {
  return `${facts.taskId}_${facts.seq}:${facts.try}`;
}
