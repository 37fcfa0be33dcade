import type { CallbackCause } from '@juice/contracts';
import type { ForbiddenRule } from '@juice/destinations';
import type { PostResult, SendPhase } from './http-sender.ts';

/**
 * What one attempt means. Pure, and total over everything a POST can come to:
 *
 * | what happened                                              | outcome                                            |
 * |------------------------------------------------------------|----------------------------------------------------|
 * | 2xx                                                        | delivered                                          |
 * | 408, 425, 429, 5xx; no answer in time; name not found;     | failed: on the schedule, not before Retry-After     |
 * | refused, unreachable, reset, TLS, not HTTP                 |                                                    |
 * | 3xx (never followed), other 4xx, anything else             | rejected: a short budget of tries                  |
 * | 410                                                        | gone: held                                         |
 * | a target that may not be called                            | forbidden: dead at once                            |
 * | out of sockets, ports or memory; we have no network        | ours: not charged to the receiver                  |
 * | we are stopping                                            | stopped: not charged, left for the next worker     |
 */
export type AttemptOutcome =
  | { readonly kind: 'delivered'; readonly reason: CallbackCause }
  | { readonly kind: 'failed'; readonly reason: CallbackCause; readonly retryAfterMs: number | null }
  | { readonly kind: 'rejected'; readonly reason: CallbackCause }
  | { readonly kind: 'gone'; readonly reason: CallbackCause }
  | { readonly kind: 'forbidden'; readonly reason: CallbackCause }
  | { readonly kind: 'ours'; readonly reason: CallbackCause }
  | { readonly kind: 'stopped'; readonly reason: 'stopped' };

/** What came of the POST, or that its URL was refused before one was made. */
export type AttemptResult = PostResult | { readonly kind: 'refused'; readonly rule: ForbiddenRule };

/** Judges an attempt. Reasons are fit for a lane's cause. */
export function judge(result: AttemptResult, nowMs: number): AttemptOutcome {
  switch (result.kind) {
    case 'answered':
      return judgeStatus(result.status, result.headers['retry-after'] ?? null, nowMs);
    case 'failed':
      return judgeFailure(result.phase, result.code);
    case 'forbidden':
      return { kind: 'forbidden', reason: 'forbidden-address' };
    case 'refused':
      return { kind: 'forbidden', reason: `forbidden-${result.rule}` };
    case 'stopped':
      return { kind: 'stopped', reason: 'stopped' };
    default:
      return result satisfies never;
  }
}

const retryableStatuses: ReadonlySet<number> = new Set([408, 425, 429]);

function judgeStatus(status: number, retryAfter: string | null, nowMs: number): AttemptOutcome {
  const reason: CallbackCause = `status-${status}`;
  if (status >= 200 && status < 300) return { kind: 'delivered', reason };
  if (status === 410) return { kind: 'gone', reason };
  if (status < 500 && !retryableStatuses.has(status)) return { kind: 'rejected', reason };
  return { kind: 'failed', reason, retryAfterMs: retryAfter === null ? null : parseRetryAfter(retryAfter, nowMs) };
}

/** Faults of this machine, whatever else is well. Where others tell whose fault it was, see `whose-fault.ts`. */
const ourCodes: ReadonlySet<string> = new Set([
  ...['EAI_MEMORY', 'EAI_SYSTEM'],
  ...['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EADDRNOTAVAIL', 'ENETDOWN', 'ENETUNREACH', 'EACCES', 'EPERM'],
]);

const failureReasons: Readonly<Record<string, CallbackCause>> = {
  ENOTFOUND: 'dns-not-found',
  EAI_NODATA: 'dns-not-found',
  ECONNREFUSED: 'connect-refused',
  EHOSTUNREACH: 'connect-unreachable',
  ETIMEDOUT: 'timeout-connect',
};

const phaseReasons: Readonly<Record<SendPhase, CallbackCause>> = {
  lookup: 'dns-failed',
  connect: 'connect-failed',
  tls: 'tls-failed',
  response: 'no-response',
};

function judgeFailure(phase: SendPhase, code: string): AttemptOutcome {
  if (ourCodes.has(code)) return { kind: 'ours', reason: `ours-${code.toLowerCase().replaceAll('_', '-')}` };
  const byCode: CallbackCause | undefined = code === 'TIMEOUT' ? `timeout-${phase}` : failureReasons[code];
  const reason = byCode ?? (code.startsWith('HPE_') ? 'not-http' : phaseReasons[phase]);
  return { kind: 'failed', reason, retryAfterMs: null };
}

/** Retry-After (RFC 9110, 10.2.3) as milliseconds from now: seconds or an HTTP date. null when it is neither. */
export function parseRetryAfter(text: string, nowMs: number): number | null {
  const given = text.trim();
  if (/^\d{1,15}$/.test(given)) return Number(given) * 1000;
  // Only HTTP dates begin with a weekday; Date.parse alone would take "1.5" or "-3" for a date.
  const atMs = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(given) ? Date.parse(given) : Number.NaN;
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - nowMs);
}
