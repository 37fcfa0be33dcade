import { expect, test } from '@jest/globals';
import { launchStopsOf, parseSwitchName } from './switches.ts';

test.each([
  ['stop-launching', { kind: 'stop-launching', of: null }],
  ['stop-launching:batch/night', { kind: 'stop-launching', of: 'batch/night' }],
  ['stop-launching:*', { kind: 'stop-launching', of: '*' }],
  ['stop-intake', { kind: 'stop-intake', of: null }],
  ['drain-scheduler:s1.example', { kind: 'drain-scheduler', of: 's1.example' }],
  ['drain-scheduler:::1', { kind: 'drain-scheduler', of: '::1' }],
])('%s is a switch', (name, parsed) => {
  expect(parseSwitchName(name)).toEqual(parsed);
});

test.each([
  'launching',
  'STOP-INTAKE',
  'stop-intake:acme',
  'stop-intake\n',
  'stop-launching:',
  'stop-launching:a b',
  'drain-scheduler',
  'drain-scheduler:a/b',
  '',
])('%j is none', (name) => {
  expect(parseSwitchName(name)).toBeNull();
});

test('of all switches those of launching stop it, as a whole or for a role', () => {
  const stops = launchStopsOf([
    { name: 'stop-launching:batch', reason: 'night' },
    { name: 'stop-intake', reason: 'full' },
    { name: 'of-a-later-version', reason: 'x' },
  ]);
  expect(stops).toEqual({ all: null, roles: new Map([['batch', 'night']]) });
  expect(launchStopsOf([{ name: 'stop-launching', reason: 'moved' }]).all).toBe('moved');
});
