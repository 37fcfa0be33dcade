import mongoose from 'mongoose';
import type { LabelCondition, TaskFilter, TaskId, TaskSpec } from '@juice/contracts';
import type { TaskCollection } from './collections.ts';
import { longestLookMs } from './connection.ts';
import type { TaskRecord } from './task-record.ts';

/**
 * Pages of a tenant's tasks, the newest first, at a cost that does not depend on how many there are.
 *
 * | asked for                           | found by                         | documents looked at                  |
 * |-------------------------------------|----------------------------------|--------------------------------------|
 * | nothing, or a range of time         | {tenantId, _id}                  | those of the page                    |
 * | states, with or without such a range | {tenantId, status, _id}         | those of the page                    |
 * | also a name, labels, or no kill     | the same, then judged one by one | at most those of a window            |
 *
 * A page ends early when it has about a megabyte.
 *
 * A window is cut off in the index, before any document is read. Where it ends without a full page, the page says where to
 * go on. An index for names or labels would be written with every task, and one for names could not give the newest first.
 * A server that reads several states one after the other instead of merging them looks at more; `longestLookMs` ends that.
 *
 * Ids never change: a task that matches all the while is met exactly once, whatever is inserted meanwhile.
 */
export interface PageQuery {
  readonly filter: TaskFilter;
  /** Only tasks whose kill was not asked for. */
  readonly unkilled?: boolean;
  /** Older than this one; null: from the newest. */
  readonly before: TaskId | null;
  readonly limit: number;
}

export interface Page<T> {
  readonly tasks: readonly T[];
  /** `before` of the next page; null when nothing older is left. */
  readonly next: TaskId | null;
}

/** A task as a list shows it: of its attempts the last, and nothing large that is not shown. */
export type ListedTask = Omit<TaskRecord, keyof typeof hidden | 'spec' | 'callback'> & {
  readonly spec: Omit<TaskSpec, 'env' | 'args' | 'uris' | 'fetching' | 'constraints'>;
  readonly callback?: { readonly state: NonNullable<TaskRecord['callback']>['state']; readonly cause?: string };
};

/** What it takes to choose a task: for those who go on to do something with many. */
export type ChosenTask = Pick<TaskRecord, '_id' | 'taskName' | 'status'>;

/** A page that has as much is full: what is read and written for one request stays small, however large tasks are. */
const mostPageBytes = 1_048_576;
/** So many are read before it is known how large they are. */
const firstLook = 16;

/** A few milliseconds of a server's work when the documents are in memory. */
export const defaultWindowSize = 10_000;

const hidden = { history: 0, outbox: 0, idem: 0, idemHash: 0, idemAt: 0, idemRefused: 0 } as const;
const listed = {
  ...hidden,
  'spec.env': 0,
  'spec.args': 0,
  'spec.uris': 0,
  'spec.fetching': 0,
  'spec.constraints': 0,
  'callback.pending': 0,
  attempts: { $slice: -1 },
} as const;
const chosen = { taskName: 1, status: 1 } as const;

export function listTasks(tasks: TaskCollection, asked: Asked): Promise<Page<ListedTask>> {
  return readPage<ListedTask>(tasks, asked, listed);
}

export function chooseTasks(tasks: TaskCollection, asked: Asked): Promise<Page<ChosenTask>> {
  return readPage<ChosenTask>(tasks, asked, chosen);
}

interface Asked extends PageQuery {
  readonly tenantId: string;
  readonly windowSize: number;
}

async function readPage<T extends { readonly _id: TaskId }>(
  tasks: TaskCollection,
  asked: Asked,
  projection: Readonly<Record<string, unknown>>,
): Promise<Page<T>> {
  const { limit } = asked;
  const rest = conditions(asked);
  const floor = rest.length === 0 ? null : await windowFloor(tasks, asked);
  const page: T[] = [];
  let bytes = 0;
  let look = firstLook;
  for (let before = asked.before; ; before = page.at(-1)?._id ?? null) {
    // One more than asked for tells whether there is more.
    const most = Math.min(look, limit + 1 - page.length);
    const filter = { ...indexed({ ...asked, before }, floor), ...(rest.length > 0 && { $and: rest }) };
    const found = await tasks
      .find<T>(filter, { projection, ...inOrder(asked), limit: most, batchSize: most })
      .toArray();
    for (const task of found) {
      if (page.length === limit || bytes >= mostPageBytes) return { tasks: page, next: page.at(-1)?._id ?? null };
      page.push(task);
      bytes += mongoose.mongo.BSON.calculateObjectSize(task);
    }
    if (found.length < most) return { tasks: page, next: floor };
    look = Math.ceil((Math.max(0, mostPageBytes - bytes) * page.length) / bytes) + 1;
  }
}

/** How many tasks of a window match, and where the next window begins. */
export async function countTasks(
  tasks: TaskCollection,
  asked: Omit<Asked, 'limit'>,
): Promise<{ readonly count: number; readonly next: TaskId | null }> {
  const floor = await windowFloor(tasks, asked);
  const rest = conditions(asked);
  const filter = { ...indexed(asked, floor), ...(rest.length > 0 && { $and: rest }) };
  const { hint, maxTimeMS } = inOrder(asked);
  return { count: await tasks.countDocuments(filter, { hint, maxTimeMS }), next: floor };
}

/** The last of the tasks that a window holds; null when it holds all that are left. */
async function windowFloor(tasks: TaskCollection, asked: Omit<Asked, 'limit'>): Promise<TaskId | null> {
  const [last, ...more] = await tasks
    .find<Pick<TaskRecord, '_id'>>(indexed(asked, null), {
      projection: { _id: 1 },
      ...inOrder(asked),
      skip: asked.windowSize - 1,
      limit: 2,
    })
    .toArray();
  return last === undefined || more.length === 0 ? null : last._id;
}

type Range = Pick<Asked, 'tenantId' | 'filter' | 'before'>;

/** What an index answers. */
function indexed({ tenantId, filter, before }: Range, floor: TaskId | null) {
  const least = [filter.fromId, floor].filter(isGiven);
  const below = [filter.belowId, before].filter(isGiven);
  const range = {
    ...(least.length > 0 && { $gte: least.reduce((a, b) => (a > b ? a : b)) }),
    ...(below.length > 0 && { $lt: below.reduce((a, b) => (a < b ? a : b)) }),
  };
  return {
    tenantId,
    ...(filter.states !== undefined && { status: { $in: [...filter.states] } }),
    ...(Object.keys(range).length > 0 && { _id: range }),
  };
}

function inOrder({ filter }: Pick<Asked, 'filter'>) {
  return { sort: { _id: -1 }, hint: filter.states === undefined ? byTime : byState, maxTimeMS: longestLookMs } as const;
}

const byTime = { tenantId: 1, _id: -1 } as const;
const byState = { tenantId: 1, status: 1, _id: -1 } as const;

/** What each document has to be looked at for. */
function conditions({ filter, unkilled }: Pick<Asked, 'filter' | 'unkilled'>) {
  const { namePrefix, labels = [] } = filter;
  return [
    ...(namePrefix === undefined ? [] : [{ taskName: prefixRange(namePrefix) }]),
    ...labels.map(labelCondition),
    ...(unkilled === true ? [{ killRequestedAt: { $exists: false } }] : []),
  ];
}

/** Labels are stored as a list of pairs {key, value}, in this order of members. */
function labelCondition({ key, value }: LabelCondition) {
  return value === null ? { 'spec.labels.key': key } : { 'spec.labels': { $eq: { key, value } } };
}

/** Texts that begin with this one, as a range in the order of their bytes: nothing in a prefix is a pattern. */
export function prefixRange(prefix: string): { readonly $gte: string; readonly $lt?: string } {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  const lastRaisable = points.findLastIndex((point) => point < 0x10_ff_ff);
  if (lastRaisable === -1) return { $gte: prefix };
  const raised = (points[lastRaisable] ?? 0) + 1;
  // Halves of surrogate pairs are no characters.
  const next = raised === 0xd8_00 ? 0xe0_00 : raised;
  return { $gte: prefix, $lt: String.fromCodePoint(...points.slice(0, lastRaisable), next) };
}

function isGiven<T>(value: T | undefined | null): value is T {
  return value !== undefined && value !== null;
}
