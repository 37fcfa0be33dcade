/** Sums the `Tests: 1 failed, 2 skipped, 3 passed, 6 total` lines of any number of Jest runs (text without colours). */
export function countTests(output) {
  const totals = { passed: 0, failed: 0, skipped: 0 };
  for (const [, summary] of output.matchAll(/^\s*Tests:\s+(.*\d+ total)\s*$/gm)) {
    for (const [, count, kind] of summary.matchAll(/(\d+) (passed|failed|skipped)/g)) totals[kind] += Number(count);
  }
  return totals;
}
