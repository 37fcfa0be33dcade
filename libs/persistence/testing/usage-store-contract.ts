import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { beforeAllEvents, noUsage, type EventCursor, type UsageAmounts } from '@juice/contracts';
import type { Use, UsageStore } from '../src/index.ts';

/** The part of a usage store that counts; what it reads of tasks is the task store's. */
export type CountingStore = Omit<UsageStore, 'findUsedTasks'>;

export interface MadeUsageStore {
  readonly usage: CountingStore;
  close(): Promise<void>;
}

const place = (n: number): EventCursor => ((1n << 40n) + BigInt(n)) as EventCursor;
const use = (n: number, amounts: Partial<UsageAmounts>, day = '2026-01-31', tenantId = 'acme'): Use => ({
  ...{ tenantId, day, place: place(n) },
  amounts: { ...noUsage, ...amounts },
});
const january = { from: '2026-01-01', to: '2026-01-31' };

/** What a store of usage must do. `make` gives an empty one. */
export function usageStoreContract(make: () => Promise<MadeUsageStore>): void {
  describe('a usage store', () => {
    let made: MadeUsageStore;
    let usage: CountingStore;
    beforeEach(async () => {
      made = await make();
      usage = made.usage;
    });
    afterEach(() => made.close());

    test('uses of a tenant’s day add up, those of others are apart', async () => {
      const last = use(3, { tasks: 1, cpuSeconds: 1.5, gpuSeconds: 2 });
      await usage.countUses([
        use(1, { tasks: 1, finished: 1, cpuSeconds: 0.25, memMbSeconds: 512 }),
        use(2, { tasks: 1, killed: 1 }, '2026-01-30'),
        use(2, { tasks: 1, expired: 1 }, '2026-01-31', 'globex'),
        last,
      ]);
      await usage.countUses([use(4, { attempts: 1 })]);
      expect(await usage.findUsage(january, 10)).toEqual([
        { day: '2026-01-30', tenantId: 'acme', ...noUsage, tasks: 1, killed: 1 },
        {
          ...{ day: '2026-01-31', tenantId: 'acme', ...noUsage, tasks: 2, finished: 1, attempts: 1 },
          ...{ cpuSeconds: 1.75, memMbSeconds: 512, gpuSeconds: 2 },
        },
        { day: '2026-01-31', tenantId: 'globex', ...noUsage, tasks: 1, expired: 1 },
      ]);
    });

    test('a use that is handed over again is not counted again, and what is new beside it is', async () => {
      await usage.countUses([use(1, { tasks: 1 }), use(2, { tasks: 1 })]);
      await usage.countUses([use(1, { tasks: 1 }), use(2, { tasks: 1 }), use(3, { tasks: 1 })]);
      await usage.countUses([use(2, { tasks: 1 })]);
      expect(await usage.findUsage(january, 10)).toMatchObject([{ tasks: 3 }]);
    });

    test('several who count the same at once count it once', async () => {
      const uses = Array.from({ length: 20 }, (_, n) => use(n + 1, { tasks: 1, cpuSeconds: 2 }, `2026-01-1${n % 3}`));
      await Promise.all([20, 11, 15, 20, 3].map((count) => usage.countUses(uses.slice(0, count))));
      const found = await usage.findUsage(january, 10);
      expect(found.map(({ day, tasks, cpuSeconds }) => [day, tasks, cpuSeconds])).toEqual([
        ['2026-01-10', 7, 14],
        ['2026-01-11', 7, 14],
        ['2026-01-12', 6, 12],
      ]);
    });

    test('the place up to which all is counted only moves on', async () => {
      expect(await usage.usageCountedUpTo()).toBe(beforeAllEvents);
      await usage.markUsageCounted(place(7));
      await usage.markUsageCounted(place(5));
      expect(await usage.usageCountedUpTo()).toBe(place(7));
      await usage.markUsageCounted(place(8));
      expect(await usage.usageCountedUpTo()).toBe(place(8));
      expect(await usage.findUsage({ from: '0001-01-01', to: '9999-12-31' }, 10)).toEqual([]);
    });

    test('days are found from the first to the last, of one tenant or all, and go on after one that was had', async () => {
      const days = ['2025-12-31', '2026-01-01', '2026-01-31', '2026-02-01'];
      await usage.countUses(
        days.flatMap((day, n) => ['acme', 'globex'].map((tenantId) => use(n + 1, { tasks: 1 }, day, tenantId))),
      );
      const found = async (...asked: Parameters<UsageStore['findUsage']>): Promise<string[]> =>
        (await usage.findUsage(...asked)).map(({ day, tenantId }) => `${day} ${tenantId}`);
      expect(await found(january, 3)).toEqual(['2026-01-01 acme', '2026-01-01 globex', '2026-01-31 acme']);
      const after = { day: '2026-01-31', tenantId: 'acme' };
      expect(await found({ ...january, after }, 3)).toEqual(['2026-01-31 globex']);
      expect(await found({ ...january, tenantId: 'globex' }, 10)).toEqual(['2026-01-01 globex', '2026-01-31 globex']);
    });
  });
}
