import protobuf, { type Field, type Type } from 'protobufjs/light.js';

/**
 * The one walk over a message by its schema. Reading, it takes parsed JSON to the in-memory form by Mesos' own mapping:
 *
 * | met                                    | becomes                                            |
 * |----------------------------------------|----------------------------------------------------|
 * | a key the schema does not know         | nothing                                            |
 * | null                                   | not set                                            |
 * | a repeated field that is not set       | []                                                 |
 * | one value where an array is expected   | an array of it                                     |
 * | an unknown enum name                   | not set (left out of an array); required: an error |
 * | a number as a string, "Infinity"       | the number                                         |
 * | a fraction where an integer is wanted  | its integer part                                   |
 * | any other type of value                | an error                                           |
 *
 * Writing, it takes a draft to what both codecs can print: empty arrays left out, infinities as Mesos spells them.
 * Both ways it names every required field that is missing, by its path. Errors are in Mesos' own words.
 */
export type Conversion =
  | { readonly ok: true; readonly value: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly detail: string };

/** Parsed JSON → in-memory form. */
export function readPlain(type: Type, json: unknown): Conversion {
  return convert(type, json, 'read');
}

/** Draft → what JSON.stringify and protobufjs' fromObject take. */
export function writePlain(type: Type, draft: unknown): Conversion {
  return convert(type, draft, 'write');
}

interface Walk {
  readonly mode: 'read' | 'write';
  /** Where the walk is: field names, with `[i]` or `[key]` behind the repeated ones. */
  readonly path: string[];
  readonly missing: string[];
  readonly problems: string[];
}

type Plain = Record<string, unknown>;

/** As deep as protobuf's own decoder goes; only a ContainerID's parents could be deeper. */
const maxDepth = 100;

function convert(type: Type, source: unknown, mode: Walk['mode']): Conversion {
  if (!isPlain(source)) return { ok: false, detail: 'Expecting a JSON object' };
  const walk: Walk = { mode, path: [], missing: [], problems: [] };
  const value = convertMessage(type, source, walk);
  const [problem] = walk.problems;
  if (problem !== undefined) return { ok: false, detail: problem };
  if (walk.missing.length > 0) return { ok: false, detail: `Missing required fields: ${walk.missing.join(', ')}` };
  return { ok: true, value };
}

function convertMessage(type: Type, source: Plain, walk: Walk): Plain {
  const out: Plain = {};
  if (walk.path.length > maxDepth) {
    walk.problems.push(`Nested deeper than ${maxDepth} messages`);
    return out;
  }
  for (const field of type.fieldsArray) {
    if (field.required && isUnset(source[field.name])) walk.missing.push([...walk.path, field.name].join('.'));
  }
  for (const field of type.fieldsArray) {
    const raw = source[field.name];
    const value = isUnset(raw) ? unsetValue(field, walk) : convertField(field, raw, walk);
    if (value !== undefined) out[field.name] = value;
  }
  return out;
}

function unsetValue(field: Field, walk: Walk): unknown {
  return field.repeated && walk.mode === 'read' ? [] : undefined;
}

function convertField(field: Field, raw: unknown, walk: Walk): unknown {
  if (field.map) {
    if (!isPlain(raw)) return unexpected(field, raw, walk);
    // fromEntries defines its members: a key `__proto__` stays a key.
    const entries = Object.entries(raw).map(([key, item]) => [key, convertAt(field, item, `[${key}]`, walk)] as const);
    return entries.length === 0 ? undefined : Object.fromEntries(entries);
  }
  if (!field.repeated) return convertAt(field, raw, '', walk);
  const items = (Array.isArray(raw) ? (raw as unknown[]) : [raw])
    .map((item, i) => (isUnset(item) ? undefined : convertAt(field, item, `[${i}]`, walk)))
    .filter((item) => item !== undefined);
  return items.length === 0 ? unsetValue(field, walk) : items;
}

function convertAt(field: Field, raw: unknown, index: string, walk: Walk): unknown {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Type) {
    if (!isPlain(raw)) return unexpected(field, raw, walk);
    walk.path.push(field.name + index);
    const message = convertMessage(resolvedType, raw, walk);
    walk.path.pop();
    return message;
  }
  if (resolvedType instanceof protobuf.Enum) {
    if (typeof raw !== 'string') return unexpected(field, raw, walk);
    if (Object.hasOwn(resolvedType.values, raw)) return raw;
    if (field.required) walk.problems.push(`Failed to find enum for '${raw}'`);
    return undefined;
  }
  return convertScalar(field, raw, walk);
}

function convertScalar(field: Field, raw: unknown, walk: Walk): unknown {
  switch (field.type) {
    case 'string':
      return typeof raw === 'string' ? raw : unexpected(field, raw, walk);
    case 'bool':
      return typeof raw === 'boolean' ? raw : unexpected(field, raw, walk);
    case 'bytes':
      return typeof raw === 'string' ? convertBytes(field, raw, walk) : unexpected(field, raw, walk);
    default:
      return convertNumber(field, raw, walk);
  }
}

function convertBytes(field: Field, base64: string, walk: Walk): unknown {
  const stranger = /[^A-Za-z0-9+/=\s]/.exec(base64)?.[0];
  if (stranger === undefined) return base64;
  walk.problems.push(`Failed to base64 decode bytes field '${field.name}': Invalid character '${stranger}'`);
  return undefined;
}

function convertNumber(field: Field, raw: unknown, walk: Walk): unknown {
  const value = typeof raw === 'string' && raw.trim() !== '' ? Number(raw) : raw;
  if (typeof value !== 'number') return unexpected(field, raw, walk);
  const isReal = field.type === 'double' || field.type === 'float';
  if (Number.isNaN(value) || !(isReal || Number.isFinite(value))) {
    walk.problems.push(`Failed to parse '${String(raw)}' as a JSON number for field '${field.name}'`);
    return undefined;
  }
  if (!isReal) return Math.trunc(value);
  return walk.mode === 'write' && !Number.isFinite(value) ? String(value) : value;
}

function unexpected(field: Field, raw: unknown, walk: Walk): undefined {
  const kind = Array.isArray(raw) ? 'array' : typeof raw;
  walk.problems.push(`Not expecting a JSON ${kind} for field '${field.name}'`);
  return undefined;
}

function isUnset(value: unknown): boolean {
  return value === undefined || value === null;
}

function isPlain(value: unknown): value is Plain {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
