import { Aggregator } from 'mingo';
import { CommandFailure } from '../command-failure.ts';

type PlainDocument = Record<string, unknown>;

/** Runs pipeline stages over decoded documents. What mingo cannot do is CommandFailure(40324) or (2). */
export function runMingo(
  documents: PlainDocument[],
  pipeline: PlainDocument[],
  collectionOf: (name: string) => PlainDocument[] = () => [],
): (PlainDocument | undefined)[] {
  try {
    return new Aggregator(pipeline, { scriptEnabled: false, collectionResolver: collectionOf }).run<PlainDocument>(
      documents,
    );
  } catch (error) {
    if (error instanceof CommandFailure) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new CommandFailure(message.includes('unregistered') ? 40324 : 2, message);
  }
}
