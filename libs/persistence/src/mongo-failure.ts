import { DependencyFailure } from '@juice/contracts';
import mongoose from 'mongoose';

/** A unique index (here: always `_id`) refused the document. */
export const duplicateKey = 11000;

/**
 * Server errors after which the same command may well succeed: the primary moved or is going down, or a time limit
 * or the write concern was not met. Of the last two the outcome is unknown, as it is after a broken connection.
 */
const retryableCodes: ReadonlySet<number> = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  50, // MaxTimeMSExpired
  64, // WriteConcernTimeout
  89, // NetworkTimeout
  91, // ShutdownInProgress
  100, // UnsatisfiableWriteConcern: members are down
  112, // WriteConflict
  134, // ReadConcernMajorityNotAvailableYet
  189, // PrimarySteppedDown
  262, // ExceededTimeLimit
  9001, // SocketException
  10058, // LegacyNotPrimary
  10107, // NotWritablePrimary
  11600, // InterruptedAtShutdown
  11602, // InterruptedDueToReplStateChange
  13435, // NotPrimaryNoSecondaryOk
  13436, // NotPrimaryOrSecondary
]);

/**
 * Runs one database operation; whatever the driver or mongoose throws comes out as a DependencyFailure. After a
 * retryable one a write may or may not have happened: callers repeat it, and every write of this library can be repeated.
 */
export async function attempt<T>(operation: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error: unknown) {
    throw asFailure(operation, error);
  }
}

/** Does once more what the driver does not repeat by itself, an update of many, when it is not known whether it was done. */
export async function evenIfUnanswered<T>(update: () => Promise<T>): Promise<T> {
  try {
    return await update();
  } catch (error: unknown) {
    if (!isRetryable(error)) throw error;
    return update();
  }
}

/**
 * Rejects with a retryable DependencyFailure when the work is not over after `deadlineMs`. The work is not stopped: its
 * outcome is unknown then.
 */
export async function withinDeadline<T>(operation: string, deadlineMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const detail = `no answer within ${deadlineMs} ms`;
      reject(new DependencyFailure({ dependency: 'mongodb', operation, retryable: true, detail }));
    }, deadlineMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the operation was refused because a document with this `_id` exists. */
export function isDuplicateKey(error: unknown): boolean {
  return error instanceof mongoose.mongo.MongoServerError && error.code === duplicateKey;
}

/**
 * The single writes of a bulk that the server refused for good, by their place in it; null when the error is about more
 * than them, or may pass: then the outcome of the whole is unknown.
 */
export function finalWriteErrors(error: unknown): readonly { index: number; code: number; detail: string }[] | null {
  if (!(error instanceof mongoose.mongo.MongoBulkWriteError)) return null;
  if (error.result.getWriteConcernError() !== undefined) return null;
  const errors = [error.writeErrors].flat();
  if (errors.length === 0 || errors.some(({ code }) => retryableCodes.has(code))) return null;
  return errors.map(({ index, code, errmsg }) => ({ index, code, detail: `${errmsg ?? 'refused'} (code ${code})` }));
}

/** The driver's error as ours; anything that is not the driver's (a bug of our own) is passed on as it is. */
export function asFailure(operation: string, error: unknown): Error {
  if (!(error instanceof Error)) return new Error(`not an Error: ${String(error)}`, { cause: error });
  // By name as well: the parser of connection strings and BSON have error classes of their own.
  const isDrivers = error instanceof mongoose.Error || error instanceof mongoose.mongo.MongoError;
  const theirs = isDrivers || /^(Mongo|BSON)/.test(error.name) || isSocketTrouble(error);
  if (!theirs) return error;
  return new DependencyFailure({
    dependency: 'mongodb',
    operation,
    retryable: isRetryable(error),
    detail: error.message,
    cause: error,
  });
}

/** Whether the same operation may well succeed: the database cannot be reached, or is not itself, just now. */
export function isRetryable(error: unknown): boolean {
  const { MongoError, MongoServerError, MongoBulkWriteError } = mongoose.mongo;
  if (!(error instanceof Error)) return false;
  if (error instanceof mongoose.Error.MongooseServerSelectionError || isSocketTrouble(error)) return true;
  if (!(error instanceof MongoError)) return false;
  if (error.hasErrorLabel('RetryableWriteError') || error.hasErrorLabel('RetryableError')) return true;
  if (error instanceof MongoBulkWriteError && error.result.getWriteConcernError() !== undefined) return true;
  // The driver wraps whatever befell a bulk write, and of a broken connection keeps the text alone: no code is that.
  if (error instanceof MongoBulkWriteError && error.code === undefined) return true;
  if (error instanceof MongoServerError) return typeof error.code === 'number' && retryableCodes.has(error.code);
  return connectionTroubles.has(error.name);
}

/**
 * What befell a socket, as Node says it: the driver wraps that, but for what happens while it waits for a full socket to take
 * more, or writes to one that the server has just ended (7.8, `Connection.writeCommand`).
 */
function isSocketTrouble(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && socketTroubles.has(error.code);
}

const socketTroubles: ReadonlySet<string> = new Set([
  'EPIPE',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EHOSTUNREACH',
]);

/** The driver's own errors that mean "not reachable just now", by name, as it documents them. */
const connectionTroubles: ReadonlySet<string> = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoServerSelectionError',
  'MongoPoolClearedError',
  // The one that is not named for its class.
  'PoolClearedOnNetworkError',
  'MongoPoolClosedError',
  'MongoWaitQueueTimeoutError',
  'MongoTopologyClosedError',
  'MongoServerClosedError',
  'MongoNotConnectedError',
  'MongoOperationTimeoutError',
]);
