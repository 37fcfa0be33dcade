import { CommandFailure } from '../command-failure.ts';
import { fields, findField, type Raw, documentOf } from '../bson/raw.ts';
import { plainDocument } from '../bson/read.ts';
import { encodeDocument } from '../bson/writer.ts';
import { runMingo } from '../aggregate/run-mingo.ts';
import { idName, withId } from './with-id.ts';
import type { Update } from './compile-update.ts';

const allowed = ['$set', '$addFields', '$unset', '$project', '$replaceRoot', '$replaceWith'];

/** An update that is an aggregation pipeline: computed by mingo on the decoded document, which keeps its `_id`. */
export function compilePipelineUpdate(stages: readonly Raw[]): Update {
  for (const stage of stages) {
    const operator = fields(stage)[0]?.[0] ?? '';
    if (!allowed.includes(operator)) {
      throw new CommandFailure(72, `${operator} is not allowed to be used within an update`);
    }
  }
  const pipeline = stages.map(plainDocument);
  return {
    kind: 'pipeline',
    touches: null,
    apply: (document) => {
      const [changed] = runMingo([plainDocument(document)], pipeline);
      return withId(documentOf(encodeDocument(changed ?? {})), findField(document.bytes, document.start, idName));
    },
  };
}
