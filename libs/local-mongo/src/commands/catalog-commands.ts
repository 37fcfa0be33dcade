import { CommandFailure } from '../command-failure.ts';
import { bsonType, documentOf, elements, fields, type Raw } from '../bson/raw.ts';
import { readNumber, readString } from '../bson/read.ts';
import { encodeDocument } from '../bson/writer.ts';
import type { Collection } from '../collection/collection.ts';
import { idIndexSpec, indexDocument, parseIndexSpec } from '../collection/index-spec.ts';
import { compileFilter } from '../match/filter.ts';
import type { Command } from './command.ts';
import { emptyDocument } from './read-options.ts';
import type { Handler, Reply, ServerState } from './server-state.ts';
import { settleWrites } from './write-statements.ts';

/** Options of `create` that ask for another kind of collection than there is here. */
const otherKinds = [
  'capped',
  'timeseries',
  'viewOn',
  'clusteredIndex',
  'validator',
  'changeStreamPreAndPostImages',
  'encryptedFields',
];

export const create: Handler = async (command, state) => {
  const { namespace } = command;
  const unsupported = otherKinds.find((option) => command.has(option) && command.field(option)?.type !== bsonType.bool);
  if (unsupported !== undefined || command.truth('capped')) {
    throw new CommandFailure(115, `Collections with '${unsupported ?? 'capped'}' are not supported by this server`);
  }
  state.durability.refuseIfBroken();
  if (state.catalog.find(namespace) !== undefined) {
    throw new CommandFailure(48, `Collection ${namespace} already exists.`);
  }
  state.catalog.create(namespace);
  await settleWrites(command, state);
  return {};
};

export const createIndexes: Handler = async (command, state) => {
  const { namespace } = command;
  const specs = command.documents('indexes').map(parseIndexSpec);
  state.durability.refuseIfBroken();
  const isNew = state.catalog.find(namespace) === undefined;
  const collection = state.catalog.ensure(namespace);
  const numIndexesBefore = collection.indexes.length;
  for (const spec of specs) state.catalog.createIndex(collection, spec);
  await settleWrites(command, state);
  const numIndexesAfter = collection.indexes.length;
  const unchanged = numIndexesAfter === numIndexesBefore ? { note: 'all indexes already exist' } : {};
  return { numIndexesBefore, numIndexesAfter, createdCollectionAutomatically: isNew, ...unchanged };
};

export const dropIndexes: Handler = async (command, state) => {
  const collection = existing(command, state);
  state.durability.refuseIfBroken();
  const nIndexesWas = collection.indexes.length;
  for (const name of indexesToDrop(command, collection)) state.catalog.dropIndex(collection, name);
  await settleWrites(command, state);
  return { nIndexesWas };
};

function indexesToDrop(command: Command, collection: Collection): string[] {
  const asked = command.field('index');
  const droppable = collection.indexes.map(({ spec }) => spec).filter(({ name }) => name !== idIndexSpec.name);
  if (asked?.type === bsonType.document) {
    const keys = JSON.stringify(fields(asked).map(([path, value]) => [path, Number(readNumber(value))]));
    const found = droppable.find((spec) => JSON.stringify(spec.fields) === keys);
    if (found === undefined) throw new CommandFailure(27, `can't find index with key: ${keys}`);
    return [found.name];
  }
  const names = asked === undefined ? [] : (asked.type === bsonType.array ? elements(asked) : [asked]).map(readString);
  if (names.includes('*')) return droppable.map(({ name }) => name);
  for (const name of names) {
    if (name === idIndexSpec.name) throw new CommandFailure(72, 'cannot drop _id index');
    if (!droppable.some((spec) => spec.name === name))
      throw new CommandFailure(27, `index not found with name [${name}]`);
  }
  return names;
}

function existing(command: Command, { catalog }: ServerState): Collection {
  const collection = catalog.find(command.namespace);
  if (collection === undefined) throw new CommandFailure(26, `ns does not exist: ${command.namespace}`);
  return collection;
}

const wholeCursor = (namespace: string, documents: readonly Raw[]): Reply => ({
  cursor: { id: 0n, ns: namespace, firstBatch: documents },
});

export const listIndexes: Handler = (command, state) => {
  const { indexes, namespace } = existing(command, state);
  return wholeCursor(
    namespace,
    indexes.map(({ spec }) => documentOf(encodeDocument(indexDocument(spec)))),
  );
};

export const listCollections: Handler = (command, { catalog }) => {
  const { matches } = compileFilter(command.document('filter') ?? emptyDocument);
  const nameOnly = command.truth('nameOnly');
  const listed = catalog.inDatabase(command.database).map(({ namespace }) => {
    const name = namespace.slice(command.database.length + 1);
    const facts = nameOnly ? {} : { options: {}, info: { readOnly: false }, idIndex: indexDocument(idIndexSpec) };
    return documentOf(encodeDocument({ name, type: 'collection', ...facts }));
  });
  return wholeCursor(`${command.database}.$cmd.listCollections`, listed.filter(matches));
};

export const listDatabases: Handler = (command, { catalog }) => {
  const { matches } = compileFilter(command.document('filter') ?? emptyDocument);
  const names = new Set(catalog.all().map(({ namespace }) => namespace.slice(0, namespace.indexOf('.'))));
  const databases = [...names].sort().map((name) => documentOf(encodeDocument({ name, sizeOnDisk: 0, empty: false })));
  return { databases: databases.filter(matches), totalSize: 0 };
};

export const drop: Handler = async (command, state) => {
  const { namespace } = command;
  state.durability.refuseIfBroken();
  const collection = state.catalog.find(namespace);
  // Since 7.0 mongod answers ok to this, too.
  if (collection === undefined) return {};
  const nIndexesWas = collection.indexes.length;
  state.catalog.drop(collection);
  await settleWrites(command, state);
  return { nIndexesWas, ns: namespace };
};

export const dropDatabase: Handler = async (command, state) => {
  state.durability.refuseIfBroken();
  for (const collection of state.catalog.inDatabase(command.database)) state.catalog.drop(collection);
  await settleWrites(command, state);
  return { dropped: command.database };
};

export const renameCollection: Handler = async (command, state) => {
  const from = command.text('renameCollection') ?? '';
  const to = command.text('to') ?? '';
  state.durability.refuseIfBroken();
  const collection = state.catalog.find(from);
  const inTheWay = state.catalog.find(to);
  if (collection === undefined) throw new CommandFailure(26, `Source collection ${from} does not exist`);
  if (inTheWay !== undefined) {
    if (!command.truth('dropTarget')) throw new CommandFailure(48, 'target namespace exists');
    state.catalog.drop(inTheWay);
  }
  state.catalog.rename(collection, to);
  await settleWrites(command, state);
  return {};
};

export const collStats: Handler = (command, { catalog }) => {
  const collection = catalog.find(command.namespace);
  let size = 0;
  for (const { bytes } of collection?.documents() ?? []) size += bytes.length;
  return { ns: command.namespace, count: collection?.size ?? 0, size, nindexes: collection?.indexes.length ?? 0 };
};

export const dbStats: Handler = (command, { catalog }) => {
  const collections = catalog.inDatabase(command.database);
  const objects = collections.reduce((sum, { size }) => sum + size, 0);
  return { db: command.database, collections: collections.length, objects };
};
