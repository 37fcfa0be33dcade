import { InvariantBroken } from '@juice/contracts';
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
  const values: (Raw | undefined)[] = [];
  return (document) => {
    let present = false;
    for (let i = 0; i < parsed.length; i += 1) {
      const value = scalarAt(document, parsed[i] as Path);
      if (value === behindArray) return keysOfArrays(document, parsed, { descending, sparse });
      values[i] = value;
      present ||= value !== undefined;
    }
    return { keys: present || !sparse ? [compoundKey(values, descending)] : [], hasArrays: false };
  };
}

/** What stands for "there is an array on the way, or at the end". */
const behindArray = new Raw(bsonType.array, Buffer.alloc(0), 0, 0);

function scalarAt(document: Raw, path: Path): Raw | undefined {
  let value: Raw = document;
  for (const name of path.names) {
    if (value.type === bsonType.array) return behindArray;
    if (value.type !== bsonType.document) return undefined;
    const child = findField(value.bytes, value.start, name);
    if (child === undefined) return undefined;
    value = child;
  }
  return value.type === bsonType.array ? behindArray : value;
}

function keysOfArrays(
  document: Raw,
  paths: readonly Path[],
  { descending, sparse }: { descending: readonly boolean[]; sparse: boolean },
): IndexedKeys {
  const found = paths.map((path) => collect(document, path, 0));
  const arrays = paths.filter((_, i) => found[i]?.hasArray === true);
  const [array, other] = arrays;
  if (array === undefined) throw new InvariantBroken('an array was seen and is gone');
  if (other !== undefined)
    throw new CommandFailure(171, `cannot index parallel arrays [${other.text}] [${array.text}]`);
  if (sparse && found.every(({ values }) => values.length === 0)) return { keys: [], hasArrays: true };
  const single = found.map(({ values }) => values[0]);
  const at = paths.indexOf(array);
  const several: readonly (Raw | undefined)[] = found[at]?.values ?? [];
  const keys = (several.length === 0 ? [undefined] : several).map((value) => {
    single[at] = value;
    return compoundKey(single, descending);
  });
  return { keys: [...new Set(keys)], hasArrays: true };
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
