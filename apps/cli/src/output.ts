import { writeExactJson } from '@juice/contracts';

export interface Output {
  /** Whether what is told is for programs. */
  readonly isJson: boolean;
  readonly say: (line: string) => void;
}

type Cell = string | number | bigint | boolean | null | undefined;

/** One thing: in JSON as it was answered, or a line for each member that is not within another. */
export function tell({ isJson, say }: Output, thing: object): void {
  if (isJson) return say(writeExactJson(thing));
  const entries = Object.entries(thing).filter(([, value]) => value !== undefined);
  const width = Math.max(0, ...entries.map(([name]) => name.length));
  for (const [name, value] of entries) {
    const text = typeof value === 'object' && value !== null ? writeExactJson(value) : String(value);
    say(`${name.padEnd(width)}  ${plain(text)}`);
  }
}

/** Things in columns; in JSON a line for each. */
export function tellAll<T extends object>(
  { isJson, say }: Output,
  things: readonly T[],
  columns: Readonly<Record<string, (thing: T) => Cell>>,
): void {
  if (isJson) return things.forEach((thing) => say(writeExactJson(thing)));
  const rows = [
    Object.keys(columns).map((name) => name.toUpperCase()),
    ...things.map((thing) => Object.values(columns).map((cell) => plain(String(cell(thing) ?? '–')))),
  ];
  const widths = Object.keys(columns).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  for (const row of rows)
    say(
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

/** A task's name and messages are somebody's text: nothing in them may move the cursor or start a line. */
export function plain(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '�');
}
