import { addUsage, beforeAllEvents, noUsage, type EventCursor } from '@juice/contracts';
import type { CountedUsage } from '@juice/persistence';
import type { CountingStore } from '@juice/persistence/testing';

/** The usage store in memory, with the promises of the real one. */
export function createMemoryUsage(): CountingStore {
  const days = new Map<string, { usage: CountedUsage; upTo: EventCursor }>();
  let counted: EventCursor = beforeAllEvents;
  return {
    usageCountedUpTo: () => Promise.resolve(counted),
    async countUses(uses) {
      for (const { tenantId, day, place, amounts } of uses) {
        const id = `${day} ${tenantId}`;
        const known = days.get(id);
        if (known !== undefined && place <= known.upTo) continue;
        days.set(id, { usage: { day, tenantId, ...addUsage(known?.usage ?? noUsage, amounts) }, upTo: place });
      }
    },
    async markUsageCounted(upTo) {
      if (upTo > counted) counted = upTo;
    },
    async findUsage({ from, to, tenantId, after }, limit) {
      const past = after === undefined ? '' : `${after.day} ${after.tenantId}`;
      return [...days]
        .filter(([id, { usage }]) => id > past && usage.day >= from && usage.day <= to)
        .filter(([, { usage }]) => tenantId === undefined || usage.tenantId === tenantId)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, { usage }]) => usage)
        .slice(0, limit);
    },
  };
}
