import { stringify } from 'lossless-json';

/**
 * JSON with exact 64-bit integers: an integer literal outside ±(2^53-1), of at most forty characters, becomes a bigint, and a bigint
 * is written as an integer literal. Everything else is as JSON.parse and JSON.stringify have it: of members of the same name the last
 * one stands, a `__proto__` member is an ordinary one. Throws SyntaxError for text that is not JSON.
 */
export function parseExactJson(text: string): unknown {
  // Without sixteen digits in a row no integer can be inexact.
  const marked = /\d{16}/.test(text) ? markLongIntegers(text) : text;
  if (marked === text) return JSON.parse(text) as unknown;
  try {
    return readMarks(JSON.parse(marked));
  } catch (error: unknown) {
    if (!(error instanceof SyntaxError)) throw error;
    // Fails as well, and names a place in the text as it was given.
    return JSON.parse(text) as unknown;
  }
}

/** Writes a value as JSON text; bigints as integer literals, undefined members left out. */
export function writeExactJson(value: unknown): string {
  return stringify(value) ?? 'null';
}

/**
 * What a long integer begins with while the engine's own parser, which is ten times as fast as one that knows of them, reads the
 * text; and a string that begins with the same character.
 */
const marks = { integer: '\u0001n', string: '\u0001s' } as const;
const escaped = String.raw`\u0001`;
/** Making a bigint takes longer than its digits are many: ten million of them would take half a minute. */
const mostCharacters = 40;

/** The text with strings in place of the integers that a double may not hold. In time linear in its length. */
function markLongIntegers(text: string): string {
  const places = /"|-?\d{16}/g;
  const parts: string[] = [];
  let from = 0;
  const mark = (start: number, end: number, marked: string): void => {
    parts.push(text.slice(from, start), marked);
    from = end;
  };
  for (let found = places.exec(text); found !== null; found = places.exec(text)) {
    const { index } = found;
    const isString = found[0] === '"';
    const end = isString ? endOfString(text, index) : endOfDigits(text, places.lastIndex);
    places.lastIndex = end;
    if (!isString && isLongInteger(text, index, end)) mark(index, end, `"${escaped}n${text.slice(index, end)}"`);
    if (isString && text.startsWith(escaped, index + 1) && !isName(text, end)) mark(index, index + 1, `"${escaped}s`);
  }
  return from === 0 ? text : parts.join('') + text.slice(from);
}

/** Whether that is a whole number, and not a part of one, of a fraction, or what the parser has to refuse. */
function isLongInteger(text: string, start: number, end: number): boolean {
  if (end - start > mostCharacters || /^-?0/.test(text.slice(start, start + 2))) return false;
  return !/[\d.eE+-]/.test(text.charAt(start - 1)) && !/[.eE]/.test(text.charAt(end)) && !isName(text, end);
}

function endOfDigits(text: string, from: number): number {
  let end = from;
  for (let digit = text.charCodeAt(end); digit >= 48 && digit <= 57; digit = text.charCodeAt(end)) end += 1;
  return end;
}

/** A number is no name of a member, and a text would be one. */
function isName(text: string, end: number): boolean {
  const colon = /\s*:/y;
  colon.lastIndex = end;
  return colon.test(text);
}

/** Just behind the quote that ends the string that begins here. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); quote !== -1; quote = text.indexOf('"', quote + 1)) {
    let escapes = quote;
    while (text[escapes - 1] === '\\') escapes -= 1;
    if ((quote - escapes) % 2 === 0) return quote + 1;
  }
  return text.length;
}

/** The value with its marks read: in place, and without recursion, however deep it is. */
function readMarks(value: unknown): unknown {
  const root = { value };
  const open: object[] = [root];
  const read = (member: unknown): unknown => {
    if (typeof member === 'string') return readMarked(member);
    if (typeof member === 'object' && member !== null) open.push(member);
    return member;
  };
  for (let one = open.pop(); one !== undefined; one = open.pop()) {
    const members = one as Record<number | string, unknown>;
    if (Array.isArray(one)) for (let at = 0; at < one.length; at += 1) members[at] = read(members[at]);
    else for (const name of Object.keys(one)) members[name] = read(members[name]);
  }
  return root.value;
}

function readMarked(text: string): number | bigint | string {
  if (text.startsWith(marks.integer)) return readInteger(text.slice(marks.integer.length));
  return text.startsWith(marks.string) ? text.slice(marks.string.length) : text;
}

function readInteger(literal: string): number | bigint {
  const value = Number(literal);
  return Number.isSafeInteger(value) ? value : BigInt(literal);
}
