import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { LeaseStore } from '../src/index.ts';

export interface MadeLeaseStore {
  readonly leases: LeaseStore;
  close(): Promise<void>;
}

/** What a lease store must do. `make` gives an empty one. */
export function leaseStoreContract(make: () => Promise<MadeLeaseStore>): void {
  describe('a lease store', () => {
    let made: MadeLeaseStore;
    let leases: LeaseStore;
    beforeEach(async () => {
      made = await make();
      leases = made.leases;
    });
    afterEach(() => made.close());

    test('the first taker has epoch 1, and everybody can see it', async () => {
      expect(await leases.read('scheduler')).toBeNull();
      const lease = { name: 'scheduler', holder: 'a', epoch: 1, renewals: 0, url: 'http://a' };
      expect(await leases.take('scheduler', 'a', 'http://a', null)).toEqual(lease);
      expect(await leases.read('scheduler')).toEqual(lease);
      expect(await leases.read('worker:1')).toBeNull();
    });

    test('of many takers at once one has it', async () => {
      const takers = Array.from({ length: 12 }, (_, n) => `taker-${n}`);
      const first = await Promise.all(takers.map((taker) => leases.take('scheduler', taker, null, null)));
      expect(first.filter((lease) => lease !== null)).toHaveLength(1);
      const seen = await leases.read('scheduler');
      const second = await Promise.all(takers.map((taker) => leases.take('scheduler', `${taker}-again`, null, seen)));
      expect(second.filter((lease) => lease !== null)).toMatchObject([{ epoch: 2, renewals: 0 }]);
    });

    test('a lease renewed since it was seen cannot be taken', async () => {
      const seen = await leases.take('scheduler', 'a', null, null);
      expect(await leases.renew('scheduler', 'a', 1)).toBe(true);
      expect(await leases.take('scheduler', 'b', null, seen)).toBeNull();
      expect(await leases.read('scheduler')).toMatchObject({ holder: 'a', epoch: 1, renewals: 1 });
      expect(await leases.take('scheduler', 'b', null, await leases.read('scheduler'))).toMatchObject({ epoch: 2 });
    });

    test('who lost it can neither renew nor release it', async () => {
      const seen = await leases.take('scheduler', 'a', null, null);
      await leases.take('scheduler', 'b', null, seen);
      expect(await leases.renew('scheduler', 'a', 1)).toBe(false);
      expect(await leases.renew('scheduler', 'b', 1)).toBe(false);
      await leases.release('scheduler', 'a', 1);
      expect(await leases.read('scheduler')).toMatchObject({ holder: 'b', epoch: 2 });
    });

    test('a released lease is free, and its next epoch still newer', async () => {
      const seen = await leases.take('scheduler', 'a', null, null);
      await leases.release('scheduler', 'a', 1);
      expect(await leases.renew('scheduler', 'a', 1)).toBe(false);
      const free = await leases.read('scheduler');
      expect(free).toMatchObject({ holder: null, epoch: 1 });
      expect(await leases.take('scheduler', 'b', null, seen)).toBeNull();
      expect(await leases.take('scheduler', 'b', null, free)).toMatchObject({ holder: 'b', epoch: 2 });
    });

    // After a broken connection the taker does not know whether it has the lease, and asks again with what it saw.
    test('a take repeated by the same holder finds its own success', async () => {
      const lease = await leases.take('scheduler', 'a', null, null);
      expect(await leases.take('scheduler', 'a', null, null)).toEqual(lease);
      const second = await leases.take('scheduler', 'b', null, lease);
      expect(await leases.take('scheduler', 'b', null, lease)).toEqual(second);
    });
  });
}
