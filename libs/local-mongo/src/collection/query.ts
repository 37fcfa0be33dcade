import type { Raw } from '../bson/raw.ts';
import { bsonType, fields } from '../bson/raw.ts';
import { isNumber, readNumber } from '../bson/read.ts';
import { compareText } from '../bson/compare.ts';
import { CommandFailure } from '../command-failure.ts';
import type { Filter } from '../match/filter.ts';
import type { Collection } from './collection.ts';
import { createKeyExtractor } from './index-keys.ts';
import { choosePlan, type Plan, type SortFields, type Wanted } from './plan.ts';
import { candidates } from './run-plan.ts';
import type { StoredDocument } from './stored-document.ts';

export interface Query extends Wanted {
  readonly filter: Filter;
}

/** A document that matches, or null: nothing yet, a good moment to let others have a turn. */
export type Found = StoredDocument | null;

/** Documents looked at between two chances to pause: well under a millisecond's worth. */
const pauseEvery = 128;

/** What matches, in the order asked for; `skip` and `limit` are the caller's. */
export function findMatches(collection: Collection, query: Query, chosen?: Plan): Iterable<Found> {
  const ids = chosen === undefined && query.hint === undefined ? askedIds(query.filter) : undefined;
  if (ids !== undefined) return findByIds(collection, query, ids);
  const plan = chosen ?? planFor(collection, query);
  const matches = matching(collection, query.filter, plan);
  return plan.order === 'unsorted' ? sorted(matches, query.sort) : matches;
}

/** The `_id`s that the filter asks for: by far the most frequent question, answered without a plan. */
function askedIds({ constraints }: Filter): readonly Raw[] | undefined {
  for (const constraint of constraints) {
    if (constraint.path === '_id' && constraint.kind === 'points') return constraint.values;
  }
  return undefined;
}

function findByIds(collection: Collection, { filter, sort }: Query, ids: readonly Raw[]): Iterable<Found> {
  const matches = new Set<StoredDocument>();
  for (const id of ids) {
    const stored = collection.findById(id);
    if (stored !== undefined && filter.matches(stored.raw)) matches.add(stored);
  }
  if (matches.size < 2) return matches;
  // In the order of the ids, as an index would give them.
  return sorted(matches, sort.length === 0 ? [['_id', 1]] : sort);
}

export function planFor(collection: Collection, query: Query): Plan {
  return choosePlan(collection, query.filter.constraints, query);
}

function* matching(collection: Collection, filter: Filter, plan: Plan): Generator<Found> {
  let looked = 0;
  for (const stored of candidates(collection, plan)) {
    if (!stored.isRemoved && filter.matches(stored.raw)) yield stored;
    looked += 1;
    if (looked % pauseEvery === 0) yield null;
  }
}

function* sorted(matches: Iterable<Found>, sort: SortFields): Generator<Found> {
  const keyOf = createSortKey(sort);
  const found: { key: string; stored: StoredDocument }[] = [];
  for (const stored of matches) {
    if (stored === null) yield null;
    else found.push({ key: keyOf(stored.raw), stored });
  }
  found.sort((a, b) => compareText(a.key, b.key));
  for (const { stored } of found) yield stored;
}

/** A document's key in a sort: of an array the least element counts, descending the greatest. */
export function createSortKey(sort: SortFields): (document: Raw) => string {
  const extractors = sort.map(([path, direction]) => createKeyExtractor([path], [direction === -1], false));
  return (document) =>
    extractors.map((extract) => extract(document).keys.reduce((least, key) => (key < least ? key : least))).join('');
}

/** Throws CommandFailure(2) for a direction other than 1 and -1. */
export function parseSort(sort: Raw | undefined): SortFields {
  if (sort === undefined || sort.type === bsonType.null) return [];
  return fields(sort).map(([path, value]) => {
    const direction = isNumber(value.type) ? Number(readNumber(value)) : 0;
    if (direction !== 1 && direction !== -1) {
      throw new CommandFailure(
        2,
        'Illegal key in $sort specification: the sort order must be 1 (for ascending) or -1 (for descending)',
      );
    }
    return [path, direction];
  });
}
