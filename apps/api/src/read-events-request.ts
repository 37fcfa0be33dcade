import { eventIdRight, parseEventCursor, taskEventsQuery } from '@juice/contracts';
import type { Beginning } from './follow-events.ts';
import { readQueryAs } from './read-admin-request.ts';
import type { Read } from './read-request.ts';
import { refuse } from './refusal.ts';
import { shortenValue } from './shorten-value.ts';

/**
 * Where a stream is to begin: after the event of the header Last-Event-ID, or else of `lastEventId`; or else as `from` says, `start` or
 * `now`, which it is when nothing is said. The header comes first because a client sends it when it comes again, to the same URL; which
 * must be right all the same, so that what is wrong with it shows at once and not only where there is no header.
 */
export function readBeginning(header: string | undefined, query: object): Read<Beginning> {
  const asked = readQueryAs(taskEventsQuery, query);
  if (!asked.ok) return asked;
  if (header !== undefined && header.trim() !== '') return readLastEventId(header);
  const { lastEventId, from = 'now' } = asked.value;
  return { ok: true, value: lastEventId ?? from };
}

function readLastEventId(header: string): Read<Beginning> {
  const cursor = parseEventCursor(header);
  if (cursor !== null) return { ok: true, value: cursor };
  const value = shortenValue(header);
  const member = 'Last-Event-ID';
  const message = `header ${member} must be ${eventIdRight}, not ${value}`;
  return refuse('invalid', { member, code: 'DATA_FORMAT', message, value });
}
