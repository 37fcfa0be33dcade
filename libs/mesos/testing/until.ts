import { setTimeout as wait } from 'node:timers/promises';

/** Resolves when `condition` holds; rejects, naming `what`, when it does not by the deadline. */
export async function until(condition: () => boolean, what: string, deadlineMs = 20_000): Promise<void> {
  for (const deadline = Date.now() + deadlineMs; !condition();) {
    if (Date.now() > deadline) throw new Error(`not within ${deadlineMs} ms: ${what}`);
    await wait(5);
  }
}
