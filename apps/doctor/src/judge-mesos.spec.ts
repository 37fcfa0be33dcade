import { expect, test } from '@jest/globals';
import type { MasterFacts } from '@juice/mesos';
import { judgeLeader, judgeMasters, judgeMesosClock, judgeMesosVersion, judgeRoles } from './judge-mesos.ts';

const clock = { aheadMs: 100, doubtMs: 500 };
const leads: MasterFacts = { url: 'http://a:5050', role: { kind: 'leads' }, version: '1.11.0', clock };
const follows: MasterFacts = { ...leads, url: 'http://b:5050', role: { kind: 'follows', leader: 'http://a:5050' } };
const unready: MasterFacts = { ...leads, url: 'http://c:5050', role: { kind: 'unready', detail: 'No leader elected' } };
const refuses: MasterFacts = { ...leads, url: 'http://d:5050', role: { kind: 'refuses', status: 401 } };
const fails: MasterFacts = { ...leads, url: 'http://e:5050', role: { kind: 'fails', detail: 'away' }, version: null };

test('every master is told', () => {
  expect(judgeMasters([leads, follows])).toMatchObject({
    verdict: 'ok',
    found: 'http://a:5050 leads; http://b:5050 leads to http://a:5050',
  });
});

test.each([
  ['one that is away is a warning', [leads, fails], 'warning'],
  ['all away is wrong', [fails, fails], 'wrong'],
  ['refused credentials are wrong, whoever else answers', [leads, refuses], 'wrong'],
  ['one that is not ready is a master', [unready], 'ok'],
])('%s', (_title, masters, verdict) => {
  expect(judgeMasters(masters).verdict).toBe(verdict);
});

test.each([
  ['the one that leads', [follows, leads], 'ok'],
  ['nobody', [unready, fails], 'wrong'],
  ['not to be told where no master is reached', [fails, fails], 'skipped'],
  ['not to be told without credentials', [refuses], 'skipped'],
])('the leader is %s', (_title, masters, verdict) => {
  expect(judgeLeader(masters).verdict).toBe(verdict);
});

test.each([
  ['0.28.2', 'wrong'],
  ['1.0.0', 'ok'],
  ['1.11.0', 'ok'],
  [null, 'warning'],
])('version %s: %s', (version, verdict) => {
  expect(judgeMesosVersion([{ ...leads, version }]).verdict).toBe(verdict);
});

test('version and clock are the leader’s alone', () => {
  expect(judgeMesosVersion([follows]).verdict).toBe('skipped');
  expect(judgeMesosClock([follows]).verdict).toBe('skipped');
  expect(judgeMesosClock([{ ...leads, clock: null }]).verdict).toBe('skipped');
  expect(judgeMesosClock([leads]).verdict).toBe('ok');
  expect(judgeMesosClock([{ ...leads, clock: { aheadMs: 60_000, doubtMs: 500 } }]).verdict).toBe('wrong');
});

test('roles are told', () => {
  expect(judgeRoles(['batch', 'web']).found).toBe('offers are asked for with roles batch, web');
});
