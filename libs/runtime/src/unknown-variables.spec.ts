import { expect, test } from '@jest/globals';
import { unknownVariables, warnOfUnknownVariables } from './unknown-variables.ts';

const known = [
  'JUICE_MONGO_URL',
  'JUICE_AMQP_URL',
  'JUICE_LEASE',
  'JUICE_MESOS_ROLE',
  'JUICE_MAX_MEM',
  'JUICE_MIN_MEM',
];

test.each([
  ['JUICE_MONOG_URL', 'JUICE_MONGO_URL'],
  ['JUICE_MONGO_UR', 'JUICE_MONGO_URL'],
  ['JUICE_MESOS_ROLES', 'JUICE_MESOS_ROLE'],
  ['juice_lease', 'JUICE_LEASE'],
  ['JUICE_LEESE', 'JUICE_LEASE'],
  ['JUICE_MAS_MEM', 'JUICE_MAX_MEM'],
  ['JUICE_LEASE_TIME', null],
  ['JUICE_', null],
])('%s is unknown; meant may be %s', (variable, nearest) => {
  expect(unknownVariables([variable], known)).toEqual([{ variable, nearest }]);
});

test('what is known, not ours, or for tests is none', () => {
  expect(unknownVariables(['JUICE_LEASE', 'PATH', 'XJUICE_LEASE', 'JUICE_TEST_AMQP_URL'], known)).toEqual([]);
});

test('all are told in one line, by name alone; those of other services are known', () => {
  const said: unknown[] = [];
  const log = { info: () => undefined, error: () => undefined, warn: (...line: unknown[]) => void said.push(line) };
  warnOfUnknownVariables({ JUICE_MAX_CPU: '4', JUICE_LEASE: '5s', JUICE_CALLBACK_SECRET: 's', JUICE_OWN: 'x' }, log, [
    'JUICE_OWN',
  ]);
  expect(said).toEqual([]);
  warnOfUnknownVariables({ JUICE_LAESE: 'hunter2', JUICE_COLOUR: 'red' }, log);
  expect(said).toEqual([
    [
      'config.unknown',
      {
        variables: [
          { variable: 'JUICE_COLOUR', nearest: null },
          { variable: 'JUICE_LAESE', nearest: 'JUICE_LEASE' },
        ],
      },
    ],
  ]);
});
