import { CommandFailure } from '../command-failure.ts';
import { elements, findField, type Raw } from '../bson/raw.ts';
import { readTruth } from '../bson/read.ts';
import type { Collection } from '../collection/collection.ts';
import { findMatches, parseSort, type Query } from '../collection/query.ts';
import { idOf, type StoredDocument } from '../collection/stored-document.ts';
import { compileFilter } from '../match/filter.ts';
import { compileUpdate, type Update } from '../update/compile-update.ts';
import { documentToInsert } from '../update/upsert.ts';
import { createPace, type Pace } from './pace.ts';
import { parseHint, refuseForeignCollation } from './read-options.ts';
import type { Handler, ServerState } from './server-state.ts';
import { runStatements, settleWrites, target } from './write-statements.ts';

export const update: Handler = async (command, state) => {
  const { namespace } = command;
  const pace = createPace();
  const totals: Totals = { n: 0, nModified: 0, upserted: [] };
  const failed = await runStatements(command, command.documents('updates'), (statement, index) => {
    const writes = updateOperation(state, namespace, statement);
    if (writes.isMulti) return updateMany(writes, { totals, index, pace });
    updateFirst(writes, totals, index);
    return pace();
  });
  await settleWrites(command, state);
  const { n, nModified, upserted } = totals;
  return { n, nModified, ...(upserted.length > 0 ? { upserted } : {}), ...failed };
};

interface Totals {
  n: number;
  nModified: number;
  readonly upserted: { index: number; _id: Raw }[];
}

interface UpdateOperation {
  readonly state: ServerState;
  readonly namespace: string;
  readonly collection: Collection | undefined;
  readonly query: Query;
  readonly change: Update;
  readonly isUpsert: boolean;
  readonly isMulti: boolean;
}

const names = {
  q: Buffer.from('q'),
  u: Buffer.from('u'),
  multi: Buffer.from('multi'),
  upsert: Buffer.from('upsert'),
  limit: Buffer.from('limit'),
  hint: Buffer.from('hint'),
  collation: Buffer.from('collation'),
  arrayFilters: Buffer.from('arrayFilters'),
  sort: Buffer.from('sort'),
};

const part = (statement: Raw, name: keyof typeof names): Raw | undefined =>
  findField(statement.bytes, statement.start, names[name]);

function required(statement: Raw, name: 'q' | 'u' | 'limit'): Raw {
  const value = part(statement, name);
  if (value === undefined) throw new CommandFailure(40414, `BSON field '${name}' is missing but a required field`);
  return value;
}

function updateOperation(state: ServerState, namespace: string, statement: Raw): UpdateOperation {
  const collection = target(state, namespace);
  const query = queryOf(collection, statement);
  const arrayFilters = part(statement, 'arrayFilters');
  const change = compileUpdate(
    required(statement, 'u'),
    query.filter,
    arrayFilters === undefined ? [] : elements(arrayFilters),
  );
  const isMulti = readTruth(part(statement, 'multi'));
  if (isMulti && change.kind === 'replacement') {
    throw new CommandFailure(9, 'multi update is not supported for replacement-style update');
  }
  return { state, namespace, collection, query, change, isMulti, isUpsert: readTruth(part(statement, 'upsert')) };
}

function queryOf(collection: Collection | undefined, statement: Raw): Query {
  refuseForeignCollation(part(statement, 'collation'));
  const hint = parseHint(part(statement, 'hint'), collection);
  const filter = compileFilter(required(statement, 'q'));
  return { filter, sort: parseSort(part(statement, 'sort')), limit: 0, ...(hint === undefined ? {} : { hint }) };
}

function updateFirst(operation: UpdateOperation, totals: Totals, index: number): void {
  const { collection, query, change, state } = operation;
  const stored = collection === undefined ? undefined : firstMatch(collection, query);
  if (collection === undefined || stored === undefined) return upsertIfAsked(operation, totals, index);
  totals.n += 1;
  if (applyUpdate(collection, stored, change, state.nowMs())) totals.nModified += 1;
}

async function updateMany(
  operation: UpdateOperation,
  at: { totals: Totals; index: number; pace: Pace },
): Promise<void> {
  const { collection, query, change, state } = operation;
  const { totals, index, pace } = at;
  const found = collection === undefined ? [] : await allMatches(collection, query, pace);
  if (collection === undefined || found.length === 0) return upsertIfAsked(operation, totals, index);
  for (const stored of found) {
    // Others have had a turn since it was found.
    if (stored.isRemoved || !query.filter.matches(stored.raw)) continue;
    state.durability.refuseIfBroken();
    totals.n += 1;
    if (applyUpdate(collection, stored, change, state.nowMs())) totals.nModified += 1;
    await pace();
  }
}

function upsertIfAsked(operation: UpdateOperation, totals: Totals, index: number): void {
  if (!operation.isUpsert) return;
  totals.n += 1;
  totals.upserted.push({ index, _id: idOf(upsert(operation).raw) });
}

export function upsert({
  state,
  namespace,
  query,
  change,
}: Omit<UpdateOperation, 'isUpsert' | 'isMulti' | 'collection'>): StoredDocument {
  const document = documentToInsert(query.filter, change, state.nowMs());
  return state.catalog.ensure(namespace).insert(document);
}

export function firstMatch(collection: Collection, query: Query): StoredDocument | undefined {
  for (const stored of findMatches(collection, query)) if (stored !== null) return stored;
  return undefined;
}

/** All at once, before any is changed: a change may move a document to where it would be found again. */
export async function allMatches(collection: Collection, query: Query, pace: Pace): Promise<StoredDocument[]> {
  const found: StoredDocument[] = [];
  for (const stored of findMatches(collection, query)) {
    if (stored !== null) found.push(stored);
    else await pace();
  }
  return found;
}

/** Whether the document is another one now. */
export function applyUpdate(collection: Collection, stored: StoredDocument, change: Update, nowMs: number): boolean {
  return collection.replace(stored, change.apply(stored.raw, { nowMs, inserting: false }), change.touches);
}

export const remove: Handler = async (command, state) => {
  const { namespace } = command;
  const pace = createPace();
  let n = 0;
  const failed = await runStatements(command, command.documents('deletes'), (statement) => {
    const collection = target(state, namespace);
    const limit = required(statement, 'limit');
    if (collection === undefined) return undefined;
    const query = queryOf(collection, statement);
    if (!readTruth(limit)) return removeMany({ collection, query, state, pace }, () => (n += 1));
    const stored = firstMatch(collection, { ...query, limit: 1 });
    if (stored !== undefined) {
      collection.remove(stored);
      n += 1;
    }
    return pace();
  });
  await settleWrites(command, state);
  return { n, ...failed };
};

interface RemoveOperation {
  readonly collection: Collection;
  readonly query: Query;
  readonly state: ServerState;
  readonly pace: Pace;
}

async function removeMany({ collection, query, state, pace }: RemoveOperation, removed: () => void): Promise<void> {
  for (const stored of await allMatches(collection, query, pace)) {
    if (stored.isRemoved || !query.filter.matches(stored.raw)) continue;
    state.durability.refuseIfBroken();
    collection.remove(stored);
    removed();
    await pace();
  }
}
