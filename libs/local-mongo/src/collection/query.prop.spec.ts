import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { document, fieldName, scalar } from '../../testing/arbitrary.ts';
import { toRaw } from '../bson/writer.ts';
import { compileFilter } from '../match/filter.ts';
import { compileUpdate } from '../update/compile-update.ts';
import { Collection } from './collection.ts';
import type { SortFields } from './plan.ts';
import { createSortKey, findMatches } from './query.ts';

const unheard = { put: () => undefined, remove: () => undefined };

const path = fc.oneof(
  { weight: 4, arbitrary: fieldName },
  fc.tuple(fieldName, fieldName).map((parts) => parts.join('.')),
);
const direction = fc.constantFrom<1 | -1>(1, -1);
const ordered = (maxLength: number): fc.Arbitrary<SortFields> =>
  fc.uniqueArray(fc.tuple(path, direction), { maxLength, selector: ([name]) => name });

const index = fc.record({
  fields: ordered(3).filter(({ length }) => length > 0),
  sparse: fc.boolean(),
  unique: fc.constant(false),
});

const small = fc.integer({ min: -2, max: 3 });

const condition = fc.oneof(
  scalar,
  fc.record({ $in: fc.array(scalar, { maxLength: 4 }) }),
  fc
    .tuple(fc.constantFrom('$gt', '$gte', '$lt', '$lte', '$ne'), scalar)
    .map(([name, operand]) => ({ [name]: operand })),
  fc.record({ $gte: small, $lt: small }),
  fc.record({ $exists: fc.boolean() }),
);

/** Half of the sorts follow an index: some of its fields in a row, each as it is or turned around. */
const sort = fc.record({
  own: ordered(2),
  along: fc.option(fc.record({ index: fc.nat(2), from: fc.nat(1), flips: fc.tuple(direction, direction, direction) })),
});

function sortOf(
  { own, along }: typeof sort extends fc.Arbitrary<infer Sort> ? Sort : never,
  indexes: readonly { fields: SortFields }[],
): SortFields {
  const followed = along === null ? undefined : indexes[along.index];
  if (along === null || followed === undefined) return own;
  return followed.fields.slice(along.from).map(([name, way], i) => [name, (way * (along.flips[i] ?? 1)) as 1 | -1]);
}

const query = fc.record({
  filter: fc
    .uniqueArray(fc.tuple(path, condition), { maxLength: 3, selector: ([name]) => name })
    .map(Object.fromEntries),
  sort,
  limit: fc.integer({ min: 0, max: 5 }),
});

function fill(documents: readonly object[]): Collection {
  const collection = new Collection(1, 'd.c', unheard);
  documents.forEach((fields, _id) => collection.insert(toRaw({ _id, ...fields })));
  return collection;
}

function results(collection: Collection, asked: { filter: object; sort: SortFields; limit: number }): string[] {
  const filter = compileFilter(toRaw(asked.filter));
  const found: string[] = [];
  for (const stored of findMatches(collection, { ...asked, filter })) {
    if (stored !== null) found.push(`${createSortKey(asked.sort)(stored.raw)} ${stored.idKey}`);
    if (asked.limit > 0 && found.length >= asked.limit) break;
  }
  return found;
}

const sortKeysOf = (found: readonly string[]) => found.map((entry) => entry.slice(0, -12));

describe('a query', () => {
  test('finds with indexes what it finds without, in the same order', () => {
    const documents = fc.array(document, { minLength: 5, maxLength: 25, size: 'max' });
    const changes = fc.array(fc.tuple(fc.nat(24), document, fc.boolean()), { maxLength: 10 });
    fc.assert(
      fc.property(
        documents,
        fc.array(index, { maxLength: 3 }),
        changes,
        fc.array(query, { minLength: 1, maxLength: 5 }),
        (docs, indexes, edits, queries) => {
          const indexed = fill(docs);
          fc.pre(indexes.every((spec, i) => created(indexed, { ...spec, name: `i${i}` })));
          for (const [_id, fields, isRemoved] of edits) {
            const stored = indexed.findById(toRaw(_id));
            if (stored === undefined) continue;
            if (isRemoved) indexed.remove(stored);
            else fc.pre(replaced(indexed, stored, fields));
          }
          const plain = fill([]);
          for (const { raw } of indexed.documents()) plain.insert(raw);
          for (const { sort, ...rest } of queries) {
            const asked = { ...rest, sort: sortOf(sort, indexes) };
            const [found, expected] = [results(indexed, asked), results(plain, asked)];
            // Equals come in any order, so a limit may cut among them.
            expect(sortKeysOf(found)).toEqual(sortKeysOf(expected));
            if (asked.limit === 0) expect([...found].sort()).toEqual([...expected].sort());
          }
        },
      ),
      { numRuns: 1500 },
    );
  });
});

/** Two arrays under one compound index are refused: such a history says nothing. */
function created(collection: Collection, spec: Parameters<Collection['createIndex']>[0]): boolean {
  try {
    collection.createIndex(spec);
    return true;
  } catch {
    return false;
  }
}

function replaced(collection: Collection, stored: Parameters<Collection['remove']>[0], fields: object): boolean {
  const { apply, touches } = compileUpdate(toRaw(fields), compileFilter(toRaw({})));
  try {
    collection.replace(stored, apply(stored.raw, { nowMs: 0, inserting: false }), touches);
    return true;
  } catch {
    return false;
  }
}
