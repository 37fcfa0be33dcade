import type { Raw } from '../bson/raw.ts';
import { compareText } from '../bson/compare.ts';
import { invertKey, sortKey } from '../bson/sort-key.ts';
import { typeRank } from '../bson/type-order.ts';
import { isNullPoint, type Constraint } from '../match/constraint.ts';
import { afterAll, type CollectionIndex } from './collection-index.ts';
import type { Collection } from './collection.ts';

export type SortFields = readonly (readonly [path: string, direction: 1 | -1])[];

/** low ≤ key < high; `prefixLength` is how much of the keys the points have fixed. */
export interface Interval {
  readonly low: string;
  readonly high: string;
  readonly prefixLength: number;
}

/** How documents are to be found: by an index, or by going through all of them. */
export interface Plan {
  readonly index: CollectionIndex | null;
  readonly intervals: readonly Interval[];
  readonly backwards: boolean;
  /** The documents come in the order asked for; by merging the intervals, or one interval after the other. */
  readonly order: 'merged' | 'in turn' | 'unsorted';
  readonly entries: number;
}

/** More points than this are not taken apart: the index is used by the fields before. */
const maxIntervals = 1_000;

/**
 * Chooses the plan that looks at the fewest entries. A plan that comes in order can stop at the limit; one that does not
 * has to see everything and sort it. How many documents match is guessed from the narrowest index.
 */
export function choosePlan(collection: Collection, constraints: readonly Constraint[], wanted: Wanted): Plan {
  const plans = [...indexPlans(collection, constraints, wanted), scanPlan(collection, wanted)];
  const matches = Math.max(1, Math.min(...plans.map(({ entries }) => entries)));
  let best = plans[0] as Plan;
  let bestCost = Infinity;
  for (const plan of plans) {
    const cost = costOf(plan, matches, wanted);
    if (cost < bestCost) {
      best = plan;
      bestCost = cost;
    }
  }
  return best;
}

export interface Wanted {
  readonly sort: SortFields;
  /** How many documents are wanted at most, skipped ones included; 0 for all. */
  readonly limit: number;
  /** The name of an index to use, or '$natural'. */
  readonly hint?: string;
}

function costOf({ order, entries }: Plan, matches: number, { limit }: Wanted): number {
  if (order === 'unsorted') return entries * 2 + 1;
  return limit > 0 ? Math.min(entries, (limit * entries) / matches) : entries;
}

function scanPlan(collection: Collection, { sort, hint }: Wanted): Plan {
  const order = sort.length === 0 ? 'in turn' : 'unsorted';
  // Costlier than an index that is as long: what the index does not hold need not be looked at.
  const entries = hint === undefined || hint === '$natural' ? collection.size + 1 : Infinity;
  return { index: null, intervals: [], backwards: false, order, entries };
}

function indexPlans(collection: Collection, constraints: readonly Constraint[], wanted: Wanted): Plan[] {
  const { hint } = wanted;
  if (hint === '$natural' || (constraints.length === 0 && wanted.sort.length === 0 && hint === undefined)) return [];
  return collection.indexes
    .filter(({ spec }) => hint === undefined || spec.name === hint)
    .flatMap((index) => planWith(index, constraints, wanted) ?? []);
}

function planWith(index: CollectionIndex, constraints: readonly Constraint[], wanted: Wanted): Plan | undefined {
  if (index.spec.sparse && !constraints.some((constraint) => needsEntry(index, constraint))) return undefined;
  const { intervals, fixed, bounded } = intervalsOf(index, constraints);
  const served = index.isMultikey ? unserved(wanted.sort) : serveSort(index, fixed, wanted.sort, intervals.length);
  if (
    fixed.length === 0 &&
    !bounded &&
    (served.order === 'unsorted' || wanted.sort.length === 0) &&
    wanted.hint === undefined
  ) {
    return undefined;
  }
  const entries = intervals.reduce((sum, { low, high }) => sum + index.entries.estimate(low, high), 0);
  return { index, intervals, entries, ...served };
}

/** A sparse index misses documents without its fields: some condition must demand one of them. */
function needsEntry(index: CollectionIndex, constraint: Constraint): boolean {
  if (!index.paths.includes(constraint.path)) return false;
  return constraint.kind === 'range' || !constraint.values.some(isNullPoint);
}

interface Intervals {
  readonly intervals: readonly Interval[];
  /** How many points each leading field has. */
  readonly fixed: readonly number[];
  readonly bounded: boolean;
}

function intervalsOf(index: CollectionIndex, constraints: readonly Constraint[]): Intervals {
  let prefixes = [''];
  const fixed: number[] = [];
  for (const [i, path] of index.paths.entries()) {
    const about = constraints.filter((constraint) => constraint.path === path);
    const points = about.find((constraint) => constraint.kind === 'points');
    const descending = index.descending[i] === true;
    if (points?.kind === 'points' && points.values.length * prefixes.length <= maxIntervals) {
      const keys = [...new Set(points.values.map((value) => part(value, descending)))];
      prefixes = prefixes.flatMap((prefix) => keys.map((key) => prefix + key));
      fixed.push(keys.length);
      continue;
    }
    const ranges = about.filter((constraint) => constraint.kind === 'range');
    const used = index.isMultikey ? ranges.slice(0, 1) : ranges;
    const bounds = boundsOf(used, descending);
    return { intervals: prefixes.map((prefix) => within(prefix, bounds)), fixed, bounded: used.length > 0 };
  }
  return { intervals: prefixes.sort(compareText).map((prefix) => within(prefix, whole)), fixed, bounded: true };
}

const whole = { low: '', high: afterAll };

function within(prefix: string, { low, high }: { low: string; high: string }): Interval {
  return { low: prefix + low, high: prefix + high, prefixLength: prefix.length };
}

function part(value: Raw, descending: boolean): string {
  return descending ? invertKey(sortKey(value)) : sortKey(value);
}

/** The narrowest bounds that all ranges allow; a bound on one side stays within its type. */
function boundsOf(ranges: readonly Constraint[], descending: boolean): { low: string; high: string } {
  let { low, high } = whole;
  for (const range of ranges) {
    if (range.kind !== 'range') continue;
    const [least, most] = descending ? [range.high, range.low] : [range.low, range.high];
    const typed = least ?? most;
    if (typed === undefined) continue;
    const rank = descending ? 255 - typeRank(typed.type) : typeRank(typed.type);
    const from = least === undefined ? String.fromCharCode(rank) : part(least, descending);
    const until = most === undefined ? String.fromCharCode(rank + 1) : part(most, descending) + afterAll;
    if (from > low) low = from;
    if (until < high) high = until;
  }
  return { low, high: high < low ? low : high };
}

type Served = Pick<Plan, 'order' | 'backwards'>;

const unserved = (sort: SortFields): Served => ({
  order: sort.length === 0 ? 'in turn' : 'unsorted',
  backwards: false,
});

/** Whether reading the index gives the order asked for: fields fixed to one value do not matter to it. */
function serveSort(index: CollectionIndex, fixed: readonly number[], sort: SortFields, intervals: number): Served {
  const constant = new Set(index.paths.filter((_, i) => fixed[i] === 1));
  const asked = sort.filter(([path]) => !constant.has(path));
  if (asked.length === 0) return { order: 'in turn', backwards: false };
  const inTurn = direction(index, 0, constant, asked);
  if (inTurn !== 0) return { order: 'in turn', backwards: inTurn < 0 };
  const merged = intervals > 1 ? direction(index, fixed.length, constant, asked) : 0;
  return merged === 0 ? unserved(sort) : { order: 'merged', backwards: merged < 0 };
}

/** 1 when the index from field `start` on is in the order asked for, -1 when it is read backwards, 0 when neither. */
function direction(index: CollectionIndex, start: number, constant: ReadonlySet<string>, asked: SortFields): number {
  const available = index.spec.fields.slice(start).filter(([path]) => !constant.has(path));
  let result = 0;
  for (const [i, [path, wanted]] of asked.entries()) {
    const field = available[i];
    if (field?.[0] !== path) return 0;
    const relation = field[1] * wanted;
    if (result !== 0 && relation !== result) return 0;
    result = relation;
  }
  return result;
}
