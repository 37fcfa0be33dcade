import { CommandFailure } from '../command-failure.ts';
import { sortKey } from '../bson/sort-key.ts';
import { bsonType, documentOf, elements, fields, type Raw } from '../bson/raw.ts';
import { encodeDocument } from '../bson/writer.ts';
import { readNumber, readString } from '../bson/read.ts';
import type { Collection } from '../collection/collection.ts';
import { valuesAt } from '../collection/index-keys.ts';
import { findMatches, parseSort, planFor, type Found, type Query } from '../collection/query.ts';
import { compileFilter } from '../match/filter.ts';
import { emptyDocument, nonNegative, parseQuery, settledReads } from './read-options.ts';
import { compileProjection, type Projection } from '../project/projection.ts';
import type { DocumentSource } from './open-cursors.ts';
import { createPace } from './pace.ts';
import type { Handler, Reply } from './server-state.ts';

/** mongod's first batch when the client does not say. */
const defaultFirstBatch = 101;

export const find: Handler = async (command, { catalog, cursors, durability }) => {
  const { namespace } = command;
  const limit = Math.abs(command.number('limit') ?? 0);
  const skip = nonNegative(command, 'skip');
  const collection = catalog.find(namespace);
  const query = parseQuery(command, 'filter', collection, limit === 0 ? 0 : limit + skip);
  const projection = compileProjection(command.document('projection'));
  const source = collection === undefined ? none : page(findMatches(collection, query), { skip, limit, projection });
  const size = command.has('batchSize') ? nonNegative(command, 'batchSize') : defaultFirstBatch;
  const keep = !command.truth('singleBatch') && (command.number('limit') ?? 0) >= 0;
  const settled = settledReads(command, durability);
  const { documents, cursorId } = await cursors.open(namespace, source, { size, keep, settled });
  return { cursor: { firstBatch: documents, id: cursorId, ns: namespace } };
};

const none: DocumentSource = [][Symbol.iterator]();

interface Page {
  readonly skip: number;
  /** 0 for all. */
  readonly limit: number;
  readonly projection: Projection;
}

export function* page(matches: Iterable<Found>, { skip, limit, projection }: Page): Generator<Buffer | null> {
  let seen = 0;
  for (const stored of matches) {
    if (stored === null) {
      yield null;
      continue;
    }
    seen += 1;
    if (seen <= skip) continue;
    yield projection(stored.bytes);
    if (limit > 0 && seen - skip >= limit) return;
  }
}

export const getMore: Handler = async (command, { cursors }) => {
  const cursorId = cursorIdOf(command.field('getMore'));
  const namespace = `${command.database}.${command.text('collection') ?? ''}`;
  const size = command.number('batchSize') ?? 0;
  const batch = await cursors.more(cursorId, namespace, size > 0 ? size : Infinity);
  return { cursor: { nextBatch: batch.documents, id: batch.cursorId, ns: namespace } };
};

export const killCursors: Handler = (command, { cursors }) => {
  const killed: bigint[] = [];
  const notFound: bigint[] = [];
  for (const id of command.array('cursors').map(cursorIdOf)) (cursors.kill(id) ? killed : notFound).push(id);
  return { cursorsKilled: killed, cursorsNotFound: notFound, cursorsAlive: [], cursorsUnknown: [] };
};

function cursorIdOf(value: Raw | undefined): bigint {
  if (value?.type !== bsonType.int64 && value?.type !== bsonType.int32) {
    throw new CommandFailure(14, "a cursor id is the wrong type, expected type 'long'");
  }
  return BigInt(readNumber(value));
}

export const count: Handler = async (command, { catalog }) => {
  const collection = catalog.find(command.namespace);
  const query = parseQuery(command, 'query', collection, 0);
  if (collection === undefined) return { n: 0 };
  const skip = nonNegative(command, 'skip');
  const limit = Math.abs(command.number('limit') ?? 0);
  const matching = await countMatches(collection, query);
  const counted = Math.max(0, matching - skip);
  return { n: limit > 0 ? Math.min(limit, counted) : counted };
};

export async function countMatches(collection: Collection, query: Query): Promise<number> {
  if (query.filter.isEmpty) return collection.size;
  const pace = createPace();
  let counted = 0;
  for (const stored of findMatches(collection, { ...query, sort: [] })) {
    if (stored !== null) counted += 1;
    else await pace();
  }
  return counted;
}

// So many values, their names included, come near to mongod's limit of 16 MB for the answer.
const maxDistinctValues = 1_000_000;

export const distinct: Handler = async (command, { catalog }) => {
  const collection = catalog.find(command.namespace);
  const path = command.text('key') ?? '';
  const query = parseQuery(command, 'query', collection, 0);
  const found = new Map<string, Raw>();
  const pace = createPace();
  for (const stored of collection === undefined ? [] : findMatches(collection, query)) {
    if (stored === null) await pace();
    else for (const value of valuesAt(stored.raw, path)) found.set(sortKey(value), value);
    if (found.size > maxDistinctValues) throw new CommandFailure(17217, 'distinct too big, 16mb cap');
  }
  return { values: [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value) };
};

/** Which plan a find would use, and what it looks at: enough to see whether an index serves. */
export const explain: Handler = (command, { catalog }): Reply => {
  const explained = command.document('explain');
  if (explained === undefined) throw new CommandFailure(9, "BSON field 'explain.explain' is missing");
  const inner = new Map(fields(explained));
  const name = inner.get('find');
  if (name === undefined) throw new CommandFailure(115, 'Only find can be explained by this server');
  const namespace = `${command.database}.${readString(name)}`;
  const collection = catalog.find(namespace);
  if (collection === undefined) return { queryPlanner: { namespace, winningPlan: { stage: 'EOF' } } };
  const limit = Number(readNumber(inner.get('limit') ?? zero)) + Number(readNumber(inner.get('skip') ?? zero));
  const query = {
    filter: compileFilter(inner.get('filter') ?? emptyDocument),
    sort: parseSort(inner.get('sort')),
    limit,
  };
  const plan = planFor(collection, query);
  const scan = plan.index === null ? { stage: 'COLLSCAN' } : { stage: 'IXSCAN', indexName: plan.index.spec.name };
  const sorted = plan.order === 'unsorted' ? { stage: 'SORT', inputStage: scan } : scan;
  let returned = 0;
  for (const stored of findMatches(collection, query, plan)) {
    if (stored !== null) returned += 1;
    if (limit > 0 && returned >= limit) break;
  }
  return { queryPlanner: { namespace, winningPlan: sorted }, executionStats: { nReturned: returned } };
};

const zero = elements(documentOf(encodeDocument({ zero: 0 })))[0] as Raw;
