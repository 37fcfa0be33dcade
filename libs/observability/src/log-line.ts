import { styleText } from 'node:util';
import { serialiseError } from './serialise-error.ts';

export interface LogLine {
  readonly time: string;
  readonly level: string;
  readonly service: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** One line of JSON. The fixed members come first and win over fields of the same name. */
export function writeJsonLine({ time, level, service, event, fields }: LogLine): string {
  const fixed = { time, level, service, event };
  return (
    writeSafely({ ...fixed, ...fields, ...fixed }) ?? JSON.stringify({ ...fixed, unwritable: Object.keys(fields) })
  );
}

const colours: Readonly<Record<string, 'red' | 'yellow' | 'green' | 'gray'>> = {
  error: 'red',
  warn: 'yellow',
  info: 'green',
  debug: 'gray',
};

/** One line for a person: time of day, level, service, event, `name=value` …; the stack of an unexpected error below. */
export function writePrettyLine({ time, level, service, event, fields }: LogLine): string {
  const shown = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${styleText('gray', `${name}=`)}${writeField(value)}`);
  const head = `${styleText('gray', time.slice(11, 23))} ${styleText(colours[level] ?? 'gray', level.padEnd(5))}`;
  const stacks = Object.values(fields).map(stackBelow);
  return `${[head, styleText('cyan', service.padEnd(9)), styleText('bold', event), ...shown].join(' ')}${stacks.join('')}`;
}

function writeField(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(wordsOf(value));
  if (typeof value === 'string') return /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
  if (typeof value === 'bigint') return String(value);
  return writeSafely(value) ?? '(unwritable)';
}

/** `CODE: message ← CODE: message of the cause ← …` */
function wordsOf(error: Error): string {
  const words: string[] = [];
  type Shown = { code?: string | number; name?: string; message?: string; cause?: unknown };
  for (let shown: unknown = serialiseError(error); typeof shown === 'object' && shown !== null;) {
    const { code, name, message, cause } = shown as Shown;
    words.push(`${code ?? name}: ${message}`);
    shown = cause;
  }
  return words.join(' ← ');
}

function stackBelow(value: unknown): string {
  if (!(value instanceof Error) || 'code' in value) return '';
  return `\n${styleText('gray', value.stack ?? '')}`;
}

/** null when there is no way to write it: it refers to itself, or a `toJSON` of it throws. */
function writeSafely(value: unknown): string | null {
  try {
    return JSON.stringify(value, replaceValue) ?? null;
  } catch {
    return null;
  }
}

function replaceValue(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Error) return serialiseError(value);
  if (value instanceof Map) return Object.fromEntries(value);
  return value instanceof Set ? [...value] : value;
}
