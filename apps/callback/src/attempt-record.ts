import type { CallbackAttempt, ClaimedLane } from '@juice/persistence';
import type { Timings } from './http-sender.ts';
import type { AttemptOutcome, AttemptResult } from './outcome.ts';

export interface AttemptFacts {
  readonly result: AttemptResult;
  readonly outcome: AttemptOutcome;
  readonly startedAtMs: number;
  readonly durationMs: number;
}

/**
 * An attempt as it is kept for people who ask what happened; null for one that is not held against the receiver (a fault
 * of ours, or we are stopping). `detail` is the beginning of the answer's body, or the error's code: never an address,
 * and nothing at all of a target that may not be called.
 */
export function asAttemptRecord(lane: ClaimedLane, facts: AttemptFacts): CallbackAttempt | null {
  const { result, outcome, startedAtMs, durationMs } = facts;
  const kind = recordedOutcome(outcome);
  if (kind === null) return null;
  return {
    taskId: lane.taskId,
    tenantId: lane.tenantId,
    seq: lane.state.seq,
    try: lane.tries + 1,
    status: lane.state.status,
    url: lane.url,
    startedAtMs,
    durationMs,
    outcome: kind,
    httpStatus: result.kind === 'answered' ? result.status : null,
    cause: kind === 'delivered' ? null : outcome.reason,
    detail: detailOf(result),
    phases: 'timings' in result ? phasesOf(result.timings) : {},
  };
}

function recordedOutcome({ kind }: AttemptOutcome): CallbackAttempt['outcome'] | null {
  switch (kind) {
    case 'delivered':
    case 'failed':
    case 'rejected':
      return kind;
    case 'gone':
    case 'forbidden':
      return 'rejected';
    case 'ours':
    case 'stopped':
      return null;
    default:
      return kind satisfies never;
  }
}

function detailOf(result: AttemptResult): string | null {
  if (result.kind === 'failed') return result.code;
  if (result.kind !== 'answered' || result.body.length === 0) return null;
  // We ask for none, and decompressing would let a small answer grow without bounds.
  const encoding = result.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') return `(a body encoded as ${encoding})`;
  return result.isBodyWhole ? result.body.toString() : `${result.body.toString()}… (cut off)`;
}

function phasesOf({ lookupMs, connectMs, tlsMs, firstByteMs, totalMs }: Timings): Readonly<Record<string, number>> {
  const phases = { lookupMs, connectMs, tlsMs, firstByteMs, totalMs };
  return Object.fromEntries(Object.entries(phases).filter((entry): entry is [string, number] => entry[1] !== null));
}
