import { CommandFailure } from '../command-failure.ts';
import { parsePath, type Path } from '../bson/path.ts';
import { bsonType, elements, findField, Raw } from '../bson/raw.ts';
import { compoundKey } from '../bson/sort-key.ts';

/** What an index takes from one document: its keys, and whether an array made more than one possible. */
export interface IndexedKeys {
  readonly keys: readonly string[];
  readonly hasArrays: boolean;
}

/** What an empty array is in an index: below null, as mongod has it. */
const undefinedValue = new Raw(bsonType.undefined, Buffer.alloc(0), 0, 0);

/**
 * Makes the key extractor of an index on `paths`. A missing field is null; an array gives one key for each element; two
 * arrays in one compound key are CommandFailure(171). A sparse index has no entry for a document without any of the fields.
 */
export function createKeyExtractor(
  paths: readonly string[],
  descending: readonly boolean[],
  sparse: boolean,
): (document: Raw) => IndexedKeys {
  const parsed = paths.map(parsePath);
  return (document) => {
    const values: Raw[][] = [];
    const single: (Raw | undefined)[] = [];
    let arrayAt = -1;
    let present = false;
    for (const [i, path] of parsed.entries()) {
      const found = collect(document, path, 0);
      if (found.hasArray) {
        if (arrayAt >= 0)
          throw new CommandFailure(171, `cannot index parallel arrays [${path.text}] [${paths[arrayAt]}]`);
        arrayAt = i;
      }
      values.push(found.values);
      single.push(found.values[0]);
      present ||= found.values.length > 0;
    }
    if (!present && sparse) return { keys: [], hasArrays: arrayAt >= 0 };
    if (arrayAt < 0) return { keys: [compoundKey(single, descending)], hasArrays: false };
    const several = values[arrayAt] as Raw[];
    const keys = (several.length === 0 ? [undefined] : several).map((value) => {
      single[arrayAt] = value;
      return compoundKey(single, descending);
    });
    return { keys: [...new Set(keys)], hasArrays: true };
  };
}

/** The values at a path, those of arrays one by one: what `distinct` lists. */
export function valuesAt(document: Raw, path: string): Raw[] {
  return collect(document, parsePath(path), 0).values.filter(({ bytes }) => bytes.length > 0);
}

interface Found {
  readonly values: Raw[];
  readonly hasArray: boolean;
}

const nothing: Found = { values: [], hasArray: false };

function collect(value: Raw, path: Path, depth: number): Found {
  if (depth === path.parts.length) {
    if (value.type !== bsonType.array) return { values: [value], hasArray: false };
    const items = elements(value);
    return { values: items.length === 0 ? [undefinedValue] : items, hasArray: true };
  }
  if (value.type === bsonType.document) {
    const child = findField(value.bytes, value.start, path.names[depth] as Uint8Array);
    return child === undefined ? nothing : collect(child, path, depth + 1);
  }
  if (value.type !== bsonType.array) return nothing;
  return collectFromArray(value, path, depth);
}

/** Each document of the array gives its own; one without the field gives null, as long as another has it or not. */
function collectFromArray(array: Raw, path: Path, depth: number): Found {
  const values: Raw[] = [];
  const position = path.positions[depth] as number;
  for (const [index, item] of elements(array).entries()) {
    const found = index === position ? collect(item, path, depth + 1) : collectDocument(item, path, depth);
    values.push(...found.values);
  }
  return { values, hasArray: true };
}

const nullValue = new Raw(bsonType.null, Buffer.alloc(0), 0, 0);

function collectDocument(item: Raw, path: Path, depth: number): Found {
  if (item.type !== bsonType.document) return nothing;
  const found = collect(item, path, depth);
  return found.values.length === 0 ? { values: [nullValue], hasArray: false } : found;
}
