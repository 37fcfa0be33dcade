import { sortKey } from './bson/sort-key.ts';
import { bsonType } from './bson/raw.ts';
import { toRaw } from './bson/writer.ts';
import type { Catalog } from './collection/catalog.ts';
import { afterAll, type CollectionIndex } from './collection/collection-index.ts';
import type { Collection } from './collection/collection.ts';
import { createPace } from './commands/pace.ts';
import type { Durability } from './commands/server-state.ts';
import { typeRank } from './bson/type-order.ts';
import { invertKey } from './bson/sort-key.ts';

/** Removes the documents that TTL indexes say are over. Of an array of dates the earliest counts. Ends early while nothing can be kept. */
export async function removeExpired(catalog: Catalog, durability: Durability, nowMs: number): Promise<number> {
  const pace = createPace();
  let removed = 0;
  for (const collection of catalog.all()) {
    for (const index of collection.indexes) {
      for (const stored of expiredBy(index, nowMs)) {
        if (durability.isBroken()) return removed;
        removeOne(collection, stored);
        removed += 1;
        await pace();
      }
    }
  }
  return removed;
}

type Stored = Parameters<Collection['remove']>[0];

function removeOne(collection: Collection, stored: Stored): void {
  if (!collection.isDropped) collection.remove(stored);
}

/** Only dates expire: the entries of that type up to the bound. */
function* expiredBy({ spec, descending, entries }: CollectionIndex, nowMs: number): Generator<Stored> {
  if (spec.expireAfterSeconds === undefined) return;
  const bound = sortKey(toRaw(new Date(nowMs - spec.expireAfterSeconds * 1000)));
  const rank = String.fromCharCode(typeRank(bsonType.date));
  const isDescending = descending[0] === true;
  const [low, high] = isDescending
    ? [invertKey(bound), String.fromCharCode(255 - typeRank(bsonType.date) + 1)]
    : [rank, bound + afterAll];
  for (const { value } of entries.scan(low, high)) yield value;
}
