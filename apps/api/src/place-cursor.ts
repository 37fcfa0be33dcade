import { refuse } from './refusal.ts';
import type { Read } from './read-request.ts';
import { shortenValue } from './shorten-value.ts';

/** A place in a list as a cursor: it has blanks and slashes, and a query parameter should have none. */
export function writePlaceCursor(place: string): string {
  return Buffer.from(place).toString('base64url');
}

/** The place; null when none is given. `places`: what a place of the list looks like. */
export function readPlaceCursor(cursor: string | undefined, places: RegExp): Read<string | null> {
  if (cursor === undefined) return { ok: true, value: null };
  const place = Buffer.from(cursor, 'base64url').toString();
  if (places.test(place)) return { ok: true, value: place };
  const value = shortenValue(cursor);
  const message = `cursor must be a cursor as nextCursor gives it, not ${value}`;
  return refuse('invalid', { member: 'cursor', code: 'OBJECT_NOT_EQUAL', message, value });
}
