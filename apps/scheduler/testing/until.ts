import { setImmediate as turn } from 'node:timers/promises';

/** Waits, turn by turn of the event loop, until something holds; fails by name after ten seconds. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await turn();
  }
}
