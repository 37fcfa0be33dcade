import { describe, expect, jest, test } from '@jest/globals';
import type { CallbackRules, CallbackSecret } from '@juice/persistence';
import { Webhook } from 'standardwebhooks';
import { parseSigningKey, signatureHeaders } from './sign.ts';
import { createRulesOf, readRules } from './tenant-rules.ts';

const nowMs = 1_750_000_000_000;
const texts = {
  operator: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  old: 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=',
  current: 'whsec_ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8=',
} as const;
const keyOf = (text: string) => {
  const key = parseSigningKey(text);
  if (key === null) throw new Error('the test is wrong');
  return key;
};
const operator = { schedule: [0, 5_000], keys: [keyOf(texts.operator)] };
const secretOf = (name: 'old' | 'current', expiresInMs: number | null = null): CallbackSecret => ({
  secretId: name,
  secret: texts[name],
  createdAt: new Date(nowMs - 1_000),
  expiresAt: expiresInMs === null ? null : new Date(nowMs + expiresInMs),
});
const rules = (
  secrets: readonly CallbackSecret[],
  operatorInMs: number | null = null,
  scheduleSeconds: readonly number[] | null = null,
): CallbackRules => ({
  scheduleSeconds,
  signing: { secrets, operatorUntil: operatorInMs === null ? null : new Date(nowMs + operatorInMs) },
});

/** Whose key verifies what is signed under these rules. */
function verifiers(given: CallbackRules, atMs = nowMs): string[] {
  const body = Buffer.from('{"a":1}');
  const timestampS = Math.floor(Date.now() / 1000);
  const headers = signatureHeaders({ id: '7_2', timestampS, body }, readRules(given, operator).keysAt(atMs));
  return Object.entries(texts).flatMap(([name, text]) => {
    try {
      new Webhook(text).verify(body, headers);
      return [name];
    } catch {
      return [];
    }
  });
}

describe("a tenant's rules", () => {
  test.each<[string, CallbackRules, number, readonly string[]]>([
    ["without secrets of its own the operator's signs", rules([]), 0, ['operator']],
    ['with its own only that', rules([secretOf('current')]), 0, ['current']],
    [
      "its first one beside the operator's, for a while",
      rules([secretOf('current')], 60_000),
      0,
      ['operator', 'current'],
    ],
    ['and alone after that', rules([secretOf('current')], 60_000), 60_000, ['current']],
    ['both during a rotation', rules([secretOf('current'), secretOf('old', 60_000)]), 59_999, ['old', 'current']],
    ['the new one alone after it', rules([secretOf('current'), secretOf('old', 60_000)]), 60_000, ['current']],
    ["all expired: the operator's, never unsigned", rules([secretOf('old', 60_000)]), 60_000, ['operator']],
  ])('%s', (_, given, inMs, expected) => {
    expect(verifiers(given, nowMs + inMs)).toEqual(expected);
  });

  test('the schedule is its own, or the one of the service', () => {
    expect(readRules(rules([]), operator).schedule).toEqual([0, 5_000]);
    expect(readRules(rules([], null, [0, 60, 3_600]), operator).schedule).toEqual([0, 60_000, 3_600_000]);
  });

  test('are asked for once in a while, and again when something was changed', async () => {
    let monotonicMs = 0;
    const callbackRulesOf = jest.fn(async () => rules([]));
    const rulesOf = createRulesOf({ tenants: { callbackRulesOf }, operator, monotonicMs: () => monotonicMs });
    await Promise.all([rulesOf('acme'), rulesOf('acme')]);
    monotonicMs = 4_999;
    await rulesOf('acme');
    expect(callbackRulesOf).toHaveBeenCalledTimes(1);
    rulesOf.forgetAll();
    await rulesOf('acme');
    expect(callbackRulesOf).toHaveBeenCalledTimes(2);
    monotonicMs = 9_999;
    await rulesOf('acme');
    expect(callbackRulesOf).toHaveBeenCalledTimes(3);
  });
});
