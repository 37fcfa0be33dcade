import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { TaskState, type TaskId } from '@juice/contracts';
import { seedInstantMs } from '../testing/api-fixture.ts';
import { startListing } from '../testing/listing.ts';

test('every task is listed exactly once, whatever is asked for, while others are submitted', async () => {
  const labelsOf = fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2'));
  const samples = fc.array(
    fc.record({ name: fc.constantFrom('x', 'xy', 'z'), labels: labelsOf, ended: fc.boolean(), minute: fc.nat(5) }),
    { minLength: 5, maxLength: 30, size: 'max' },
  );
  const filter = fc.record(
    {
      status: fc.constantFrom('waiting', 'ended', 'FINISHED,-1'),
      namePrefix: fc.constantFrom('x', 'xy', 'w'),
      label: fc.constantFrom('a', 'a:1', 'b:2'),
      after: fc.nat(2),
      before: fc.integer({ min: 3, max: 5 }),
    },
    { requiredKeys: [] },
  );
  type Sample = typeof samples extends fc.Arbitrary<(infer S)[]> ? S : never;
  type Filter = typeof filter extends fc.Arbitrary<infer F> ? F : never;
  const passes = (one: Sample, asked: Filter): boolean =>
    (asked.status === undefined || asked.status === 'FINISHED,-1' || (asked.status === 'ended') === one.ended) &&
    one.name.startsWith(asked.namePrefix ?? '') &&
    (asked.label === undefined || hasLabel(one.labels, asked.label)) &&
    one.minute >= (asked.after ?? 0) &&
    one.minute < (asked.before ?? Infinity);
  const hasLabel = (labels: Readonly<Record<string, string>>, asked: string): boolean => {
    const [key = '', value] = asked.split(':');
    return Object.hasOwn(labels, key) && (value === undefined || labels[key] === value);
  };
  const minute = (n: number): string => new Date(seedInstantMs + n * 60_000).toISOString();

  await fc.assert(
    fc.asyncProperty(samples, filter, fc.integer({ min: 1, max: 12 }), async (unordered, asked, limit) => {
      const { submit, listAll, tasks, advance } = startListing();
      const expected: TaskId[] = [];
      let passed = 0;
      for (const one of unordered.toSorted((a, b) => a.minute - b.minute)) {
        advance((one.minute - passed) * 60_000);
        passed = one.minute;
        const taskId = await submit(one.name, { labels: one.labels });
        if (one.ended) tasks.change(taskId, { status: TaskState.FINISHED });
        if (passes(one, asked)) expected.unshift(taskId);
      }
      const newest = [...tasks.stored.keys()].reduce((a, b) => (a > b ? a : b));
      const { after, before, ...words } = asked;
      const query = new URLSearchParams({
        ...words,
        limit: String(limit),
        ...(after !== undefined && { submittedAfter: minute(after) }),
        ...(before !== undefined && { submittedBefore: minute(before) }),
      });
      const listed = await listAll(query.toString(), () => submit('x', { labels: { a: '1', b: '2' } }));
      // What was submitted meanwhile is newer than every page but the first.
      expect(listed.map(({ taskId }) => taskId).filter((taskId) => taskId <= newest)).toEqual(expected);
    }),
    { numRuns: 30 },
  );
});
