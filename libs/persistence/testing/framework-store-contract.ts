import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { FrameworkStore } from '../src/index.ts';

export interface MadeFrameworkStore {
  readonly frameworks: FrameworkStore;
  close(): Promise<void>;
}

/** What a store of the framework id must do. `make` gives an empty one. */
export function frameworkStoreContract(make: () => Promise<MadeFrameworkStore>): void {
  describe('a framework store', () => {
    let made: MadeFrameworkStore;
    let frameworks: FrameworkStore;
    beforeEach(async () => {
      made = await make();
      frameworks = made.frameworks;
    });
    afterEach(() => made.close());

    test('an id is kept under its name, and may be replaced', async () => {
      expect(await frameworks.load('juice')).toBeNull();
      expect(await frameworks.save('juice', 'framework-1', 1)).toBe('saved');
      expect(await frameworks.save('juice', 'framework-2', 1)).toBe('saved');
      expect(await frameworks.load('juice')).toEqual({ frameworkId: 'framework-2' });
      expect(await frameworks.load('other')).toBeNull();
    });

    test('a cleared id is gone, its epoch is not', async () => {
      await frameworks.save('juice', 'framework-1', 3);
      expect(await frameworks.clear('juice', 3)).toBe('saved');
      expect(await frameworks.load('juice')).toBeNull();
      expect(await frameworks.save('juice', 'framework-1', 2)).toBe('fenced');
      expect(await frameworks.save('juice', 'framework-2', 4)).toBe('saved');
      expect(await frameworks.load('juice')).toEqual({ frameworkId: 'framework-2' });
    });

    test('an older epoch is fenced', async () => {
      await frameworks.save('juice', 'framework-2', 2);
      expect(await frameworks.save('juice', 'framework-1', 1)).toBe('fenced');
      expect(await frameworks.clear('juice', 1)).toBe('fenced');
      expect(await frameworks.load('juice')).toEqual({ frameworkId: 'framework-2' });
    });

    test('two first writers at once: the newer epoch stays', async () => {
      const outcomes = await Promise.all([1, 2].map((epoch) => frameworks.save('juice', `framework-${epoch}`, epoch)));
      expect(outcomes[1]).toBe('saved');
      expect(await frameworks.load('juice')).toEqual({ frameworkId: 'framework-2' });
    });
  });
}
