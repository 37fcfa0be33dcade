import { expect, test } from '@jest/globals';
import { areRoles, isRoleName } from './role-name.ts';

test.each(['*', 'juice', 'a/b/c', 'a-b', 'ä', '...', 'a.b'])('%j is a role', (role) => {
  expect(isRoleName(role)).toBe(true);
});

test.each([
  '',
  '.',
  '..',
  '-a',
  'a/-b',
  '/a',
  'a/',
  'a//b',
  'a/../b',
  'a/*',
  '**',
  'a b',
  'a\tb',
  'a\\b',
  'a\0',
  'a'.repeat(256),
])('%j is none', (role) => {
  expect(isRoleName(role)).toBe(false);
});

test.each([
  [['*'], true],
  [['a', '*', 'a/b'], true],
  [[], false],
  [['a', 'b', 'a'], false],
  [['a', ''], false],
])('%j to subscribe with: %j', (roles, are) => {
  expect(areRoles(roles)).toBe(are);
});
