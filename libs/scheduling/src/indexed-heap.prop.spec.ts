import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { IndexedHeap } from './indexed-heap.ts';

interface Item {
  readonly id: number;
  key: number;
  at: number;
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('push' as const), key: fc.integer({ min: 0, max: 9 }) }),
  fc.record({ kind: fc.constantFrom('pop' as const) }),
  fc.record({ kind: fc.constantFrom('remove' as const), which: fc.nat(30) }),
  fc.record({ kind: fc.constant('update' as const), which: fc.nat(30), key: fc.integer({ min: 0, max: 9 }) }),
);

test('whatever is put in, taken out of the middle or ranked anew, the first is the first, and each knows its place', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const heap = new IndexedHeap<Item>(
        { key: ({ key }) => key, isFirst: (a, b) => a.id < b.id },
        { get: ({ at }) => at, set: (item, at) => (item.at = at) },
      );
      let inside: Item[] = [];
      let next = 0;
      for (const each of steps) {
        if (each.kind === 'push') {
          const item = { id: next++, key: each.key, at: -1 };
          inside.push(item);
          heap.push(item);
        } else if (each.kind === 'pop') {
          const popped = heap.pop();
          expect(popped).toBe(firstOf(inside));
          inside = inside.filter((item) => item !== popped);
        } else {
          const item = inside[each.which % Math.max(1, inside.length)];
          if (item === undefined) continue;
          if (each.kind === 'update') {
            item.key = each.key;
            heap.update(item);
          } else {
            heap.remove(item);
            expect(item.at).toBe(-1);
            inside = inside.filter((other) => other !== item);
          }
        }
        expect(heap.peek()).toBe(firstOf(inside));
        expect(heap.size).toBe(inside.length);
        expect(heap.items().every((item, at) => item.at === at)).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

function firstOf(items: readonly Item[]): Item | undefined {
  return items.toSorted((a, b) => a.key - b.key || a.id - b.id)[0];
}
