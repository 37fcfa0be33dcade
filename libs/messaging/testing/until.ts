import { setTimeout as wait } from 'node:timers/promises';

/** Polls until the condition holds. Past the deadline it throws: the deadline bounds a failure, it measures nothing. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  deadlineMs = 20_000,
): Promise<void> {
  for (const end = performance.now() + deadlineMs; !(await condition());) {
    if (performance.now() > end) throw new Error(`waited ${deadlineMs} ms in vain until ${what}`);
    await wait(5);
  }
}
