/** Chance that a seed repeats: the same seed, the same numbers, on every machine. */
export interface Chance {
  /** From 0 to below 1. */
  next(): number;
  /** Between two events that come so many in a unit of time, independently of one another. */
  pause(perUnit: number): number;
  /** Mostly near the median, with a long tail: one in a hundred is beyond `p99`. */
  lasting(median: number, p99: number): number;
  /** One of these, as often as its part says. */
  oneOf<T extends { readonly part: number }>(items: readonly T[]): T;
}

/** Mulberry32: 32 bits of state are plenty for some million draws, and it is the same in every engine. */
export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  return {
    next,
    pause: (perUnit) => -Math.log(1 - next()) / perUnit,
    lasting(median, p99) {
      const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
      return median * Math.exp(spreadOf(median, p99) * normal);
    },
    oneOf(items) {
      const whole = items.reduce((sum, { part }) => sum + part, 0);
      let left = next() * whole;
      for (const item of items) {
        left -= item.part;
        if (left < 0) return item;
      }
      return items[items.length - 1] as (typeof items)[number];
    },
  };
}

/** The standard deviation of the logarithm of what lasts so long; 2.326 of them are beyond its median at the 99th percentile. */
export function spreadOf(median: number, p99: number): number {
  return Math.log(p99 / median) / 2.326;
}
