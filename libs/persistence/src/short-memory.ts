/** What was loaded, for a few seconds: so that requests do not each cost a query. */
export interface ShortMemory<Value> {
  /** As load has it, or had it at most `keepMs` ago. Whoever asks while it is being loaded waits for the same load. */
  recall(id: string): Promise<Value>;
  /** The next recall loads anew. */
  forget(id: string): void;
  forgetAll(): void;
}

/** At most `most` values are kept, the oldest are dropped first; a load that fails is not kept. */
export function createShortMemory<Value>(deps: {
  load: (id: string) => Promise<Value>;
  keepMs: number;
  most: number;
  /** Milliseconds of a clock that only goes forward. */
  monotonicMs: () => number;
}): ShortMemory<Value> {
  const { load, keepMs, most, monotonicMs } = deps;
  const kept = new Map<string, { readonly value: Promise<Value>; readonly untilMs: number }>();

  function loadAnew(id: string): Promise<Value> {
    // Counted from before the load: what it reads may change right after.
    const untilMs = monotonicMs() + keepMs;
    const value = load(id);
    const entry = { value, untilMs };
    kept.delete(id);
    for (const [oldest] of kept) {
      if (kept.size < most) break;
      kept.delete(oldest);
    }
    kept.set(id, entry);
    value.catch(() => {
      if (kept.get(id) === entry) kept.delete(id);
    });
    return value;
  }

  return {
    recall(id) {
      const entry = kept.get(id);
      return entry !== undefined && monotonicMs() < entry.untilMs ? entry.value : loadAnew(id);
    },
    forget: (id) => void kept.delete(id),
    forgetAll: () => kept.clear(),
  };
}
