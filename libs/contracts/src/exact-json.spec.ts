import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parse } from 'lossless-json';
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

  test('reads what a parser that knows of long integers reads, of text of any form, or refuses it like that one', () => {
    const digits = fc.constantFrom(
      '1',
      '9007199254740993',
      '-9007199254740993',
      '90071992547409931',
      '0123456789012345678',
    );
    const rest = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\\',
      ' ',
      '.',
      'e',
      '-',
      '+',
      '"a"',
      '"a":',
      'x',
      String.raw`"\u0001n1"`,
      String.raw`"\u0001s"`,
      String.raw`"\u0001":`,
    );
    const pieces = fc.array(fc.oneof(digits, rest), { maxLength: 12 });
    const nested = anything.map((value) => writeExactJson(value));
    fc.assert(
      fc.property(
        fc.oneof(
          pieces.map((some) => some.join('')),
          nested,
        ),
        (text) => {
          expect(outcomeOf(() => parseExactJson(text))).toEqual(
            outcomeOf(() =>
              parse(text, undefined, { parseNumber: readLiteral, onDuplicateKey: ({ newValue }) => newValue }),
            ),
          );
        },
      ),
      { numRuns: 5_000 },
    );
  });

  test.each(['', '{', '{"a":1,}', "{'a':1}", '[1 2]', 'NaN', '01', '{"a":1}x', '9007199254740993x'])(
    'throws for %j',
    (text) => {
      expect(() => parseExactJson(text)).toThrow(SyntaxError);
    },
  );

  test.each([
    '[9007199254740993,]',
    '{9007199254740993:1}',
    '{9007199254740993 :1}',
    '[09007199254740993]',
    '[--9007199254740993]',
    '["9007199254740993]',
  ])('refuses %j, and says where the text as it was given is wrong', (text) => {
    const said = (parser: (text: string) => unknown): unknown => {
      try {
        return parser(text);
      } catch (error: unknown) {
        return error;
      }
    };
    expect(said(parseExactJson)).toEqual(said(JSON.parse));
  });

  test.each([
    [
      String.raw`{"\u0001n":["\u0001n1","\u0001s",9007199254740993]}`,
      { '\u0001n': ['\u0001n1', '\u0001s', 9007199254740993n] },
    ],
    ['{"a":1,"a":2}', { a: 2 }],
    ['{"a":1,"a":2,"n":9007199254740993}', { a: 2, n: 9007199254740993n }],
    [
      '["9007199254740993","\\"9007199254740993\\\\",9007199254740993]',
      ['9007199254740993', '"9007199254740993\\', 9007199254740993n],
    ],
    [
      '[0.9007199254740993,9007199254740993.5,9007199254740993e2,1e-0000000000000001]',
      [0.9007199254740993, 9007199254740994, 900719925474099300, 0.1],
    ],
  ])('reads %j as JSON.parse does, integers apart', (text, value) => {
    expect(parseExactJson(text)).toEqual(value);
  });

  test('takes no longer than the text is long: what no integer of ours can be is a double', () => {
    expect(parseExactJson(`{"a":${'9'.repeat(1_000_000)},"b":-1${'0'.repeat(40)}}`)).toEqual({ a: Infinity, b: -1e40 });
    const deep = `${'['.repeat(100_000)}9007199254740993${']'.repeat(100_000)}`;
    expect(() => parseExactJson(deep)).not.toThrow();
  });

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

function outcomeOf(read: () => unknown): unknown {
  try {
    return { value: read() };
  } catch {
    return 'refused';
  }
}

function readLiteral(literal: string): unknown {
  return /^-?\d+$/.test(literal) && literal.length <= 40 ? readInteger(literal) : Number(literal);
}

function readInteger(digits: string): unknown {
  return Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits);
}

function mapNumbers(value: unknown, change: (n: number) => unknown): unknown {
  if (typeof value === 'number') return change(value);
  if (Array.isArray(value)) return value.map((item) => mapNumbers(item, change));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, mapNumbers(item, change)]));
}
