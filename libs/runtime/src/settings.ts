import { z } from 'zod';
import { unescapedRight, urlProblem } from './url-problem.ts';

/**
 * The pieces an app's `config.ts` is made of: each reads one environment variable's text, and says in its metadata what
 * would be right. Defaults are given in the result's own unit: `duration().default(30_000)` is thirty seconds.
 */
export interface SettingFacts {
  /** What a right value is: the second half of "must be …". */
  readonly expects?: string;
  /** The variable's name, where it is not the key in capitals (`mongoUrl` → `MONGO_URL`). */
  readonly env?: string;
  /** Never shown: neither in problems nor in the start-up line. In problems a URL is, without what is secret in it. */
  readonly secret?: boolean;
  /** How a value is written. */
  readonly kind?: 'duration' | 'size' | 'list' | 'url';
  readonly description?: string | undefined;
}

/** Any text, blanks around it removed. */
export function text(expects = 'a text') {
  return z.string().trim().min(1).meta({ expects });
}

/** A whole number in decimal digits. */
export function integer(limits: { min?: number; max?: number } = {}) {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = limits;
  const upTo = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `from ${min} to ${max}`;
  return read(`a whole number, ${upTo}`, (given) => {
    const value = Number(given);
    return /^[+-]?\d+$/.test(given) && value >= min && value <= max ? value : null;
  });
}

/** A decimal number. */
export function decimal(limits: { min?: number; max?: number } = {}) {
  const { min = -Infinity, max = Infinity } = limits;
  const range = min === -Infinity && max === Infinity ? '' : `, from ${min} to ${max}`;
  return read(`a number${range}`, (given) => {
    const value = Number(given);
    return /^[+-]?\d+(\.\d+)?$/.test(given) && value >= min && value <= max ? value : null;
  });
}

/** A TCP port; 0 asks the system for a free one. */
export function port() {
  return read('a TCP port, 0 to 65535 (0: any free one)', (given) => {
    const value = Number(given);
    return /^\d{1,5}$/.test(given) && value <= 65_535 ? value : null;
  });
}

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A duration with its unit (`250ms`, `30s`, `5m`, `1h`, `7d`), as milliseconds. A bare number is refused: of what? */
export function duration(limits: { minMs?: number; maxMs?: number } = {}) {
  const { minMs = 0, maxMs = Number.MAX_SAFE_INTEGER } = limits;
  const least = minMs > 0 ? `, at least ${writeDuration(minMs)}` : '';
  const most = maxMs < Number.MAX_SAFE_INTEGER ? `, at most ${writeDuration(maxMs)}` : '';
  return read(`a duration with its unit (250ms, 30s, 5m, 1h, 7d)${least}${most}`, (given) => {
    const value = withUnit(given, durationUnits);
    return value !== null && value >= minMs && value <= maxMs ? value : null;
  }).meta({ kind: 'duration' });
}

const sizeUnits: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

/** A size with its unit (`512b`, `64kb`, `2mb`; powers of 1024), as bytes. */
export function size() {
  return read('a size with its unit (512b, 64kb, 2mb, 1gb)', (given) => withUnit(given.toLowerCase(), sizeUnits)).meta({
    kind: 'size',
  });
}

/** true or false (also yes/no, on/off, 1/0). */
export function flag() {
  return read('true or false', (given) => {
    const word = given.toLowerCase();
    if (['true', 'yes', 'on', '1'].includes(word)) return true;
    return ['false', 'no', 'off', '0'].includes(word) ? false : null;
  });
}

/** One word of a closed set. */
export function oneOf<const Word extends string>(words: readonly Word[]) {
  return read(`one of ${words.join(', ')}`, (given) => words.find((word) => word === given) ?? null);
}

/**
 * A URL of one of these schemes (`['http', 'https']`), as it was written. Several hosts are legal: MongoDB's URLs have them.
 * `problemOf` judges further: what is wrong, or null.
 */
export function url(schemes: readonly string[], problemOf: (given: string) => string | null = () => null) {
  const expects = `a URL beginning with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}`;
  return z
    .string()
    .transform((text, context): string => {
      const given = text.trim();
      const problem = urlProblem(given, schemes) ?? withoutQuoting(given, problemOf(given));
      if (problem === null) return given;
      const message = problem === '' ? `must be ${expects}` : `${problem}: must be ${expects}`;
      context.issues.push({ code: 'custom', message, input: text });
      return z.NEVER;
    })
    .meta({ expects, kind: 'url' });
}

/** An @ behind the host may be the end of a password with a ? in it: what a parser says of the rest would repeat its half. */
function withoutQuoting(given: string, problem: string | null): string | null {
  const isInDoubt = /^[^/]*\/\/[^/?#]*[/?#].*@/s.test(given);
  return problem !== null && isInDoubt ? `has an option that cannot be one, or ${unescapedRight}` : problem;
}

/** Values separated by commas; blanks around them and empty ones are dropped. */
export function list(expects = 'values separated by commas') {
  return read(expects, (given) =>
    given
      .split(',')
      .map((part) => part.trim())
      .filter((part) => part !== ''),
  ).meta({ kind: 'list' });
}

/** Marks a setting whose value is never shown. */
export function secret<Schema extends z.ZodType>(schema: Schema): Schema {
  return schema.meta({ secret: true }) as Schema;
}

/** Writes milliseconds as `duration()` reads them: 90000 → `90s`. */
export function writeDuration(ms: number): string {
  return writeWithUnit(ms, durationUnits);
}

/** Writes bytes as `size()` reads them: 65536 → `64kb`. */
export function writeSize(bytes: number): string {
  return writeWithUnit(bytes, sizeUnits);
}

function read<Value>(expects: string, parse: (given: string) => Value | null) {
  return z
    .string()
    .transform((given, context): Value => {
      const value = parse(given.trim());
      if (value !== null) return value;
      context.issues.push({ code: 'custom', message: `must be ${expects}`, input: given });
      return z.NEVER;
    })
    .meta({ expects });
}

function withUnit(given: string, units: Readonly<Record<string, number>>): number | null {
  const parts = /^(\d+(?:\.\d+)?)\s*([a-z]+)$/.exec(given);
  const unit = parts === null ? undefined : units[parts[2] ?? ''];
  return parts === null || unit === undefined ? null : Math.round(Number(parts[1]) * unit);
}

function writeWithUnit(value: number, units: Readonly<Record<string, number>>): string {
  const fitting = Object.entries(units).findLast(([, factor]) => value !== 0 && value % factor === 0);
  const [unit, factor] = fitting ?? Object.entries(units)[0] ?? ['', 1];
  return `${value / factor}${unit}`;
}
