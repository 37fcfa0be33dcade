import { CommandFailure } from '../command-failure.ts';
import { anyValueAt, parsePath, positionOf } from '../bson/path.ts';
import { bsonType, elementCount, elements, fields, findField, type Raw } from '../bson/raw.ts';
import { toRaw } from '../bson/writer.ts';
import { compileFilter, type Demand, type Filter } from '../match/filter.ts';

/** `$[name]` → which elements it means. */
export type ArrayFilters = ReadonlyMap<string, (element: Raw) => boolean>;

/**
 * Each array filter speaks of one identifier, `{ 'x.a': 1, 'x.b': … }` or `{ x: … }`. It is asked of a document that
 * holds the element under that name.
 */
export function compileArrayFilters(arrayFilters: readonly Raw[]): ArrayFilters {
  const compiled = new Map<string, (element: Raw) => boolean>();
  for (const arrayFilter of arrayFilters) {
    const names = new Set(identifiers(arrayFilter));
    const [name] = names;
    if (name === undefined || names.size > 1) {
      throw new CommandFailure(9, 'Error parsing array filter :: Expected a single top-level field name');
    }
    if (compiled.has(name))
      throw new CommandFailure(9, `Found multiple array filters with the same top-level field name ${name}`);
    const { matches } = compileFilter(arrayFilter);
    compiled.set(name, (element) => matches(toRaw({ [name]: element })));
  }
  return compiled;
}

function identifiers(filter: Raw): string[] {
  return fields(filter).flatMap(([name, value]) =>
    name.startsWith('$') && value.type === bsonType.array
      ? elements(value).flatMap(identifiers)
      : [name.split('.')[0] as string],
  );
}

interface Found {
  readonly document: Raw;
  readonly filter: Filter;
  readonly arrayFilters: ArrayFilters;
}

/** The plain paths that one with `$`, `$[]` or `$[name]` in it means for this document. */
export function expandPath(parts: readonly string[], found: Found): string[][] {
  let paths: { parts: string[]; value: Raw | undefined }[] = [{ parts: [], value: found.document }];
  for (const part of parts) {
    paths = paths.flatMap(({ parts: before, value }) => {
      if (!part.startsWith('$')) return [{ parts: [...before, part], value: childOf(value, part) }];
      return positions(part, before, value, found).map((index) => ({
        parts: [...before, String(index)],
        value: childOf(value, String(index)),
      }));
    });
  }
  return paths.map((path) => path.parts);
}

function childOf(value: Raw | undefined, name: string): Raw | undefined {
  if (value?.type !== bsonType.document && value?.type !== bsonType.array) return undefined;
  return findField(value.bytes, value.start, Buffer.from(name));
}

function positions(part: string, before: readonly string[], value: Raw | undefined, found: Found): number[] {
  if (part === '$') return [matchedPosition(before, found)];
  const path = before.join('.');
  if (value?.type !== bsonType.array) {
    throw new CommandFailure(2, `The path '${path}' must exist in the document in order to apply array updates.`);
  }
  const all = Array.from({ length: elementCount(value) }, (_, index) => index);
  const name = /^\$\[(.*)\]$/.exec(part)?.[1];
  if (name === '') return all;
  const passes = name === undefined ? undefined : found.arrayFilters.get(name);
  if (passes === undefined)
    throw new CommandFailure(2, `No array filter found for identifier '${name ?? part}' in path '${path}.${part}'`);
  const items = elements(value);
  return all.filter((index) => passes(items[index] as Raw));
}

/** The position of the first element that meets what the filter demands of the array. */
function matchedPosition(before: readonly string[], { document, filter }: Found): number {
  const array = before.reduce<Raw | undefined>(childOf, document);
  const depth = before.length;
  const about = filter.demands.filter(({ path }) => before.every((part, i) => path.parts[i] === part));
  if (array?.type === bsonType.array && about.length > 0) {
    const position = elements(array).findIndex((element) =>
      about.every((demand) => elementMeets(element, demand, depth)),
    );
    if (position >= 0) return position;
  }
  throw new CommandFailure(2, 'The positional operator did not find the match needed from the query.');
}

function elementMeets(element: Raw, { path, condition }: Demand, depth: number): boolean {
  const rest = path.parts.slice(depth);
  if (rest.length === 0) return condition((test, wholeArrays) => test(wholeArrays ? toRaw([element]) : element));
  // A position in the filter's path ('a.0.b') names the element itself.
  if (positionOf(rest[0] as string) >= 0) return true;
  if (element.type !== bsonType.document) return false;
  const below = parsePath(rest.join('.'));
  return condition((test, wholeArrays) => anyValueAt(element, below, test, wholeArrays));
}
