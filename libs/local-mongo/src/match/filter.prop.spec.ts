import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Query } from 'mingo';
import { document, fieldName, scalar } from '../../testing/arbitrary.ts';
import { toRaw } from '../bson/writer.ts';
import { compileFilter } from './filter.ts';

const path = fc.array(fieldName, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('.'));

// mongod: { a: { $gte: null } } matches what is null or missing, as equality does. mingo: nothing.
const bound = scalar.filter((operand) => operand !== null);

const operators = fc.oneof(
  fc.record({ $eq: scalar }),
  fc.record({ $ne: scalar }),
  fc.tuple(fc.constantFrom('$gt', '$gte', '$lt', '$lte'), bound).map(([name, operand]) => ({ [name]: operand })),
  fc.record({ $in: fc.array(scalar, { maxLength: 3 }) }),
  fc.record({ $nin: fc.array(scalar, { maxLength: 3 }) }),
  fc.record({ $exists: fc.boolean() }),
  fc.record({ $gte: bound, $lt: bound }),
);

const clause = (condition: fc.Arbitrary<unknown>, at: fc.Arbitrary<string>) =>
  fc.tuple(at, condition).map(([name, operand]): Record<string, unknown> => ({ [name]: operand }));

const single = fc.oneof(
  clause(scalar, path),
  clause(operators, path),
  clause(
    operators.map(($not) => ({ $not })),
    path,
  ),
  // Behind an array mingo counts the array's own elements.
  clause(fc.record({ $size: fc.integer({ min: 0, max: 3 }) }), fieldName),
);

const filter: fc.Arbitrary<Record<string, unknown>> = fc.letrec<{ filter: Record<string, unknown> }>((tie) => ({
  filter: fc.oneof(
    { depthSize: 'small' },
    { weight: 2, arbitrary: single },
    fc.tuple(single, single).map(([a, b]) => ({ ...a, ...b })),
    fc
      .tuple(fc.constantFrom('$and', '$or', '$nor'), fc.array(tie('filter'), { minLength: 1, maxLength: 2 }))
      .map(([name, clauses]) => ({ [name]: clauses })),
  ),
})).filter;

describe('a filter', () => {
  test('matches what mingo matches', () => {
    fc.assert(
      fc.property(document, filter, (doc, query) => {
        expect(compileFilter(toRaw(query)).matches(toRaw(doc))).toBe(new Query(query).test(doc));
      }),
      { numRuns: 5000 },
    );
  });
});
