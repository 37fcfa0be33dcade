/** Chance that a seed decides: the same seed gives the same numbers. */
export interface Chance {
  /** 0 ≤ x < 1. */
  next(): number;
  /** Whole, 0 ≤ n < `count`. */
  below(count: number): number;
  /** low ≤ x < high, whole. */
  between(low: number, high: number): number;
  happens(probability: number): boolean;
}

/** mulberry32: small, fast, and good enough to choose faults by. */
export function createChance(seed: number): Chance {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    below: (count) => Math.floor(next() * count),
    between: (low, high) => low + Math.floor(next() * (high - low)),
    happens: (probability) => next() < probability,
  };
}
