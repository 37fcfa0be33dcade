import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Heap } from './heap.ts';

test('a heap gives back what was put in, in order, however pushes and pops are mixed', () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.integer())), (steps) => {
      const heap = new Heap<number>((a, b) => a < b);
      const model: number[] = [];
      for (const step of steps) {
        if (step === null) {
          expect(heap.pop()).toBe(model.shift());
        } else {
          heap.push(step);
          model.push(step);
          model.sort((a, b) => a - b);
        }
        expect(heap.peek()).toBe(model[0]);
        expect(heap.size).toBe(model.length);
      }
    }),
    { numRuns: 200 },
  );
});
