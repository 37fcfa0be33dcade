/**
 * How many lanes of an endpoint are worth keeping in memory for their turn: about as many as it takes in two seconds, so that it
 * never waits for the next look at the database, and one that takes nothing does not fill the memory.
 */
export interface Pace {
  done(endpoint: string): void;
  worthWaiting(endpoint: string): number;
  forget(endpoint: string): void;
}

const spanMs = 2_000;
/** A look at the database brings in as many: fewer would not be worth it. */
const least = 32;

export function createPace(now: () => number): Pace {
  const counts = new Map<string, { startMs: number; before: number; since: number }>();

  function present(endpoint: string) {
    const startMs = Math.floor(now() / spanMs) * spanMs;
    const count = counts.get(endpoint);
    if (count === undefined) return { startMs, before: 0, since: 0 };
    if (count.startMs === startMs) return count;
    return { startMs, before: count.startMs === startMs - spanMs ? count.since : 0, since: 0 };
  }

  return {
    done(endpoint) {
      const count = present(endpoint);
      counts.set(endpoint, { ...count, since: count.since + 1 });
    },
    worthWaiting(endpoint) {
      const { before, since } = present(endpoint);
      return least + Math.max(before, since);
    },
    forget: (endpoint) => void counts.delete(endpoint),
  };
}
