import { describe, expect, test } from '@jest/globals';
import { Double, Int32, Long } from 'bson';
import { bsonType, documentOf, fields } from '../bson/raw.ts';
import { plainDocument } from '../bson/read.ts';
import { encodeDocument, toRaw } from '../bson/writer.ts';
import { compileFilter } from '../match/filter.ts';
import { compileUpdate } from './compile-update.ts';

function apply(document: object, update: unknown, now = 0): Buffer {
  const change = compileUpdate(toRaw(update), compileFilter(toRaw({})));
  return change.apply(documentOf(encodeDocument(document as Record<string, unknown>)), {
    nowMs: now,
    inserting: false,
  });
}

const updated = (document: object, update: unknown) => plainDocument(documentOf(apply(document, update, 9)));

/** As mongod has it; where mingo differs it is said. */
describe('an update', () => {
  test.each<[object, object, object]>([
    [{ a: 1 }, { $set: { 'b.c.d': 1 } }, { a: 1, b: { c: { d: 1 } } }],
    [{ a: [1] }, { $set: { 'a.2': 3 } }, { a: [1, null, 3] }],
    [{ a: [{ b: 1 }] }, { $set: { 'a.0.b': 2, 'a.1.b': 3 } }, { a: [{ b: 2 }, { b: 3 }] }],
    [{ a: [1, 2] }, { $unset: { 'a.0': '' } }, { a: [null, 2] }],
    [{ a: { b: 1 } }, { $unset: { 'a.c.d': '', x: '' } }, { a: { b: 1 } }],
    [{ a: 1 }, { $rename: { a: 'b.c' } }, { b: { c: 1 } }],
    [{ a: 1 }, { $rename: { x: 'a' } }, { a: 1 }],
    [{ a: 1 }, { $mul: { a: 3, b: 2 } }, { a: 3, b: 0 }],
    [{ a: 5 }, { $bit: { a: { and: 4, or: 1 } } }, { a: 5 }],
    [{}, { $currentDate: { at: true } }, { at: new Date(9) }],
    // mingo: leaves all of them when there was no array.
    [{}, { $push: { a: { $each: [1, 2, 3], $slice: -2 } } }, { a: [2, 3] }],
    [{ a: [1, 2] }, { $push: { a: { $each: [0], $position: 0, $slice: 2 } } }, { a: [0, 1] }],
    [
      { a: [{ n: 2 }] },
      { $push: { a: { $each: [{ n: 3 }, { n: 1 }], $sort: { n: -1 } } } },
      { a: [{ n: 3 }, { n: 2 }, { n: 1 }] },
    ],
    // mingo: does nothing where there are repeats already.
    [{ a: [1, 1] }, { $addToSet: { a: { $each: [1, 2] } } }, { a: [1, 1, 2] }],
    // mingo: compares with the array's elements.
    [{ a: [5] }, { $min: { a: 9 } }, { a: 9 }],
    [{ a: [1, 5, 9] }, { $pull: { a: { $gte: 5 } } }, { a: [1] }],
    [{ a: [{ seq: 1, x: 1 }, { seq: 2 }] }, { $pull: { a: { seq: 1 } } }, { a: [{ seq: 2 }] }],
    [{ a: [1, 2, 1] }, { $pullAll: { a: [1] } }, { a: [2] }],
    [{ a: [1, 2] }, { $pop: { a: -1 } }, { a: [2] }],
    // New fields come in the order of their names, as mongod adds them.
    [{ z: 1 }, { $set: { c: 1, a: 1 }, $inc: { b: 1 } }, { z: 1, a: 1, b: 1, c: 1 }],
  ])('%j with %j is %j', (document, update, expected) => {
    expect(updated(document, update)).toEqual(expected);
    expect(Object.keys(updated(document, update))).toEqual(Object.keys(expected));
  });

  const typeAfter = (value: unknown, by: unknown): number | undefined =>
    fields(documentOf(apply({ a: value }, { $inc: { a: by } })))[0]?.[1].type;

  test.each([
    [new Int32(1), new Int32(1), bsonType.int32],
    [new Int32(2147483647), new Int32(1), bsonType.int64],
    [new Int32(1), Long.fromNumber(1), bsonType.int64],
    [new Int32(1), new Double(1), bsonType.double],
    [Long.fromNumber(1), new Double(1), bsonType.double],
  ])('%s plus %s has the type %s', (value, by, type) => {
    expect(typeAfter(value, by)).toBe(type);
  });

  test('an int64 that overflows is refused', () => {
    expect(() => typeAfter(Long.MAX_VALUE, new Int32(1))).toThrow('overflow');
  });

  test('what it does not touch stays byte for byte', () => {
    const untouched = { d: new Double(1), l: Long.fromNumber(1), 2: 'two', 1: 'one', nested: { x: [new Double(2)] } };
    const before = encodeDocument({ a: 1, ...untouched });
    const after = apply({ a: 1, ...untouched }, { $set: { a: 2 } });
    const rest = (bytes: Buffer) =>
      fields(documentOf(bytes))
        .filter(([name]) => name !== 'a')
        .map(([, value]) => bytes.subarray(value.start, value.end));
    expect(rest(after)).toEqual(rest(before));
  });
});
