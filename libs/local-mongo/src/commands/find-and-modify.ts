import { CommandFailure } from '../command-failure.ts';
import { documentOf, type Raw } from '../bson/raw.ts';
import type { Collection } from '../collection/collection.ts';
import { idOf } from '../collection/stored-document.ts';
import type { Query } from '../collection/query.ts';
import { compileProjection, type Projection } from '../project/projection.ts';
import { compileUpdate } from '../update/compile-update.ts';
import type { Command } from './command.ts';
import { parseQuery } from './read-options.ts';
import type { Handler, Reply, ServerState } from './server-state.ts';
import { applyUpdate, firstMatch, upsert } from './update-command.ts';
import { settleWrites, target } from './write-statements.ts';

export const findAndModify: Handler = async (command, state) => {
  const collection = target(state, command.namespace);
  const query = parseQuery(command, 'query', collection, 1);
  const projection = compileProjection(command.document('fields'));
  const reply = command.truth('remove')
    ? removeOne(collection, query, projection)
    : updateOne(command, state, { collection, query, projection });
  await settleWrites(command, state);
  return reply;
};

function removeOne(collection: Collection | undefined, query: Query, projection: Projection): Reply {
  const stored = collection === undefined ? undefined : firstMatch(collection, query);
  if (collection === undefined || stored === undefined) return { lastErrorObject: { n: 0 }, value: null };
  collection.remove(stored);
  return { lastErrorObject: { n: 1 }, value: documentOf(projection(stored.bytes)) };
}

interface Asked {
  readonly collection: Collection | undefined;
  readonly query: Query;
  readonly projection: Projection;
}

function updateOne(command: Command, state: ServerState, { collection, query, projection }: Asked): Reply {
  const change = compileUpdate(
    changeOf(command),
    query.filter,
    command.has('arrayFilters') ? command.array('arrayFilters') : [],
  );
  const shown = (bytes: Buffer): Raw => documentOf(projection(bytes));
  const stored = collection === undefined ? undefined : firstMatch(collection, query);
  if (collection !== undefined && stored !== undefined) {
    const before = stored.bytes;
    applyUpdate(collection, stored, change, state.nowMs());
    const value = shown(command.truth('new') ? stored.bytes : before);
    return { lastErrorObject: { n: 1, updatedExisting: true }, value };
  }
  if (!command.truth('upsert')) return { lastErrorObject: { n: 0, updatedExisting: false }, value: null };
  const made = upsert({ state, namespace: command.namespace, query, change });
  return {
    lastErrorObject: { n: 1, updatedExisting: false, upserted: idOf(made.raw) },
    value: command.truth('new') ? shown(made.bytes) : null,
  };
}

function changeOf(command: Command): Raw {
  const change = command.field('update');
  if (change === undefined) throw new CommandFailure(9, 'Either an update or remove=true must be specified');
  return change;
}
