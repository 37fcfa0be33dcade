import type { EventName } from '@juice/contracts';

/** What starting and stopping have to say, and to whom. `@juice/observability`'s Log is one. */
export interface Report {
  info(event: EventName, fields?: Readonly<Record<string, unknown>>): void;
  warn(event: EventName, fields?: Readonly<Record<string, unknown>>): void;
  error(event: EventName, fields?: Readonly<Record<string, unknown>>): void;
}
