import { CommandFailure } from '../command-failure.ts';
import { bsonType, fields, type Raw } from '../bson/raw.ts';
import { isNumber, readNumber, readString, readTruth } from '../bson/read.ts';

/** An index as it was asked for. */
export interface IndexSpec {
  readonly name: string;
  readonly fields: readonly (readonly [path: string, direction: 1 | -1])[];
  readonly unique: boolean;
  readonly sparse: boolean;
  readonly expireAfterSeconds?: number;
}

export const idIndexSpec: IndexSpec = { name: '_id_', fields: [['_id', 1]], unique: true, sparse: false };

// Options that change nothing here: how an index is built, of what version, whether the planner may see it.
const withoutEffect = ['v', 'background', 'ns', 'hidden', 'commitQuorum'];

/** Throws CommandFailure(67, 197, …) for an index that this server has not: text, geo, hashed, partial, wildcard, collation. */
export function parseIndexSpec(spec: Raw): IndexSpec {
  const options = new Map(fields(spec));
  const key = options.get('key');
  if (key?.type !== bsonType.document) {
    throw new CommandFailure(9, "The 'key' field is a required property of an index specification");
  }
  const parsed = {
    fields: parseFields(key),
    unique: readTruth(options.get('unique')),
    sparse: readTruth(options.get('sparse')),
  };
  const name = options.get('name');
  if (name?.type !== bsonType.string) {
    throw new CommandFailure(9, "The 'name' field is a required property of an index specification");
  }
  const expire = options.get('expireAfterSeconds');
  refuseUnknown([...options.keys()]);
  return {
    name: readString(name),
    ...parsed,
    ...(expire === undefined ? {} : { expireAfterSeconds: parseExpiry(expire, parsed.fields.length) }),
  };
}

function parseFields(key: Raw): [string, 1 | -1][] {
  const parsed = fields(key).map(([path, direction]): [string, 1 | -1] => {
    if (!isNumber(direction.type) || Number(readNumber(direction)) === 0 || path.includes('$')) {
      throw new CommandFailure(67, `Only ascending and descending indexes on plain fields are supported: ${path}`);
    }
    return [path, Number(readNumber(direction)) > 0 ? 1 : -1];
  });
  if (parsed.length === 0) throw new CommandFailure(67, 'Index keys cannot be an empty object');
  return parsed;
}

function parseExpiry(value: Raw, fieldCount: number): number {
  const seconds = isNumber(value.type) ? Number(readNumber(value)) : NaN;
  if (!(seconds >= 0 && seconds <= 0x7fffffff)) {
    throw new CommandFailure(67, "TTL index 'expireAfterSeconds' option must be numeric and within 0 to 2147483647");
  }
  if (fieldCount > 1)
    throw new CommandFailure(67, 'TTL indexes are single-field indexes, compound indexes do not support TTL');
  return seconds;
}

function refuseUnknown(options: readonly string[]): void {
  const known = ['key', 'name', 'unique', 'sparse', 'expireAfterSeconds', ...withoutEffect];
  const unknown = options.find((option) => !known.includes(option));
  if (unknown !== undefined)
    throw new CommandFailure(197, `The index option '${unknown}' is not supported by this server`);
}

/**
 * Whether `asked` is there already. mongod: the same name with another definition is IndexKeySpecsConflict (86) when the
 * keys or the uniqueness differ, the same keys under another name or with other options is IndexOptionsConflict (85).
 */
export function isSameIndex(existing: IndexSpec, asked: IndexSpec): boolean {
  const sameKeys = keyText(existing) === keyText(asked);
  if (existing.name === asked.name) {
    if (sameKeys && sameOptions(existing, asked)) return true;
    if (sameKeys && existing.unique === asked.unique && existing.sparse === asked.sparse) {
      throw new CommandFailure(
        85,
        conflictText('equivalent index already exists with the same name but different options', existing, asked),
      );
    }
    throw new CommandFailure(
      86,
      conflictText(
        'An existing index has the same name as the requested index. When index names are not specified, they are auto generated and can cause conflicts. Please refer to our documentation',
        existing,
        asked,
      ),
    );
  }
  if (!sameKeys) return false;
  throw new CommandFailure(
    85,
    sameOptions(existing, asked)
      ? `Index already exists with a different name: ${existing.name}`
      : conflictText('An equivalent index already exists with a different name and options', existing, asked),
  );
}

const keyText = ({ fields }: IndexSpec) => JSON.stringify(fields);

const sameOptions = (a: IndexSpec, b: IndexSpec): boolean =>
  a.unique === b.unique && a.sparse === b.sparse && a.expireAfterSeconds === b.expireAfterSeconds;

const conflictText = (reason: string, existing: IndexSpec, asked: IndexSpec) =>
  `${reason}. Requested index: ${JSON.stringify(indexDocument(asked))}, existing index: ${JSON.stringify(indexDocument(existing))}`;

/** The index as `listIndexes` shows it and the journal keeps it. */
export function indexDocument(spec: IndexSpec): Record<string, unknown> {
  return {
    v: 2,
    key: Object.fromEntries(spec.fields),
    name: spec.name,
    ...(spec.unique && spec.name !== '_id_' ? { unique: true } : {}),
    ...(spec.sparse ? { sparse: true } : {}),
    ...(spec.expireAfterSeconds === undefined ? {} : { expireAfterSeconds: spec.expireAfterSeconds }),
  };
}
