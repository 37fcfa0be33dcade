import { juiceVariables } from './juice-variables.ts';
import type { Report } from './report.ts';

/** A variable that no service reads, and the one that may have been meant. */
export interface UnknownVariable {
  readonly variable: string;
  readonly nearest: string | null;
}

/** Two slips of the finger: more, and names that mean something else come near. */
const farthest = 2;

/**
 * Warns, in one line, of variables that begin as ours do and that nobody reads: mostly misspelt, and without effect. Those
 * of another service are none: services often share one environment. Values are not shown.
 */
export function warnOfUnknownVariables(
  env: Readonly<Record<string, string | undefined>>,
  log: Report,
  further: readonly string[] = [],
): void {
  const unknown = unknownVariables(Object.keys(env), [...juiceVariables, ...further]);
  if (unknown.length > 0) log.warn('config.unknown', { variables: unknown });
}

export function unknownVariables(given: readonly string[], known: readonly string[]): readonly UnknownVariable[] {
  return given
    .filter((variable) => /^JUICE_(?!TEST_)/i.test(variable) && !known.includes(variable))
    .sort()
    .map((variable) => ({ variable, nearest: nearestOf(variable.toUpperCase(), known) }));
}

function nearestOf(variable: string, known: readonly string[]): string | null {
  let nearest: string | null = null;
  let least = farthest + 1;
  for (const name of known) {
    const distance = slipsBetween(variable, name);
    if (distance < least) [nearest, least] = [name, distance];
  }
  return nearest;
}

/** Letters left out, put in, replaced, or swapped with the next: optimal string alignment. */
function slipsBetween(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > farthest) return farthest + 1;
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const here = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1];
      const changed = (above[column - 1] ?? 0) + (isSame ? 0 : 1);
      const moved = Math.min(above[column] ?? 0, here[column - 1] ?? 0) + 1;
      const isSwapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      here.push(Math.min(changed, moved, isSwapped ? (before[column - 2] ?? 0) + 1 : Infinity));
    }
    [before, above] = [above, here];
  }
  return above[b.length] ?? 0;
}
