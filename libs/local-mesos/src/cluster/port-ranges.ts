/** Ranges of whole numbers, both ends included; sorted, not touching, never empty. The form Mesos keeps `ports` in. */
export type Ranges = readonly Range[];
export interface Range {
  readonly begin: number;
  readonly end: number;
}

/** Sorts and melts ranges that overlap or touch. */
export function normalizeRanges(ranges: readonly Range[]): Ranges {
  const sorted = ranges.filter((range) => range.begin <= range.end).sort((a, b) => a.begin - b.begin);
  const merged: { begin: number; end: number }[] = [];
  for (const range of sorted) {
    const last = merged.at(-1);
    if (last !== undefined && range.begin <= last.end + 1) last.end = Math.max(last.end, range.end);
    else merged.push({ begin: range.begin, end: range.end });
  }
  return merged;
}

export function addRanges(a: Ranges, b: Ranges): Ranges {
  return normalizeRanges([...a, ...b]);
}

export function subtractRanges(from: Ranges, taken: Ranges): Ranges {
  let left: Range[] = [...from];
  for (const cut of taken) {
    left = left.flatMap((range) => {
      if (cut.end < range.begin || cut.begin > range.end) return [range];
      return [
        { begin: range.begin, end: cut.begin - 1 },
        { begin: cut.end + 1, end: range.end },
      ].filter((piece) => piece.begin <= piece.end);
    });
  }
  return left;
}

export function containsRanges(whole: Ranges, part: Ranges): boolean {
  return part.every((wanted) => whole.some((range) => range.begin <= wanted.begin && wanted.end <= range.end));
}
