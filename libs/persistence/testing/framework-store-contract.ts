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

    /** As a leader of an epoch that nobody has reached yet reads it. */
    const read = (name = 'juice') => frameworks.claim(name, 1_000);

    test('an id is kept under its name, and may be replaced', async () => {
      expect(await frameworks.save('juice', 'framework-1', 1)).toBe('saved');
      expect(await frameworks.save('juice', 'framework-2', 1)).toBe('saved');
      expect(await read()).toEqual({ frameworkId: 'framework-2' });
      expect(await read('other')).toEqual({ frameworkId: null });
    });

    test('a cleared id is gone, its epoch is not', async () => {
      await frameworks.save('juice', 'framework-1', 3);
      expect(await frameworks.clear('juice', 3)).toBe('saved');
      expect(await frameworks.save('juice', 'framework-1', 2)).toBe('fenced');
      expect(await frameworks.claim('juice', 3)).toEqual({ frameworkId: null });
      expect(await frameworks.save('juice', 'framework-2', 4)).toBe('saved');
      expect(await read()).toEqual({ frameworkId: 'framework-2' });
    });

    test('an older epoch is fenced', async () => {
      await frameworks.save('juice', 'framework-2', 2);
      expect(await frameworks.save('juice', 'framework-1', 1)).toBe('fenced');
      expect(await frameworks.clear('juice', 1)).toBe('fenced');
      expect(await frameworks.claim('juice', 1)).toBe('fenced');
      expect(await read()).toEqual({ frameworkId: 'framework-2' });
    });

    test('a claim fences older epochs, whether or not there was an id', async () => {
      expect(await frameworks.claim('juice', 2)).toEqual({ frameworkId: null });
      expect(await frameworks.save('juice', 'framework-1', 1)).toBe('fenced');
      expect(await frameworks.save('juice', 'framework-2', 2)).toBe('saved');
      expect(await frameworks.claim('juice', 2)).toEqual({ frameworkId: 'framework-2' });
      expect(await frameworks.claim('juice', 3)).toEqual({ frameworkId: 'framework-2' });
      expect(await frameworks.save('juice', 'framework-1', 2)).toBe('fenced');
    });

    test('two first writers at once: the newer epoch stays', async () => {
      const outcomes = await Promise.all([1, 2].map((epoch) => frameworks.save('juice', `framework-${epoch}`, epoch)));
      expect(outcomes[1]).toBe('saved');
      expect(await read()).toEqual({ frameworkId: 'framework-2' });
    });

    test('of two first leaders at once one has the id: what the older saves is read by the newer, or refused', async () => {
      const older = frameworks.claim('juice', 1).then(() => frameworks.save('juice', 'framework-1', 1));
      const newer = await frameworks.claim('juice', 2);
      const found = newer === 'fenced' ? newer : newer.frameworkId;
      expect(await older).toBe(found === 'framework-1' ? 'saved' : 'fenced');
    });
  });
}
