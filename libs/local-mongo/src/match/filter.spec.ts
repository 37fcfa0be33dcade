import { describe, expect, test } from '@jest/globals';
import { toRaw } from '../bson/writer.ts';
import { compileFilter } from './filter.ts';

const matches = (filter: object, document: object): boolean => compileFilter(toRaw(filter)).matches(toRaw(document));

/** As mongod has it; where mingo differs it is said. */
describe('a filter', () => {
  test.each<[object, object, boolean]>([
    // An array stands for its elements, and then for itself.
    [{ a: 2 }, { a: [1, 2] }, true],
    [{ a: [1, 2] }, { a: [1, 2] }, true],
    [{ a: [1, 2] }, { a: [[1, 2]] }, true],
    [{ a: { $gt: 1, $lt: 2 } }, { a: [0, 3] }, true],
    [{ a: { $elemMatch: { $gt: 1, $lt: 2 } } }, { a: [0, 3] }, false],
    [{ a: { $ne: 2 } }, { a: [1, 2] }, false],
    [{ a: { $size: 2 } }, { a: [[1], 2] }, true],
    [{ a: { $all: [1, 2] } }, { a: [2, 1, 3] }, true],
    [{ a: { $all: [] } }, { a: [] }, false],
    // A path leads through each document of an array, and by position.
    [{ 'a.b': 2 }, { a: [{ b: 1 }, { b: 2 }] }, true],
    [{ 'a.b': 2 }, { a: [{ b: [1, 2] }] }, true],
    [{ 'a.1.b': 2 }, { a: [{ b: 1 }, { b: 2 }] }, true],
    [{ 'a.0.b': 2 }, { a: [{ b: 1 }, { b: 2 }] }, false],
    [{ 'a.0': 1 }, { a: [1] }, true],
    [{ 'a.0': 1 }, { a: { 0: 1 } }, true],
    [{ 'a.b': { $elemMatch: { c: 1, d: 2 } } }, { a: [{ b: [{ c: 1, d: 2 }] }] }, true],
    [{ 'a.b': { $elemMatch: { c: 1, d: 2 } } }, { a: [{ b: [{ c: 1 }, { d: 2 }] }] }, false],
    // Missing is null. mingo: the first three of these differ.
    [{ 'a.b': null }, { a: [] }, false],
    [{ 'a.b': { $exists: false } }, { a: [[{ b: 1 }]] }, true],
    [{ 'a.b': { $ne: null } }, { a: [{}] }, false],
    [{ 'a.b': null }, { a: [{ b: 1 }, {}] }, true],
    [{ 'a.b': null }, { a: 5 }, true],
    [{ 'a.b': null }, { a: [5] }, false],
    [{ a: { $in: [null, 1] } }, {}, true],
    [{ a: { $nin: [null, 1] } }, {}, false],
    // mingo: false.
    [{ a: { $gte: null } }, {}, true],
    [{ a: { $gt: null } }, { a: null }, false],
    [{ a: { $not: { $gt: 5 } } }, {}, true],
    // Only values of one type compare; numbers are one type.
    [{ a: { $gt: 1 } }, { a: '2' }, false],
    [{ a: { $lt: true } }, { a: false }, true],
    [{ a: { $gt: new Date(1) } }, { a: new Date(2) }, true],
    [{ a: { $gt: 1.5 } }, { a: 2n }, true],
    [{ a: 2 }, { a: 2n }, true],
    [{ a: NaN }, { a: NaN }, true],
    [{ a: { $lt: 5 } }, { a: NaN }, false],
    // Documents are equal when their fields are, in order.
    [{ a: { x: 1, y: 2 } }, { a: { x: 1, y: 2 } }, true],
    [{ a: { x: 1, y: 2 } }, { a: { y: 2, x: 1 } }, false],
    [{ a: {} }, { a: {} }, true],
    [{ a: /^X/i }, { a: ['y', 'xy'] }, true],
    [{ a: { $regex: 'b$', $options: 'i' } }, { a: 'aB' }, true],
    [{ a: { $not: /b/ } }, { a: 'b' }, false],
    [{ a: { $mod: [3, 1] } }, { a: 4 }, true],
    [{ a: { $type: 'number' } }, { a: ['x', 1] }, true],
    [{ a: { $type: ['string', 10] } }, { a: null }, true],
    [{ $expr: { $gt: ['$a', '$b'] } }, { a: 2, b: 1 }, true],
    [{ a: { $bitsAllSet: 5 } }, { a: 7 }, true],
    [{}, {}, true],
  ])('%j of %j: %j', (filter, document, expected) => {
    expect(matches(filter, document)).toBe(expected);
  });

  test.each<[string, object]>([
    ['an unknown operator', { a: { $near: 1 } }],
    ['an unknown operator at the top', { $foo: 1 }],
    ['$in of no array', { a: { $in: 1 } }],
    ['an empty $and', { $and: [] }],
    ['$or of no documents', { $or: [1] }],
    ['a regular expression that is none', { a: { $regex: '(' } }],
    ['a script', { $where: 'true' }],
  ])('refuses %s', (_what, filter) => {
    expect(() => matches(filter, {})).toThrow(expect.objectContaining({ code: expect.any(Number) }));
  });
});
