import type { Lease, LeaseStore } from '../src/index.ts';

/** A lease store in memory, that of MongoDB to all who use it. */
export function createMemoryLeases(): LeaseStore {
  const held = new Map<string, Lease>();

  const of = (name: string, holder: string, epoch: number): Lease | null => {
    const lease = held.get(name);
    return lease?.holder === holder && lease.epoch === epoch ? lease : null;
  };

  return {
    read: async (name) => held.get(name) ?? null,
    async take(name, holder, url, seen) {
      const present = held.get(name) ?? null;
      const epoch = (seen?.epoch ?? 0) + 1;
      if (present?.epoch !== seen?.epoch || present?.renewals !== seen?.renewals) return of(name, holder, epoch);
      const taken = { name, holder, epoch, renewals: 0, url };
      held.set(name, taken);
      return taken;
    },
    async renew(name, holder, epoch) {
      const lease = of(name, holder, epoch);
      if (lease !== null) held.set(name, { ...lease, renewals: lease.renewals + 1 });
      return lease !== null;
    },
    async release(name, holder, epoch) {
      const lease = of(name, holder, epoch);
      if (lease !== null) held.set(name, { ...lease, holder: null, renewals: lease.renewals + 1 });
    },
  };
}
