import { parseEventCursor } from '@juice/contracts';
import type { Beginning } from './follow-events.ts';
import type { Read } from './read-request.ts';
import { refuse } from './refusal.ts';
import { shortenValue } from './shorten-value.ts';

const idRight = 'the id of an event of a stream, such as 12-345';

/**
 * Where a stream is to begin: after the event of the header Last-Event-ID, or else of `lastEventId`; or else as `from` says, `start` or
 * `now`, which it is when nothing is said. The header comes first because a client sends it when it comes again, to the same URL.
 */
export function readBeginning(header: string | undefined, query: Readonly<Record<string, unknown>>): Read<Beginning> {
  if (header !== undefined && header.trim() !== '') return readEventId('header Last-Event-ID', header);
  const { lastEventId, from = 'now' } = query;
  if (lastEventId !== undefined) return readEventId('query parameter lastEventId', lastEventId);
  if (from === 'now' || from === 'start') return { ok: true, value: from };
  const value = shortenValue(from);
  const message = `query parameter from must be "start" or "now", not ${value}`;
  return refuse('invalid', { member: 'from', code: 'OBJECT_NOT_EQUAL', message, value });
}

function readEventId(what: string, given: unknown): Read<Beginning> {
  const cursor = typeof given === 'string' ? parseEventCursor(given) : null;
  if (cursor !== null) return { ok: true, value: cursor };
  const value = shortenValue(given);
  const message = `${what} must be ${idRight}, not ${value}`;
  const member = what.split(' ').at(-1) ?? what;
  return refuse('invalid', { member, code: 'DATA_FORMAT', message, value });
}
