import { createPace } from './pace.ts';
import type { Handler } from './server-state.ts';
import { runStatements, settleWrites, target } from './write-statements.ts';

/** The collection is looked up for every document: it can be dropped while a long command gives others a turn. */
export const insert: Handler = async (command, state) => {
  const { namespace } = command;
  const pace = createPace();
  let n = 0;
  const failed = await runStatements(command, command.documents('documents'), (document) => {
    (target(state, namespace) ?? state.catalog.create(namespace)).insert(document);
    n += 1;
    return pace();
  });
  await settleWrites(command, state);
  return { n, ...failed };
};
