import { skipped, wrong, type Finding, type Judgement } from './finding.ts';

/** How long one check may take: longer than any part that works, short enough to wait for. */
export const usualLimitMs = 5_000;

/**
 * Runs one check. That it fails, or is not over after `limitMs`, is a finding too, with this advice. What is late is not
 * waited for; `signal` tells it to end.
 */
export async function runCheck(
  check: string,
  { limitMs, advice }: { limitMs: number; advice: string },
  look: (signal: AbortSignal) => Promise<Judgement>,
): Promise<Finding> {
  const over = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Judgement>((resolve) => {
    timer = setTimeout(() => resolve(wrong(`no answer within ${limitMs / 1000} s`, advice)), limitMs);
  });
  const looking = look(over.signal).catch((error: unknown) =>
    wrong(error instanceof Error ? error.message : String(error), advice),
  );
  const judged = await Promise.race([looking, late]);
  clearTimeout(timer);
  over.abort();
  return { check, ...judged };
}

/** The same, of checks that cannot be made. */
export function skipAll(checks: readonly string[], why: string): readonly Finding[] {
  return checks.map((check) => ({ check, ...skipped(why) }));
}
