import type { TaskId, TaskState } from '@juice/contracts';
import { nativeDb, type MongoConnection } from './connection.ts';
import { gather } from './gather.ts';
import { attempt } from './mongo-failure.ts';

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
  /** `<taskId>_<seq>:<try>` */
  readonly _id: string;
  readonly startedAt: Date;
  readonly purgeAt: Date;
}

/** Writes attempts to the log. A repeat of the same try replaces it: the log is an account, not the truth of the lane. */
export function createAttemptLog(
  conn: MongoConnection,
  retentionMs: number,
): (record: CallbackAttempt) => Promise<void> {
  const log = nativeDb(conn.connection).collection<LoggedAttempt>('callback_attempts');
  const write = gather<CallbackAttempt, void>(entriesAtOnce, async (records) => {
    const operations = records.map((record) => {
      const replacement = asLogged(record, retentionMs);
      return { replaceOne: { filter: { _id: replacement._id }, replacement, upsert: true } };
    });
    // Nothing is decided by the log: not worth a wait for the majority.
    await log.bulkWrite(operations, { ordered: false, writeConcern: { w: 1 } });
    return () => undefined;
  });
  return (record) => attempt('log callback attempt', () => write(record));
}

/** In one round trip; an entry is a few hundred bytes. */
const entriesAtOnce = 200;

function asLogged({ startedAtMs, ...facts }: CallbackAttempt, retentionMs: number): LoggedAttempt {
  return {
    _id: `${facts.taskId}_${facts.seq}:${facts.try}`,
    ...facts,
    startedAt: new Date(startedAtMs),
    purgeAt: new Date(startedAtMs + retentionMs),
  };
}
