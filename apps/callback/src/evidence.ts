/**
 * What this worker has seen of an endpoint lately: how many failures in a row, and how many of the attempts of the last five
 * minutes, in buckets of half a minute. Every worker goes by its own evidence; what follows from it, the open breaker, they
 * share.
 */
export interface Evidence {
  readonly consecutive: number;
  /** The oldest first; none older than the window. */
  readonly buckets: readonly Bucket[];
}

interface Bucket {
  readonly startMs: number;
  readonly attempts: number;
  readonly failed: number;
}

export const noEvidence: Evidence = { consecutive: 0, buckets: [] };

const bucketMs = 30_000;
/** Long enough that a slow endpoint has answered often enough to be judged, short enough that yesterday is forgiven. */
export const windowMs = 300_000;
/** In a row: a deployment's restart is shorter, at four in flight. */
const mostConsecutive = 10;
/** While traffic grows again after an opening, less is enough. */
const mostConsecutiveInRamp = 3;
/** Of fewer attempts a share says nothing. */
const leastAttempts = 20;
const mostFailedShare = 0.5;

export function addToEvidence(evidence: Evidence, hasFailed: boolean, nowMs: number): Evidence {
  const startMs = Math.floor(nowMs / bucketMs) * bucketMs;
  const buckets = evidence.buckets.filter((bucket) => bucket.startMs > nowMs - windowMs && bucket.startMs < startMs);
  const present = evidence.buckets.find((bucket) => bucket.startMs === startMs);
  return {
    consecutive: hasFailed ? evidence.consecutive + 1 : 0,
    buckets: [
      ...buckets,
      { startMs, attempts: (present?.attempts ?? 0) + 1, failed: (present?.failed ?? 0) + (hasFailed ? 1 : 0) },
    ],
  };
}

export interface Seen {
  readonly consecutive: number;
  readonly failed: number;
  readonly attempts: number;
}

/** The evidence in numbers, when it is enough to stop calling the endpoint; null when it is not. */
export function judgeEvidence(evidence: Evidence, facts: { nowMs: number; isRamping: boolean }): Seen | null {
  const recent = evidence.buckets.filter(({ startMs }) => startMs > facts.nowMs - windowMs);
  const attempts = recent.reduce((sum, bucket) => sum + bucket.attempts, 0);
  const failed = recent.reduce((sum, bucket) => sum + bucket.failed, 0);
  const { consecutive } = evidence;
  const isInRow = consecutive >= (facts.isRamping ? mostConsecutiveInRamp : mostConsecutive);
  // Only a failure opens: what failed long ago does not count against an endpoint that has just answered.
  const isOften = consecutive > 0 && attempts >= leastAttempts && failed / attempts >= mostFailedShare;
  return isInRow || isOften ? { consecutive, failed, attempts } : null;
}
