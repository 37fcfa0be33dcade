import { expect, test } from '@jest/globals';
import { BSON, Decimal128, MinKey } from 'bson';
import fc, { type Arbitrary } from 'fast-check';
import { anyBsonValue } from '../../testing/arbitrary.ts';
import { toRaw } from '../bson/writer.ts';
import { Catalog } from '../collection/catalog.ts';
import { Command } from './command.ts';
import { OpenCursors } from './open-cursors.ts';
import { runCommand } from './run-command.ts';
import { inMemory, type ServerState } from './server-state.ts';

const optional = (fields: Readonly<Record<string, Arbitrary<unknown>>>): Arbitrary<object> =>
  fc.record(fields, { requiredKeys: [], noNullPrototype: true });
const dictionary = (names: Arbitrary<string>, values: Arbitrary<unknown>, minKeys = 0): Arbitrary<object> =>
  fc.dictionary(names, values, { minKeys, maxKeys: 2, noNullPrototype: true });

const valueOperator = fc.constantFrom(
  '$gt',
  '$in',
  '$nin',
  '$not',
  '$elemMatch',
  '$all',
  '$regex',
  '$options',
  '$size',
  '$type',
  '$mod',
  '$exists',
  '$eq',
  '$bitsAllSet',
);
const updateOperator = fc.constantFrom(
  '$set',
  '$unset',
  '$inc',
  '$mul',
  '$min',
  '$max',
  '$push',
  '$pull',
  '$pullAll',
  '$pop',
  '$addToSet',
  '$rename',
  '$bit',
  '$currentDate',
  '$setOnInsert',
);
const stageName = fc.constantFrom(
  '$match',
  '$sort',
  '$skip',
  '$limit',
  '$group',
  '$project',
  '$count',
  '$unwind',
  '$set',
  '$lookup',
  '$facet',
  '$sample',
  '$bucket',
);

const path = fc.constantFrom('a', 'b', 'b.c', 'b.0', '_id', '', 'b.$', 'b.$[]', 'b.$[x]', '$a');
const any = fc.oneof(
  anyBsonValue,
  dictionary(valueOperator, anyBsonValue),
  fc.constant(new Decimal128('1.5')),
  fc.constant(/x/),
  fc.constant(new MinKey()),
);
const list = (items: Arbitrary<unknown>) => fc.oneof(any, fc.array(items, { maxLength: 2 }));
const logic = fc.constantFrom('$and', '$or', '$nor', '$expr', '$comment', '$where');
const filter = fc.oneof(
  fc.constant({}),
  dictionary(fc.oneof(path, logic), fc.oneof(any, list(dictionary(path, any)))),
  any,
);
const operand = fc.oneof(
  any,
  optional({ $each: any, $slice: any, $sort: any, $position: any }),
  optional({ and: any }),
);
const change = fc.oneof(
  dictionary(updateOperator, fc.oneof(any, dictionary(path, operand))),
  any,
  list(optional({ $set: any })),
);

const named = (name: string, target: unknown, fields: Readonly<Record<string, Arbitrary<unknown>>>) =>
  optional(fields).map((given) => ({ [name]: target, ...given }));

const command = fc.oneof(
  named('find', 'c', {
    filter,
    sort: filter,
    projection: filter,
    limit: any,
    skip: any,
    batchSize: any,
    hint: any,
    collation: any,
  }),
  named('update', 'c', {
    updates: list(optional({ q: filter, u: change, multi: any, upsert: any, arrayFilters: list(filter), sort: any })),
  }),
  named('delete', 'c', { deletes: list(optional({ q: filter, limit: any, hint: any })) }),
  named('findAndModify', 'c', {
    query: filter,
    update: change,
    fields: filter,
    sort: any,
    new: any,
    upsert: any,
    remove: any,
  }),
  named('insert', 'c', { documents: list(any), ordered: any, writeConcern: any }),
  named('aggregate', 'c', { pipeline: list(dictionary(stageName, fc.oneof(filter, any), 1)), cursor: any }),
  named('count', 'c', { query: filter, limit: any, skip: any }),
  named('distinct', 'c', { query: filter, key: any }),
  named('createIndexes', 'c', {
    indexes: list(optional({ key: filter, name: any, unique: any, sparse: any, expireAfterSeconds: any })),
  }),
  named('dropIndexes', 'c', { index: any }),
  named('getMore', 1, { getMore: any, collection: any, batchSize: any }),
  named('killCursors', 'c', { cursors: any }),
  named('listCollections', 1, { filter }),
  named('renameCollection', 'd.c', { renameCollection: any, to: any }),
  optional({ find: any, filter, sort: any, limit: any }).map((explain) => ({ explain })),
  fc
    .tuple(fc.constantFrom('find', 'insert', 'create', 'drop', 'getParameter'), any)
    .map(([name, given]) => ({ [name]: given })),
);

test('whatever is asked is answered, and is no fault of the server', async () => {
  const faults: unknown[] = [];
  const state: ServerState = {
    catalog: new Catalog({ put: () => undefined, remove: () => undefined, note: () => undefined }),
    cursors: new OpenCursors(() => 0, Math.random),
    durability: inMemory,
    nowMs: () => 0,
    reportFault: (name, error) => faults.push([name, error]),
  };
  const run = (asked: object) => runCommand(new Command(toRaw({ ...asked, $db: 'd' })), state);
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 1, maxLength: 5 }), async (commands) => {
      await run({ dropDatabase: 1 });
      await run({
        insert: 'c',
        documents: [
          { _id: 1, a: 1, b: [1, { c: 2 }] },
          { _id: 2, a: 'x', b: { c: null } },
        ],
      });
      for (const asked of commands) expect(BSON.deserialize(await run(asked))).toHaveProperty('ok');
      expect(faults).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});
