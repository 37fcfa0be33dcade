import { describe, expect, test } from '@jest/globals';
import { urisOf } from './task-spec.ts';

describe('what is fetched', () => {
  const plain = { extract: true, executable: false, cache: false, outputFile: null };

  test('of a task stored before it could be said how is fetched as by default', () => {
    expect(urisOf({ uris: ['http://h/a', '/b'] })).toEqual([
      { value: 'http://h/a', ...plain },
      { value: '/b', ...plain },
    ]);
  });

  test('goes with how, by its place', () => {
    const other = { extract: false, executable: true, cache: true, outputFile: 'b' };
    expect(urisOf({ uris: ['http://h/a', '/b'], fetching: [plain, other] })).toEqual([
      { value: 'http://h/a', ...plain },
      { value: '/b', ...other },
    ]);
  });
});
