import { expect, test } from '@jest/globals';
import { linearPatterns } from './patterns.ts';

test.each([
  ['debian-.*', 'debian-12', true],
  ['debian', 'debian-12', false],
  ['(a|b)+', 'abab', true],
  ['gpu|ssd', 'ssd', true],
  ['Zürich', 'Zürich', true],
  ['(', '(', false],
])('%j fits %j: %p', (pattern, text, fits) => {
  expect(linearPatterns(pattern)(text)).toBe(fits);
});

/** A backtracking engine would be at it for longer than anybody waits. */
test('a pattern written to take for ever does not', () => {
  expect(linearPatterns('(a+)+b')('a'.repeat(5_000))).toBe(false);
});
