import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseExactJson, writeExactJson } from './exact-json.ts';

/** Integers as they come back: a number where a double holds it, a bigint beyond. */
const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n }).map((n) => {
  const isSafe = n >= BigInt(Number.MIN_SAFE_INTEGER) && n <= BigInt(Number.MAX_SAFE_INTEGER);
  return isSafe ? Number(n) : n;
});
const key = fc.string().filter((text) => !text.includes('__proto__'));
const { value: anything } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    integer,
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
    fc.string({ unit: 'binary' }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
}));

describe('exact JSON', () => {
  test('writes and reads any value back, 64-bit integers exactly', () => {
    fc.assert(
      fc.property(anything, (value) => {
        // A double above 2^53 without a fraction is written as an integer literal, and comes back as that integer.
        const expected = mapNumbers(value, (n) => (/^-?\d{16,}$/.test(String(n)) ? readInteger(String(n)) : n));
        expect(parseExactJson(writeExactJson(value))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  test('reads the same as JSON.parse where no integer is beyond 2^53', () => {
    const text = '{"a":[1,-2.5,1e3,"\\u20ac",true,null,{"b":{}}],"n":9007199254740991}';
    expect(parseExactJson(text)).toEqual(JSON.parse(text));
  });

  test('keeps ids that a double would round', () => {
    expect(parseExactJson('{"taskId": 806769905152840693}')).toEqual({ taskId: 806769905152840693n });
    expect(writeExactJson({ taskId: 806769905152840693n, none: undefined })).toBe('{"taskId":806769905152840693}');
  });

  test.each(['', '{', '{"a":1,}', "{'a':1}", '[1 2]', 'NaN', '01', '{"a":1}x', '9007199254740993x'])(
    'throws for %j',
    (text) => {
      expect(() => parseExactJson(text)).toThrow(Error);
    },
  );

  test.each([
    '{"__proto__":{"polluted":true}}',
    '{"\\u005f_proto__":{"polluted":true}}',
    '{"__proto__":{"polluted":1},"n":9007199254740993}',
  ])('takes no member as a prototype: %s', (text) => {
    const read = parseExactJson(text) as object;
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
    expect('polluted' in read).toBe(false);
    expect('polluted' in {}).toBe(false);
  });
});

function readInteger(digits: string): unknown {
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits);
}

function mapNumbers(value: unknown, change: (n: number) => unknown): unknown {
  if (typeof value === 'number') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapNumbers(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapNumbers(item, change)]));
}
