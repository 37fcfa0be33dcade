/** Polls, a turn of the event loop at a time, until there is something; throws when there is nothing for ten seconds. */
export async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  const deadlineMs = performance.now() + 10_000;
  for (;;) {
    const seen = look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > deadlineMs) throw new Error(`waited in vain until ${what}`);
    await new Promise(setImmediate);
  }
}
