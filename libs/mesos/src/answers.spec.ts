import { expect, test } from '@jest/globals';
import { loadHttpErrors } from '../testing/index.ts';
import { classifyAnswer, mayRetrySubscribe } from './answers.ts';

/** Every answer recorded from a real master, and those only a proxy gives. */
const kinds: Readonly<Record<string, string>> = {
  'unknown framework': 'subscription-lost',
  'wrong stream id': 'subscription-lost',
  'disconnected framework': 'subscription-lost',
  'valid revive': 'accepted',
  'role that is not ours (accepted, ignored)': 'accepted',
};

test.each(loadHttpErrors().map((answer) => [answer.name, answer] as const))('%s', (name, { status, body }) => {
  expect(classifyAnswer(status, body).kind).toBe(kinds[name] ?? 'refused');
});

test.each([
  [307, '', 'subscription-lost'],
  [503, 'Master has not finished recovery', 'subscription-lost'],
  [401, '', 'refused'],
  [501, '', 'refused'],
  [500, '', 'unknown'],
  [502, 'Bad Gateway', 'unknown'],
  [504, '', 'unknown'],
])('%s %s', (status, body, kind) => {
  expect(classifyAnswer(status, body).kind).toBe(kind);
});

test('SUBSCRIBE is tried again unless the master said no to it', () => {
  const retryable = [302, 400, 401, 403, 404, 405, 406, 408, 415, 429, 500, 501, 502, 503, 504].filter(
    mayRetrySubscribe,
  );
  expect(retryable).toEqual([302, 408, 429, 500, 502, 503, 504]);
});
