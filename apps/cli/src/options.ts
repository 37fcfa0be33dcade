import { InvalidArgumentError, Option } from 'commander';
import type { TaskChoice } from '@juice/client';

/** What options and arguments are read as; a wrong one is told with what would be right. */

/** Of tenants about their own, and with it of operators about everybody's. */
export const adminOption = new Option('--admin', 'as an operator, about all tenants (JUICE_ADMIN_KEY)');

export function readInteger(text: string): number {
  if (/^-?\d{1,10}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('must be an integer.');
}

export function readNumber(text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new InvalidArgumentError('must be a number from 0 on, such as 0.5.');
}

export function readInstant(text: string): Date {
  const ms = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError('must be an instant, such as 2026-01-31T00:00:00Z.');
  return new Date(ms);
}

export function readDay(text: string): string {
  const ms = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError('must be a day, such as 2026-01-31.');
  return text;
}

export function readId(text: string): string {
  if (/^[1-9]\d{0,18}$/.test(text)) return text;
  throw new InvalidArgumentError('must be the id of a task: a positive 64-bit integer.');
}

/** A webhook-id, or the id of a task. */
export function readCallbackId(text: string): string {
  if (/^[1-9]\d{0,18}(_\d{1,9})?$/.test(text)) return text;
  throw new InvalidArgumentError('must be a webhook-id (<task>_<sequence>), or the id of a task.');
}

export const readIds = (text: string, before: readonly string[] = []): readonly string[] => [...before, readId(text)];

/** `name=value`, which may be given several times. */
export function readPair(
  text: string,
  before: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('must be name=value.');
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** `key` or `key=value`, which may be given several times. */
export function readLabel(
  text: string,
  before: Readonly<Record<string, string | null>> = {},
): Readonly<Record<string, string | null>> {
  return text.includes('=') ? { ...before, ...readPair(text) } : { ...before, [text]: null };
}

export function readObject(text: string): object {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch (error: unknown) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new InvalidArgumentError('must be a JSON object.');
}

/** The options that choose tasks; all that are given must hold. */
export const choiceOptions: readonly Option[] = [
  new Option('--status <states>', 'names or numbers, or waiting, live, ended; with commas between them').argParser(
    (text) => text.split(','),
  ),
  new Option('--name-prefix <text>', 'what the name begins with'),
  new Option('--label <key[=value]>', 'a label it has; may be repeated').argParser(readLabel),
  new Option('--after <instant>', 'submitted at this instant or later').argParser(readInstant),
  new Option('--before <instant>', 'submitted before this instant').argParser(readInstant),
];

export interface ChoiceOptions {
  readonly status?: readonly string[];
  readonly namePrefix?: string;
  readonly label?: Readonly<Record<string, string | null>>;
  readonly after?: Date;
  readonly before?: Date;
}

/** What was chosen; members that were not given are not there. */
export function choiceOf({ status, namePrefix, label, after, before }: ChoiceOptions): TaskChoice {
  return {
    ...(status !== undefined && { status }),
    ...(namePrefix !== undefined && { namePrefix }),
    ...(label !== undefined && { labels: label }),
    ...(after !== undefined && { submittedAfter: after }),
    ...(before !== undefined && { submittedBefore: before }),
  };
}
