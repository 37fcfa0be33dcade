/** How long a command may keep the process to itself before others get a turn: unnoticeable, and rarely reached. */
const turnMs = 8;

/** Asked now and then in a long command: a promise to wait for when the turn is over, else undefined. */
export type Pace = () => Promise<void> | undefined;

export function createPace(): Pace {
  let startedAt = performance.now();
  return () => {
    if (performance.now() - startedAt < turnMs) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        startedAt = performance.now();
        resolve();
      });
    });
  };
}
