import { describe, expect, test } from '@jest/globals';
import type { AttemptResult } from './outcome.ts';
import { createWhoseFault } from './whose-fault.ts';

const nowMs = 1_750_000_000_000;
const timings = { lookupMs: 1, connectMs: 1, tlsMs: null, firstByteMs: null, totalMs: 3 };
const failed = (phase: 'lookup' | 'connect' | 'tls' | 'response', code: string): AttemptResult => {
  return { kind: 'failed', phase, code, timings };
};
const ok: AttemptResult = {
  ...{ kind: 'answered', status: 503, headers: {}, body: Buffer.alloc(0), isBodyWhole: true },
  timings,
};
const noResolver = failed('lookup', 'EAI_AGAIN');
const noRoute = failed('connect', 'TIMEOUT');
const at = (name: string) => new URL(`https://${name}.example/x`);

/** What happened at other receivers, then at `a`: whether that is a fault of ours. */
function isOurs(result: AttemptResult, others: readonly (readonly [string, AttemptResult, number?])[]): boolean {
  const whoseFault = createWhoseFault();
  for (const [name, other, agoMs = 1_000] of others) whoseFault.note(at(name), other, nowMs - agoMs);
  whoseFault.note(at('a'), result, nowMs);
  return whoseFault.isOurs(at('a'), result, nowMs);
}

describe('a resolver that gives no answer', () => {
  test.each<[string, boolean, Parameters<typeof isOurs>[1]]>([
    ['is ours when nothing else is known', true, []],
    ['is ours when it fails for others too', true, [['b', noResolver]]],
    ["is the receiver's own when another name was resolved", false, [['b', ok]]],
    ['even though that one could not be reached then', false, [['b', noRoute]]],
    ['is ours when that was long ago', true, [['b', ok, 60_000]]],
    ['is ours when it was the same name that was resolved', true, [['a', ok]]],
  ])('%s', (_, expected, others) => {
    expect(isOurs(noResolver, others)).toBe(expected);
  });
});

describe('a connection that is not made', () => {
  test.each<[string, boolean, Parameters<typeof isOurs>[1]]>([
    ['is held against the receiver when nothing else is known', false, []],
    [
      'is ours when three others fail alike',
      true,
      [
        ['b', noRoute],
        ['c', noRoute],
        ['d', noResolver],
      ],
    ],
    [
      'two others may well be down together',
      false,
      [
        ['b', noRoute],
        ['c', noRoute],
      ],
    ],
    [
      'is not when any other was reached',
      false,
      [
        ['b', noRoute],
        ['c', noRoute],
        ['d', noRoute],
        ['e', ok],
      ],
    ],
    [
      'a refusal is an answer',
      false,
      [
        ['b', noRoute],
        ['c', noRoute],
        ['d', noRoute],
        ['e', failed('connect', 'ECONNREFUSED')],
      ],
    ],
    [
      'so is a failed handshake',
      false,
      [
        ['b', noRoute],
        ['c', noRoute],
        ['d', noRoute],
        ['e', failed('tls', 'X')],
      ],
    ],
    [
      'what was a minute ago does not count',
      false,
      [
        ['b', noRoute, 60_000],
        ['c', noRoute],
        ['d', noRoute],
      ],
    ],
  ])('%s', (_, expected, others) => {
    expect(isOurs(noRoute, others)).toBe(expected);
  });

  test.each<[string, AttemptResult]>([
    ['an answer', ok],
    ['a refused connection', failed('connect', 'ECONNREFUSED')],
    ['a receiver that does not answer in time', failed('response', 'TIMEOUT')],
  ])('%s is never ours', (_, result) => {
    expect(
      isOurs(result, [
        ['b', noRoute],
        ['c', noRoute],
        ['d', noRoute],
      ]),
    ).toBe(false);
  });
});
