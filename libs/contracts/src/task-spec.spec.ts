import { describe, expect, test } from '@jest/globals';
import { portsNeeded, urisOf } from './task-spec.ts';

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

test.each([
  [0, [], 0],
  [2, [], 2],
  [1, [0, 0, 0], 4],
  [1, [80, 80, 0, 81], 4],
])('%i ports and mappings of %j need %i', (ports, hostPorts, needed) => {
  expect(
    portsNeeded(
      ports,
      hostPorts.map((hostPort) => ({ hostPort })),
    ),
  ).toBe(needed);
});
