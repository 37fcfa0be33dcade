import { expect, test } from '@jest/globals';
import { withoutSecrets, writeFinding } from './finding.ts';
import { runCheck } from './run-check.ts';

test('a finding is one line, whatever a driver says', () => {
  const finding = {
    check: 'mongodb.connection',
    verdict: 'wrong',
    found: 'not\n  reached\n',
    advice: 'start it',
  } as const;
  expect(writeFinding(finding)).toBe('wrong    mongodb.connection   not reached → start it');
});

test('secrets are taken out of what others say, also percent-encoded, the longest first', () => {
  const found = 'user a, password p@ss, in the URL p%40ss; p@ss2 is another';
  const finding = { check: 'x', verdict: 'wrong', found, advice: null } as const;
  expect(withoutSecrets(finding, ['p@ss', 'p@ss2']).found).toBe('user a, password …, in the URL …; … is another');
});

test('our own words are left alone, whatever a password is', () => {
  const finding = { check: 'x', verdict: 'ok', found: 'mongodb://127.0.0.1/juice answers', advice: null } as const;
  expect(withoutSecrets(finding, ['juice'])).toEqual(finding);
});

test('a check that fails, and one that is never over, is wrong, and has its advice', async () => {
  const options = { limitMs: 20, advice: 'look at it' };
  const failed = await runCheck('one', options, () => Promise.reject(new Error('refused')));
  expect(failed).toEqual({ check: 'one', verdict: 'wrong', found: 'refused', advice: 'look at it' });
  let signal: AbortSignal | undefined;
  const late = await runCheck('two', options, (given) => {
    signal = given;
    return new Promise(() => undefined);
  });
  expect(late).toEqual({ check: 'two', verdict: 'wrong', found: 'no answer within 0.02 s', advice: 'look at it' });
  expect(signal?.aborted).toBe(true);
});
