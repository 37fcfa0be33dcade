import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { History, type Step } from '../testing/history.ts';

const small = fc.integer({ min: 0, max: 11 });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('submit' as const), cpus: fc.integer({ min: 1, max: 4 }), retry: small }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('offer' as const),
      agent: fc.integer({ min: 0, max: 2 }),
      cpus: fc.integer({ min: 1, max: 8 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('report' as const), which: small, word: small, repeat: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('garble' as const), which: small, uuid: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('kill' as const), which: small, told: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('answer' as const), refuse: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('tick' as const), ms: fc.integer({ min: 1, max: 1_000_000 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('rescind' as const), which: small }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('switch' as const),
      stops: fc.constantFrom('nothing' as const, 'all' as const, 'role' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('resubscribe' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('takeover' as const) }) },
);

/** One tenant has all there is, until its task is stopped for another's. */
const preemption: readonly Step[] = [
  { kind: 'submit', cpus: 4, retry: 0 },
  { kind: 'offer', agent: 0, cpus: 4 },
  { kind: 'report', which: 0, word: 1, repeat: false },
  { kind: 'submit', cpus: 4, retry: 1 },
  { kind: 'tick', ms: 2_000 },
  { kind: 'tick', ms: 12_000 },
];

/** An agent is kept for a task, and one like it that was submitted before comes back from a launch that was refused. */
const keptForTheLater: Step[] = [
  ...preemption,
  { kind: 'submit', cpus: 4, retry: 7 },
  { kind: 'offer', agent: 0, cpus: 4 },
  { kind: 'tick', ms: 999 },
  { kind: 'answer', refuse: true },
];

const histories = fc
  .tuple(fc.constantFrom([], preemption), fc.array(step, { minLength: 1, maxLength: 60 }))
  .map(([beginning, steps]) => [...beginning, ...steps]);

/**
 * Any history: submissions, offers of any size, words of the cluster in any order, repeated and unreadable, kills known at once or
 * only through the guard of a write, refused launches, tasks stopped for others, launching stopped by the operator, rescinded offers,
 * new subscriptions and takeovers.
 */
describe('over any history', () => {
  test('nothing is launched twice, without a record or while that is stopped, no offer is overbooked or answered twice, every word is acknowledged once, what may have finished is not repeated at no cost', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const history = new History();
        for (const one of steps) history.take(one);
        expect(history.violations).toEqual([]);
      }),
      { numRuns: 1_500 },
    );
  });

  test('the same events give the same commands', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const [first, second] = [new History(), new History()];
        for (const one of steps) {
          first.take(one);
          second.take(one);
        }
        expect(second.trace).toEqual(first.trace);
      }),
      { numRuns: 200 },
    );
  });

  test('every task ends once the cluster tells how its attempts ended', () => {
    fc.assert(
      fc.property(histories, (steps) => {
        const history = new History();
        for (const one of steps) history.take(one);
        history.settle();
        expect(history.violations).toEqual([]);
        expect(history.unended()).toEqual([]);
      }),
      { numRuns: 500, examples: [[keptForTheLater]] },
    );
  });
});
