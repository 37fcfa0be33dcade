import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createFairQueue } from './fair-queue.ts';

function drain(queue: ReturnType<typeof createFairQueue<number>>): number[] {
  const taken: number[] = [];
  for (let next = queue.take(); next !== null; next = queue.take()) taken.push(next.id);
  return taken;
}

describe('the fair queue', () => {
  test('groups take turns, however much each has', () => {
    const queue = createFairQueue<number>(() => true);
    for (let id = 1; id <= 5; id += 1) queue.add(id, 'many');
    queue.add(10, 'few');
    queue.add(20, 'one');
    queue.add(11, 'few');
    expect(drain(queue)).toEqual([1, 10, 20, 2, 11, 3, 4, 5]);
    expect(queue.size).toBe(0);
  });

  test('a full group is passed over until it has room', () => {
    const queue = createFairQueue<number>((_, underWay) => underWay < 2);
    for (let id = 1; id <= 4; id += 1) queue.add(id, 'a');
    queue.add(10, 'b');
    expect(drain(queue)).toEqual([1, 10, 2]);
    queue.done('a');
    expect(drain(queue)).toEqual([3]);
    expect(queue.waitingIn('a')).toBe(1);
  });

  test('what waits already is not added again', () => {
    const queue = createFairQueue<number>((_, underWay) => underWay < 1);
    queue.add(1, 'a');
    queue.add(1, 'b');
    expect(queue.size).toBe(1);
    expect(drain(queue)).toEqual([1]);
  });

  test('something under way moves to the group it belongs to, where there is room', () => {
    const queue = createFairQueue<number>((group, underWay) => group === 'unknown' || underWay < 1);
    queue.add(1, 'unknown');
    queue.add(2, 'unknown');
    expect(drain(queue)).toEqual([1, 2]);
    expect(queue.move('unknown', 'a')).toBe(true);
    expect(queue.move('unknown', 'a')).toBe(false);
    queue.done('unknown');
    queue.add(2, 'a');
    expect(queue.take()).toBeNull();
    queue.done('a');
    expect(queue.take()).toEqual({ id: 2, group: 'a' });
  });

  test('a group whose room changes with time has its turn once it is looked at again, and none once it has no room', () => {
    let isOpen = false;
    const queue = createFairQueue<number>((group) => group === 'always' || isOpen);
    queue.add(1, 'shut');
    queue.add(2, 'shut');
    queue.add(10, 'always');
    expect(drain(queue)).toEqual([10]);
    isOpen = true;
    queue.look('shut');
    expect(queue.take()).toEqual({ id: 1, group: 'shut' });
    isOpen = false;
    expect(queue.take()).toBeNull();
    queue.drop('shut');
    expect(queue.size).toBe(0);
    expect(queue.has('shut')).toBe(true);
    queue.done('shut');
    expect(queue.has('shut')).toBe(false);
  });

  test('over any history: no group beyond its cap, nothing lost, nothing twice, no group left behind in memory', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('add' as const), group: fc.nat({ max: 3 }) }),
      fc.record({ kind: fc.constant('take' as const) }),
      fc.record({ kind: fc.constant('done' as const), which: fc.nat() }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const queue = createFairQueue<number>((group, underWay) => underWay <= Number(group));
        const added: number[] = [];
        const taken: number[] = [];
        const underWay: string[] = [];
        for (const { kind, ...given } of steps) {
          if (kind === 'add') {
            added.push(added.length);
            queue.add(added.length - 1, String('group' in given ? given.group : 0));
          } else if (kind === 'take') {
            const next = queue.take();
            if (next === null) continue;
            taken.push(next.id);
            underWay.push(next.group);
            expect(underWay.filter((group) => group === next.group).length).toBeLessThanOrEqual(Number(next.group) + 1);
          } else if (underWay.length > 0) {
            const [ended = ''] = underWay.splice(('which' in given ? given.which : 0) % underWay.length, 1);
            queue.done(ended);
          }
        }
        while (queue.size > 0 || underWay.length > 0) {
          const next = queue.take();
          if (next !== null) {
            taken.push(next.id);
            underWay.push(next.group);
          } else queue.done(underWay.pop() ?? '');
        }
        expect(taken.toSorted((a, b) => a - b)).toEqual(added);
        expect(queue.groups).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});
