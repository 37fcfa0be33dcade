import { z } from 'zod';

/**
 * The pieces that request bodies are made of. Every message is what would have been right ("a non-blank string …"), ready to
 * follow the words "must be".
 */

const printable = /^[^\p{Cc}\p{Cs}]*$/u;

/** Text without control characters: names, paths, URLs. */
export function line(right: string, most: number) {
  const error = `${right} of at most ${most} characters, without control characters`;
  return z.string({ error }).max(most, { error }).regex(printable, { error });
}

export function nonBlankLine(right: string, most: number) {
  const error = `${right} of at most ${most} characters, not blank, without control characters`;
  return z.string({ error }).max(most, { error }).regex(printable, { error }).regex(/\S/, { error });
}

/** Text that a process is given: anything a C string can hold. */
export function blob(right: string, mostBytes: number) {
  const error = `${right} of at most ${mostBytes} bytes in UTF-8, without NUL`;
  return z.string({ error }).refine((text) => isCString(text, mostBytes), { error });
}

function isCString(text: string, mostBytes: number): boolean {
  if (text.includes('\0') || /\p{Cs}/u.test(text)) return false;
  return text.length * 3 <= mostBytes || new TextEncoder().encode(text).length <= mostBytes;
}

/** A number as JSON has it; an integer literal beyond 2^53 has been read as a bigint and is a number here again. */
export function numeric<S extends z.ZodType<number>>(schema: S) {
  return z.preprocess((value) => (typeof value === 'bigint' ? Number(value) : value), schema);
}

export function integer(least: number, most: number) {
  const error = `an integer from ${least} to ${most}`;
  const within = z.number({ error }).refine((n) => Number.isInteger(n) && n >= least && n <= most, { error });
  return numeric(within).meta({ type: 'integer', minimum: least, maximum: most });
}

/** A number that need not be whole. */
export function decimal(least: number, most: number) {
  const error = `a number from ${least} to ${most}`;
  const within = z.number({ error }).refine((n) => n >= least && n <= most, { error });
  return numeric(within).meta({ minimum: least, maximum: most });
}

export function flag() {
  return z.boolean({ error: 'true or false' });
}

/** One of some words, in whatever case; the answer is the word as listed. */
export function word<const W extends string>(words: readonly W[]) {
  const error = `one of ${words.join(', ')}`;
  const listed = z.enum(words as readonly [W, ...W[]], { error });
  return z.preprocess((value) => words.find((w) => same(w, value)) ?? value, listed);
}

function same(word: string, value: unknown): boolean {
  return typeof value === 'string' && word.toLowerCase() === value.toLowerCase();
}

/** A list, its length judged before its elements: a million wrong elements are one problem. */
export function list<S extends z.ZodType>(item: S, most: number, of: string) {
  const error = `a list of at most ${most} ${of}`;
  return z.preprocess((value, context) => {
    if (!Array.isArray(value) || value.length <= most) return value;
    context.issues.push({ code: 'custom', message: error, input: value });
    return z.NEVER;
  }, z.array(item, { error }).max(most));
}

/**
 * An object that has no other members than these: in what an operator sets, a misspelt member that is ignored would do
 * harm. `readOnly` ones are taken and dropped, so that what was answered can be sent back.
 */
export function closedObject<S extends z.ZodRawShape>(shape: S, readOnly: readonly string[] = []) {
  const members = Object.keys(shape).join(', ');
  const only = members === '' ? 'there are no members here' : `the members here are ${members}`;
  const error = (issue: { code?: string | undefined }): string =>
    issue.code === 'unrecognized_keys' ? `left out: ${only}` : `an object {${members}}`;
  return z.preprocess((value) => without(value, readOnly), z.strictObject(shape, { error }));
}

function without(value: unknown, names: readonly string[]): unknown {
  if (names.length === 0 || typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));
}

/** A query, or a body, of a request that has nothing to say in it. */
export const noMembers = closedObject({});
