import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { update as updateByMingo } from 'mingo';
import { document, fieldName, scalar, value } from '../../testing/arbitrary.ts';
import { documentOf } from '../bson/raw.ts';
import { plainDocument } from '../bson/read.ts';
import { encodeDocument, toRaw } from '../bson/writer.ts';
import { CommandFailure } from '../command-failure.ts';
import { compileFilter } from '../match/filter.ts';
import { compileUpdate } from './compile-update.ts';

type Plain = Record<string, unknown>;

const path = fc
  .tuple(
    fieldName,
    fc.array(fc.oneof({ weight: 4, arbitrary: fieldName }, fc.constantFrom('0', '1')), { maxLength: 2 }),
  )
  .map(([first, rest]) => [first, ...rest].join('.'));

const on = <Operand>(operator: string, operand: fc.Arbitrary<Operand>) =>
  fc.tuple(path, operand).map(([name, given]): Plain => ({ [operator]: { [name]: given } }));

const small = fc.integer({ min: -2, max: 3 });

const operator = fc.oneof(
  on('$set', value),
  on('$unset', fc.constant('')),
  on('$inc', small),
  on('$min', scalar),
  on('$max', scalar),
  on('$push', scalar),
  on('$push', fc.record({ $each: fc.array(scalar, { maxLength: 2 }), $slice: small })),
  on('$pull', fc.oneof(scalar, fc.record({ $in: fc.array(scalar, { maxLength: 2 }) }), fc.constant({ $gte: 1 }))),
  on('$addToSet', scalar),
  on('$pop', fc.constantFrom(1, -1)),
);

const merged = ([one, other]: [Plain, Plain]): Plain => ({ ...one, ...other });

/** Where mingo deviates from mongod, whose way is taken here (see compile-update.spec.ts). */
function deviates(operators: Plain, before: unknown): boolean {
  const text = JSON.stringify(operators);
  // $slice where there is no array yet; $min and $max beside an array; $addToSet where there are repeats already.
  return (
    (text.includes('$slice') && !Array.isArray(valueAt(before, Object.keys(operators['$push'] ?? {})[0] ?? ''))) ||
    (/\$(min|max)/.test(text) && JSON.stringify(before).includes('[')) ||
    (text.includes('$addToSet') && hasRepeats(before))
  );
}

function valueAt(node: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((parent, name) => (parent as Plain | undefined | null)?.[name], node);
}

function hasRepeats(node: unknown): boolean {
  if (typeof node !== 'object' || node === null) return false;
  const items = Object.values(node).map((item) => JSON.stringify(item));
  return (Array.isArray(node) && new Set(items).size < items.length) || Object.values(node).some(hasRepeats);
}

const stored = (plain: Plain): Plain => plainDocument(documentOf(encodeDocument(plain)));

function change(before: Plain, operators: Plain): Plain | undefined {
  try {
    const { apply } = compileUpdate(toRaw(operators), compileFilter(toRaw({})));
    return plainDocument(documentOf(apply(documentOf(encodeDocument(before)), { nowMs: 0, inserting: false })));
  } catch (error) {
    if (error instanceof CommandFailure) return undefined;
    throw error;
  }
}

describe('an update', () => {
  test('makes of a document what mingo makes of it', () => {
    let compared = 0;
    fc.assert(
      fc.property(document, fc.oneof(operator, fc.tuple(operator, operator).map(merged)), (before, operators) => {
        const after = change(before, operators);
        // What mongod refuses, mingo leaves as it is.
        if (after === undefined || deviates(operators, before)) return;
        const expected = stored(before);
        updateByMingo(expected, operators as never);
        // Stored, the holes of its arrays are null.
        expect(after).toEqual(stored(expected));
        compared += 1;
      }),
      { numRuns: 5000 },
    );
    expect(compared).toBeGreaterThan(2500);
  });
});
