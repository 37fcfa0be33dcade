import { isIP } from 'node:net';
import { hostOf } from '@juice/destinations';
import type { AttemptResult } from './outcome.ts';

/**
 * Tells a fault of ours from one of the receiver's where a single attempt cannot: a name that was not resolved, a connection that was
 * not made. What happened to the attempts at *other* receivers in the last minute decides, as far as this worker has seen any.
 *
 * | what failed                                              | is ours                                                       |
 * |----------------------------------------------------------|---------------------------------------------------------------|
 * | the resolver gave no answer, or failed (EAI_AGAIN, …)     | unless it has answered for another name meanwhile              |
 * | a name or a connection within time, an unreachable host  | when three other receivers failed so, and none was reached     |
 *
 * Its limit: a worker with one or two receivers cannot tell, and holds a broken network against them.
 */
export interface WhoseFault {
  /** To be told of every attempt, before it is asked about. */
  note(url: URL, result: AttemptResult, nowMs: number): void;
  isOurs(url: URL, result: AttemptResult, nowMs: number): boolean;
}

const memoryMs = 60_000;
/** Fewer may well be down together by chance. */
const leastOthers = 3;
/** Beyond this the oldest are forgotten: enough to tell from. */
const mostKept = 1_000;

/** Failures that a broken network of ours would bring about too. */
const resolverCodes: ReadonlySet<string> = new Set(['EAI_AGAIN', 'EAI_FAIL']);
const networkCodes: ReadonlySet<string> = new Set([
  ...resolverCodes,
  'TIMEOUT',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
]);

export function createWhoseFault(): WhoseFault {
  const resolved = createRecent();
  const reached = createRecent();
  const failed = createRecent();

  return {
    note(url, result, nowMs) {
      const host = hostOf(url);
      if (hasResolved(result) && isIP(host) === 0) resolved.add(host, nowMs);
      if (hasConnected(result)) {
        reached.add(host, nowMs);
        failed.remove(host);
      } else if (isOfNetwork(result)) failed.add(host, nowMs);
    },
    isOurs(url, result, nowMs) {
      if (!isOfNetwork(result)) return false;
      const host = hostOf(url);
      if (resolverCodes.has(result.code)) return resolved.othersThan(host, nowMs) === 0;
      return reached.othersThan(host, nowMs) === 0 && failed.othersThan(host, nowMs) >= leastOthers;
    },
  };
}

type Failed = Extract<AttemptResult, { kind: 'failed' }>;

function isOfNetwork(result: AttemptResult): result is Failed {
  if (result.kind !== 'failed' || !networkCodes.has(result.code)) return false;
  return result.phase === 'lookup' || result.phase === 'connect';
}

function hasConnected(result: AttemptResult): boolean {
  if (result.kind === 'answered') return true;
  return (
    result.kind === 'failed' &&
    (result.phase === 'tls' || result.phase === 'response' || result.code === 'ECONNREFUSED')
  );
}

/** A connection that was kept needs no resolver. */
function hasResolved(result: AttemptResult): boolean {
  if (result.kind !== 'answered' && result.kind !== 'failed') return false;
  return result.timings.lookupMs !== null && (result.kind === 'answered' || result.phase !== 'lookup');
}

/** Hosts, and when each was last seen. */
function createRecent() {
  const seen = new Map<string, number>();
  return {
    add(host: string, nowMs: number): void {
      seen.delete(host);
      seen.set(host, nowMs);
      for (const [oldest, atMs] of seen) {
        if (seen.size <= mostKept && atMs > nowMs - memoryMs) break;
        seen.delete(oldest);
      }
    },
    remove: (host: string): void => void seen.delete(host),
    othersThan(host: string, nowMs: number): number {
      let others = 0;
      for (const [other, atMs] of seen) if (other !== host && atMs > nowMs - memoryMs) others += 1;
      return others;
    },
  };
}
