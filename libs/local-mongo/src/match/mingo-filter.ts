import { Query } from 'mingo';
import { CommandFailure } from '../command-failure.ts';
import { Raw } from '../bson/raw.ts';
import { plainDocument, toPlain } from '../bson/read.ts';

/** What this server does not match itself ($expr, bit tests), matched by mingo on the decoded document. */
export function matchesByMingo(filter: Readonly<Record<string, unknown>>): (document: Raw) => boolean {
  const query = translated(() => new Query(decoded(filter) as Record<string, unknown>, { scriptEnabled: false }));
  return (document) => translated(() => query.test(plainDocument(document)));
}

/** mingo says in an error of its own what it cannot make sense of. */
function translated<Result>(run: () => Result): Result {
  try {
    return run();
  } catch (error) {
    throw new CommandFailure(2, error instanceof Error ? error.message : String(error));
  }
}

function decoded(value: unknown): unknown {
  if (value instanceof Raw) return toPlain(value);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, decoded(child)]));
}
