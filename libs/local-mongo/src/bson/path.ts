import { CommandFailure } from '../command-failure.ts';
import { bsonType, findField, someElement, type Raw } from './raw.ts';

/** A dotted path, taken apart once: names as text and as bytes, and where a name could be an array position. */
export interface Path {
  readonly text: string;
  readonly parts: readonly string[];
  readonly names: readonly Uint8Array[];
  /** The array index that part i names, or -1. */
  readonly positions: readonly number[];
}

export function parsePath(text: string): Path {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  if (text.includes('\0')) throw new CommandFailure(2, 'Paths cannot contain a null byte');
  const parts = text.split('.');
  const path = { text, parts, names: parts.map((part) => Buffer.from(part)), positions: parts.map(positionOf) };
  if (parsed.size >= 4096) parsed.clear();
  parsed.set(text, path);
  return path;
}

// Clients send the same few paths over and over: taken apart once, and bounded, since the texts are the clients' own.
const parsed = new Map<string, Path>();

export function positionOf(part: string): number {
  return /^(0|[1-9]\d{0,8})$/.test(part) ? Number(part) : -1;
}

/** What a query's test is asked about: a value, or undefined for a field that is not there. */
export type ValueTest = (value: Raw | undefined) => boolean;

/**
 * Whether any value that `path` names in `document` passes. This is mongod's traversal: an array on the way stands for each
 * of its documents (and for the element at a numeric part); a scalar on the way means that the field is missing; an array
 * at the end stands for each of its elements and then for itself, or (`wholeArrays`) for itself alone.
 */
export function anyValueAt(document: Raw, path: Path, test: ValueTest, wholeArrays = false): boolean {
  return search(document, 0, { path, test, wholeArrays });
}

interface Search {
  readonly path: Path;
  readonly test: ValueTest;
  readonly wholeArrays: boolean;
}

function search(document: Raw, depth: number, wanted: Search): boolean {
  const value = findField(document.bytes, document.start, wanted.path.names[depth] as Uint8Array);
  return value === undefined ? wanted.test(undefined) : enter(value, depth + 1, wanted);
}

function enter(value: Raw, depth: number, wanted: Search): boolean {
  const atEnd = depth === wanted.path.parts.length;
  if (value.type === bsonType.array) {
    if (!atEnd) return searchArray(value, depth, wanted);
    return (!wanted.wholeArrays && someElement(value, wanted.test)) || wanted.test(value);
  }
  if (atEnd) return wanted.test(value);
  return value.type === bsonType.document ? search(value, depth, wanted) : wanted.test(undefined);
}

function searchArray(array: Raw, depth: number, wanted: Search): boolean {
  const { path, test } = wanted;
  const position = path.positions[depth] as number;
  const isLast = depth + 1 === path.parts.length;
  return someElement(array, (element, index) => {
    if (element.type === bsonType.document && search(element, depth, wanted)) return true;
    if (index !== position) return false;
    if (isLast) return test(element);
    if (element.type === bsonType.document) return search(element, depth + 1, wanted);
    return element.type === bsonType.array && searchArray(element, depth + 1, wanted);
  });
}

/** The one value at a path that crosses no array; undefined when it is missing or behind an array. */
export function plainValueAt(document: Raw, path: Path): Raw | undefined {
  let value: Raw | undefined = document;
  for (const name of path.names) {
    if (value?.type !== bsonType.document) return undefined;
    value = findField(value.bytes, value.start, name);
  }
  return value;
}
