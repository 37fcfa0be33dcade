import { Double, Int32, Long, ObjectId } from 'bson';
import fc from 'fast-check';

/** Few names and few values, so that random filters and updates often meet random documents. */
export const fieldName = fc.constantFrom('a', 'b', 'c');

export const scalar = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -2, max: 3 }) },
  fc.constantFrom(0.5, 1.5, -0.5),
  fc.constantFrom('', 'x', 'xy', 'y'),
  fc.boolean(),
  fc.constant(null),
  fc.integer({ min: 0, max: 2 }).map((n) => new Date(n * 1000)),
);

export const value: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 4, arbitrary: scalar },
    tie('array'),
    tie('nested'),
  ),
  // Arrays of scalars: of paths that lead through arrays mingo has its own idea (see filter.spec.ts).
  array: fc.array(scalar, { maxLength: 3 }),
  nested: fc.dictionary(fieldName, tie('value'), { maxKeys: 3, noNullPrototype: true }),
})).value;

export const document = fc.dictionary(fieldName, value, { maxKeys: 3, noNullPrototype: true });

const number = fc.oneof(
  fc.integer().map((n) => new Int32(n)),
  fc.double().map((n) => new Double(n)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => Long.fromBigInt(n)),
  // Around the first whole numbers that a double cannot hold.
  fc.bigInt({ min: -3n, max: 3n }).map((n) => Long.fromBigInt(2n ** 53n + n)),
  fc.integer({ min: -3, max: 3 }).map((n) => new Double(2 ** 53 + n)),
  fc.constantFrom(new Double(2 ** 63), new Double(-(2 ** 63)), new Double(NaN), new Double(-0), new Double(-Infinity)),
  fc.integer({ min: -2, max: 2 }).chain((n) => fc.constantFrom(new Int32(n), new Double(n), Long.fromNumber(n))),
);

/** Every kind of value that has an order, numbers in all their types and at the edges of those. */
export const anyBsonValue: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    { weight: 3, arbitrary: number },
    fc.string({ maxLength: 4, unit: fc.constantFrom('a', 'b', '\0', 'ä', '€', '😀') }),
    fc.boolean(),
    fc.constant(null),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => new ObjectId(bytes)),
    fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fieldName, tie('value'), { maxKeys: 2, noNullPrototype: true }),
  ),
})).value;
