import { CommandFailure } from '../command-failure.ts';
import { bsonType, fields } from '../bson/raw.ts';
import { readNumber } from '../bson/read.ts';
import { compilePipeline } from '../aggregate/pipeline.ts';
import type { Handler } from './server-state.ts';
import { refuseForeignCollation, settledReads } from './read-options.ts';

export const aggregate: Handler = async (command, { catalog, cursors, durability }) => {
  if (command.field('aggregate')?.type !== bsonType.string) {
    throw new CommandFailure(115, 'Only aggregations over a collection are supported by this server');
  }
  refuseForeignCollation(command.document('collation'));
  const { namespace } = command;
  const pipeline = command.array('pipeline');
  const source = compilePipeline(pipeline, { catalog, database: command.database }).run(catalog.find(namespace));
  const options = command.document('cursor');
  const asked = options === undefined ? undefined : fields(options).find(([name]) => name === 'batchSize')?.[1];
  const size = asked === undefined ? 101 : Number(readNumber(asked));
  const settled = settledReads(command, durability);
  const { documents, cursorId } = await cursors.open(namespace, source, { size, keep: true, settled });
  return { cursor: { firstBatch: documents, id: cursorId, ns: namespace } };
};
