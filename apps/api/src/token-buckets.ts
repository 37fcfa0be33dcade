/** So many requests a second in the long run, and so many at once. */
export interface Pace {
  readonly perSecond: number;
  readonly burst: number;
}

export interface Taken {
  readonly isAllowed: boolean;
  /** How many more could follow at once. */
  readonly remaining: number;
  /** Until one more is allowed; 0 when one is already. */
  readonly nextInMs: number;
  /** Until the whole burst is allowed again. */
  readonly fullInMs: number;
}

/**
 * A token bucket for each id, kept as the one instant at which it is full again (the generic cell rate algorithm): a bucket
 * that is full by now is as none. At most `most` are kept; the longest untouched go first.
 */
export function createTokenBuckets(deps: {
  most: number;
  /** Milliseconds of a clock that only goes forward. */
  monotonicMs: () => number;
}): (id: string, pace: Pace) => Taken {
  const fullAtMs = new Map<string, number>();

  return (id, { perSecond, burst }) => {
    const now = deps.monotonicMs();
    const eachMs = 1000 / perSecond;
    const allMs = burst * eachMs;
    // A pace that was changed leaves no bucket emptier than it can be.
    const owedMs = Math.min(Math.max((fullAtMs.get(id) ?? 0) - now, 0), allMs);
    const isAllowed = owedMs + eachMs <= allMs + tolerance;
    const fullInMs = isAllowed ? owedMs + eachMs : owedMs;
    fullAtMs.delete(id);
    fullAtMs.set(id, now + fullInMs);
    for (const [oldest] of fullAtMs) {
      if (fullAtMs.size <= deps.most) break;
      fullAtMs.delete(oldest);
    }
    const leftMs = allMs - fullInMs;
    return {
      isAllowed,
      remaining: Math.floor((leftMs + tolerance) / eachMs),
      nextInMs: Math.max(0, eachMs - leftMs - tolerance),
      fullInMs,
    };
  };
}

/** A thousandth of a millisecond: what sums of fractions may be off by. */
const tolerance = 1e-3;
