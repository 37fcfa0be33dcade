import { parse, stringify } from 'lossless-json';

/**
 * JSON with exact 64-bit integers: an integer literal outside ±(2^53-1) becomes a bigint, and a bigint is written as an
 * integer literal. Everything else is as JSON.parse and JSON.stringify have it; a `__proto__` member is an ordinary one.
 * Throws SyntaxError for text that is not JSON.
 */
export function parseExactJson(text: string): unknown {
  // Without sixteen digits in a row no integer can be inexact, and the engine's own parser is ten times as fast.
  if (!/\d{16}/.test(text) && !text.includes('__proto__')) return JSON.parse(text) as unknown;
  return parse(text, undefined, { parseNumber: readNumber });
}

/** Writes a value as JSON text; bigints as integer literals, undefined members left out. */
export function writeExactJson(value: unknown): string {
  return stringify(value) ?? 'null';
}

function readNumber(literal: string): number | bigint {
  const value = Number(literal);
  return /^-?\d+$/.test(literal) && !Number.isSafeInteger(value) ? BigInt(literal) : value;
}
