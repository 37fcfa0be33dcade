import { z } from 'zod';
import { parseEventCursor, type EventCursor } from './event-log.ts';
import { closedObject, word } from './request-members.ts';

/** What names a place in a stream, ready to follow the words "must be". */
export const eventIdRight = 'the id of an event of a stream, such as 12-345';

const eventId = z.string({ error: eventIdRight }).transform((text, context): EventCursor => {
  const place = parseEventCursor(text);
  if (place !== null) return place;
  context.issues.push({ code: 'custom', message: eventIdRight, input: text });
  return z.NEVER;
});

/** The query parameters of GET /v1/events and GET /v1/tasks/{taskId}/events: where the stream is to begin. */
export const taskEventsQuery = closedObject({
  lastEventId: eventId.optional().meta({ description: 'As `Last-Event-ID`, for clients that cannot set a header.' }),
  from: word(['start', 'now'])
    .optional()
    .meta({ description: '`start`: with all that is kept; `now`, the default: with what happens from now on.' }),
});
