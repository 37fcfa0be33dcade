import { setTimeout as wait } from 'node:timers/promises';

/** Resolves as soon as the condition holds; rejects after ten seconds. */
export async function until(condition: () => boolean | Promise<boolean>, what = 'the condition'): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`${what} did not come to hold in 10 s`);
    await wait(5);
  }
}
