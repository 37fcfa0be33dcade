import { describe, expect, test } from '@jest/globals';
import { beginTraceparent, childTraceparent, parseTraceparent } from './trace-context.ts';

const trace = '0af7651916cd43dd8448eb211c80319c';
const span = 'b7ad6b7169203331';

describe('parseTraceparent', () => {
  test('reads the standard form', () => {
    expect(parseTraceparent(`00-${trace}-${span}-01`)).toEqual({ traceId: trace, spanId: span, isSampled: true });
    expect(parseTraceparent(`00-${trace}-${span}-02`)).toMatchObject({ isSampled: false });
  });

  test('reads a later version as far as it knows', () => {
    expect(parseTraceparent(`cc-${trace}-${span}-01-what-the-future-brings`)).toMatchObject({ traceId: trace });
  });

  test.each([
    null,
    undefined,
    '',
    `00-${trace}-${span}`,
    `00-${trace.toUpperCase()}-${span}-01`,
    `ff-${trace}-${span}-01`,
    `00-${trace}-${span}-01-more`,
    `00-${'0'.repeat(32)}-${span}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `cc-${trace}-${span}-01.more`,
  ])('refuses %p', (text) => expect(parseTraceparent(text)).toBeNull());
});

test('a child stays in the trace with a span of its own; without a parent a trace begins', () => {
  const child = parseTraceparent(childTraceparent(`00-${trace}-${span}-00`));
  expect(child).toMatchObject({ traceId: trace, isSampled: false });
  expect(child?.spanId).not.toBe(span);
  expect(parseTraceparent(childTraceparent('nonsense'))).toMatchObject({ isSampled: true });
  expect(beginTraceparent()).not.toBe(beginTraceparent());
});
