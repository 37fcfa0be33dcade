import type { Wait } from '../../src/wait.ts';

/** A clock that jumps from one thing to the next, and lets every promise settle between them. */
export interface Timeline {
  now(): number;
  /** Does it that much later; things of the same instant in the order they were asked for. */
  after(ms: number, what: () => void): void;
  readonly wait: Wait;
  /** Runs until that instant, or until `isOver`. */
  run(untilMs: number, isOver?: () => boolean): Promise<void>;
}

interface Entry {
  readonly atMs: number;
  readonly what: () => void;
}

export function createTimeline(startMs: number): Timeline {
  /** Latest first: the next one is at the end. */
  const entries: Entry[] = [];
  let nowMs = startMs;

  function after(ms: number, what: () => void): void {
    const atMs = nowMs + Math.max(0, Math.round(ms));
    let [low, high] = [0, entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((entries[middle]?.atMs ?? 0) > atMs) low = middle + 1;
      else high = middle;
    }
    entries.splice(low, 0, { atMs, what });
  }

  return {
    now: () => nowMs,
    after,
    wait: (ms, signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          signal?.removeEventListener('abort', done);
          resolve();
        };
        if (signal?.aborted) return resolve();
        signal?.addEventListener('abort', done);
        after(ms, done);
      }),
    async run(untilMs, isOver = () => false) {
      await settle();
      for (let next = entries.at(-1); next !== undefined && next.atMs <= untilMs; next = entries.at(-1)) {
        if (isOver()) return;
        entries.pop();
        nowMs = next.atMs;
        next.what();
        await settle();
      }
      nowMs = Math.max(nowMs, untilMs);
    },
  };
}

/** Everything here is promises: when the event loop comes round, all of them have gone as far as they can. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
