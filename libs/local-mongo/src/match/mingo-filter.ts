import { Query } from 'mingo';
import { CommandFailure } from '../command-failure.ts';
import { Raw } from '../bson/raw.ts';
import { plainDocument, toPlain } from '../bson/read.ts';

/** What this server does not match itself ($expr, bit tests), matched by mingo on the decoded document. */
export function matchesByMingo(filter: Readonly<Record<string, unknown>>): (document: Raw) => boolean {
  try {
    const query = new Query(decoded(filter) as Record<string, unknown>, { scriptEnabled: false });
    return (document) => query.test(plainDocument(document));
  } catch (error) {
    throw new CommandFailure(2, error instanceof Error ? error.message : String(error));
  }
}

function decoded(value: unknown): unknown {
  if (value instanceof Raw) return toPlain(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, decoded(child)]));
}
