import { CommandFailure } from '../command-failure.ts';
import { bsonType, documentOf, fields, findField, type Raw } from '../bson/raw.ts';
import { readNumber, readString } from '../bson/read.ts';
import { encodeDocument } from '../bson/writer.ts';
import type { Collection } from '../collection/collection.ts';
import { parseSort, type Query } from '../collection/query.ts';
import { compileFilter } from '../match/filter.ts';
import type { Command } from './command.ts';
import type { Durability } from './server-state.ts';

export const emptyDocument = documentOf(encodeDocument({}));

/** Reads filter, sort and hint. Collations other than the simple one are refused. */
export function parseQuery(
  command: Command,
  filterName: string,
  collection: Collection | undefined,
  limit: number,
): Query {
  refuseForeignCollation(command.document('collation'));
  const hint = parseHint(command.field('hint'), collection);
  return {
    filter: compileFilter(command.document(filterName) ?? emptyDocument),
    sort: parseSort(command.document('sort')),
    limit,
    ...(hint === undefined ? {} : { hint }),
  };
}

/**
 * What a read with the concern `majority` (or stronger) waits for once it has read: that none of it can be lost any more. Other
 * reads wait for nothing.
 */
export function settledReads(command: Command, durability: Durability): (() => Promise<void>) | undefined {
  const concern = command.document('readConcern');
  const level = concern === undefined ? undefined : findField(concern.bytes, concern.start, levelName);
  const isWeak = level === undefined || ['local', 'available'].includes(readString(level));
  return isWeak ? undefined : () => durability.flushed();
}

const levelName = Buffer.from('level');

/** Throws CommandFailure(115) for any collation but the simple one: strings compare by their bytes here. */
export function refuseForeignCollation(collation: Raw | undefined): void {
  const locale =
    collation?.type !== bsonType.document ? undefined : findField(collation.bytes, collation.start, localeName);
  if (locale !== undefined && readString(locale) !== 'simple') {
    throw new CommandFailure(115, 'Collations are not supported by this server');
  }
}

const localeName = Buffer.from('locale');

/** An index by name or by keys; a hint to an index that there is not is CommandFailure(2), as in mongod. */
export function parseHint(hint: Raw | undefined, collection: Collection | undefined): string | undefined {
  if (hint === undefined || collection === undefined) return undefined;
  const isDocument = hint.type === bsonType.document;
  if (isDocument && fields(hint).length === 0) return undefined;
  if (isDocument && fields(hint)[0]?.[0] === '$natural') return '$natural';
  const asked = isDocument
    ? JSON.stringify(fields(hint).map(([path, value]) => [path, Number(readNumber(value))]))
    : '';
  const index = collection.indexes.find(({ spec }) =>
    isDocument ? JSON.stringify(spec.fields) === asked : spec.name === readString(hint),
  );
  if (index === undefined) {
    throw new CommandFailure(
      2,
      'error processing query: planner returned error :: caused by :: hint provided does not correspond to an existing index',
    );
  }
  return index.spec.name;
}

export function nonNegative(command: Command, name: string): number {
  const value = command.number(name) ?? 0;
  if (value < 0) throw new CommandFailure(51024, `BSON field '${name}' value must be >= 0, actual value '${value}'`);
  return Math.trunc(value);
}
