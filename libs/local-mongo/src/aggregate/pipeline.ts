import { CommandFailure } from '../command-failure.ts';
import { bsonType, documentOf, fields, type Raw } from '../bson/raw.ts';
import { isNumber, plainDocument, readNumber, readString, toPlain } from '../bson/read.ts';
import { encodeDocument } from '../bson/writer.ts';
import type { Catalog } from '../collection/catalog.ts';
import type { Collection } from '../collection/collection.ts';
import { findMatches, parseSort } from '../collection/query.ts';
import { compileFilter, type Filter } from '../match/filter.ts';
import type { SortFields } from '../collection/plan.ts';
import { runMingo } from './run-mingo.ts';
import { neededFields } from './needed-fields.ts';

/** An aggregation, ready to run over a collection. */
export interface Pipeline {
  readonly run: (collection: Collection | undefined) => Generator<Buffer | null>;
}

interface Surroundings {
  readonly catalog: Catalog;
  readonly database: string;
}

/**
 * What a find could do ($match, $sort, $skip, $limit at the start, in that order) is done on the stored documents, with
 * their indexes; a count that follows is counted. All other stages are mingo's, on decoded documents.
 */
export function compilePipeline(stages: readonly Raw[], surroundings: Surroundings): Pipeline {
  const parsed = stages.map(parseStage);
  const head = takeHead(parsed);
  const rest = parsed.slice(head.length);
  for (const { operator } of rest)
    if (refused.includes(operator)) throw new CommandFailure(115, `${operator} is not supported by this server`);
  return {
    *run(collection) {
      const found = documentsOf(collection, head);
      const counted = countOf(rest);
      if (counted !== undefined) yield* count(found, counted);
      else if (rest.length === 0) yield* found;
      else yield* compute(found, rest, surroundings);
    },
  };
}

/** mingo draws for ever for a size that it never reaches. */
function refuseEndlessSample(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  for (const [name, operand] of Object.entries(value)) {
    if (name === '$sample') {
      const size: unknown = (operand as { size?: unknown } | null)?.size;
      if (!Number.isInteger(size) || Number(size) < 0 || Number(size) > maxSample) {
        throw new CommandFailure(28747, `the size argument to $sample must be a whole number up to ${maxSample}`);
      }
    }
    refuseEndlessSample(operand);
  }
}

const maxSample = 1_000_000;

interface Stage {
  readonly operator: string;
  readonly operand: Raw;
  readonly raw: Raw;
}

/** Stages that write, or that read what there is not here. */
const refused = [
  '$out',
  '$merge',
  '$changeStream',
  '$currentOp',
  '$listSessions',
  '$search',
  '$vectorSearch',
  '$geoNear',
];

function parseStage(raw: Raw): Stage {
  const [first, ...others] = raw.type === bsonType.document ? fields(raw) : [];
  if (first === undefined || others.length > 0) {
    throw new CommandFailure(40323, 'A pipeline stage specification object must contain exactly one field.');
  }
  return { operator: first[0], operand: first[1], raw };
}

interface Head {
  readonly length: number;
  readonly filter: Filter;
  readonly sort: SortFields;
  readonly skip: number;
  readonly limit: number;
}

const order = ['$match', '$sort', '$skip', '$limit'];

/** The stages at the start that are at most one each of match, sort, skip and limit, in this order. */
function takeHead(stages: readonly Stage[]): Head {
  const taken = new Map<string, Raw>();
  let last = -1;
  for (const { operator, operand } of stages) {
    const rank = order.indexOf(operator);
    if (rank <= last) break;
    taken.set(operator, operand);
    last = rank;
  }
  const match = taken.get('$match');
  if (match !== undefined && match.type !== bsonType.document) {
    throw new CommandFailure(15959, 'the match filter must be an expression in an object');
  }
  return {
    length: taken.size,
    filter: compileFilter(match ?? documentOf(encodeDocument({}))),
    sort: parseSort(taken.get('$sort')),
    skip: whole(taken.get('$skip'), '$skip', 0),
    limit: whole(taken.get('$limit'), '$limit', 1),
  };
}

function whole(value: Raw | undefined, operator: string, least: number): number {
  if (value === undefined) return 0;
  const number = isNumber(value.type) ? Number(readNumber(value)) : NaN;
  if (!Number.isInteger(number) || number < least)
    throw new CommandFailure(
      15958,
      `the ${operator} must be a ${least === 0 ? 'non-negative' : 'positive'} whole number`,
    );
  return number;
}

function* documentsOf(collection: Collection | undefined, head: Head): Generator<Buffer | null> {
  if (collection === undefined) return;
  const { filter, sort, skip, limit } = head;
  let seen = 0;
  for (const stored of findMatches(collection, { filter, sort, limit: limit === 0 ? 0 : limit + skip })) {
    if (stored === null) yield null;
    else {
      seen += 1;
      if (seen > skip) yield stored.bytes;
      if (limit > 0 && seen - skip >= limit) return;
    }
  }
}

interface Counted {
  readonly key: Readonly<Record<string, unknown>>;
  readonly name: string;
  readonly step: number;
}

/** `{ $count: name }`, or the group over everything that drivers send for countDocuments. */
function countOf(rest: readonly Stage[]): Counted | undefined {
  const [stage] = rest;
  if (stage === undefined || rest.length > 1) return undefined;
  if (stage.operator === '$count' && stage.operand.type === bsonType.string)
    return { key: {}, name: readString(stage.operand), step: 1 };
  if (stage.operator !== '$group') return undefined;
  const [id, sum, ...others] = fields(stage.operand);
  if (id?.[0] !== '_id' || sum === undefined || others.length > 0) return undefined;
  if (!isNumber(id[1].type) && id[1].type !== bsonType.null) return undefined;
  const [accumulator] = sum[1].type === bsonType.document ? fields(sum[1]) : [];
  if (accumulator?.[0] !== '$sum' || accumulator[1].type !== bsonType.int32) return undefined;
  return { key: { _id: toPlain(id[1]) }, name: sum[0], step: Number(readNumber(accumulator[1])) };
}

function* count(found: Iterable<Buffer | null>, { key, name, step }: Counted): Generator<Buffer | null> {
  let counted = 0;
  for (const document of found) {
    if (document === null) yield null;
    else counted += 1;
  }
  if (counted > 0) yield encodeDocument({ ...key, [name]: counted * step });
}

function* compute(
  found: Iterable<Buffer | null>,
  rest: readonly Stage[],
  { catalog, database }: Surroundings,
): Generator<Buffer | null> {
  const pipeline = rest.map(({ raw }) => plainDocument(raw));
  refuseEndlessSample(pipeline);
  const decode = neededFields(rest[0] as Stage);
  const documents: Record<string, unknown>[] = [];
  for (const document of found) {
    if (document === null) yield null;
    else documents.push(decode(documentOf(document)));
  }
  const collectionOf = (name: string) =>
    [...(catalog.find(`${database}.${name}`)?.documents() ?? [])].map(({ raw }) => plainDocument(raw));
  // Of no documents at all, $sample gives undefined ones.
  for (const result of runMingo(documents, pipeline, collectionOf)) {
    if (result !== undefined) yield encodeDocument(result);
  }
}
