import { CommandFailure } from '../command-failure.ts';
import { bsonType, documentOf, elements, fields, nameOf, someElement, type Raw } from '../bson/raw.ts';
import { isNumber, plainDocument, readNumber, readTruth } from '../bson/read.ts';
import { ByteWriter, encodeDocument, writeRaw } from '../bson/writer.ts';
import { runMingo } from '../aggregate/run-mingo.ts';
import { compileElementMatch } from '../match/filter.ts';

/** Makes of a stored document what the client asked to see. */
export type Projection = (document: Buffer) => Buffer;

/** What to do with one field: take it or leave it, the same for its own fields, or a part of an array. */
type Rule = true | Rules | ((array: Raw) => Raw[]);
type Rules = Map<string, Rule>;

/**
 * Inclusion, exclusion, `$slice` and `$elemMatch` keep the stored values as they are; computed fields go through mingo.
 * Throws CommandFailure(31253, 31254) for a mixture of inclusion and exclusion.
 */
export function compileProjection(projection: Raw | undefined): Projection {
  const asked = projection === undefined ? [] : fields(projection);
  if (asked.length === 0) return (document) => document;
  if (asked.some(([path]) => path.endsWith('.$'))) {
    throw new CommandFailure(115, 'Positional projections are not supported by this server');
  }
  if (asked.some(([, value]) => isComputed(value))) return computed(projection as Raw);
  const rules: Rules = new Map();
  let mode: 'inclusion' | 'exclusion' | undefined;
  for (const [path, value] of asked) {
    const part = partOf(value);
    if (part === undefined && path !== '_id') {
      const wanted = readTruth(value) ? 'inclusion' : 'exclusion';
      mode ??= wanted;
      if (mode !== wanted) throw mixed(wanted, path);
    } else if (part !== undefined && part.includes) mode ??= 'inclusion';
  }
  const idOnly = asked.length === 1 && asked[0]?.[0] === '_id' ? asked[0][1] : undefined;
  mode ??= idOnly !== undefined && readTruth(idOnly) ? 'inclusion' : 'exclusion';
  for (const [path, value] of asked) addRule(rules, path, partOf(value)?.rule ?? true);
  const id = asked.find(([path]) => path === '_id')?.[1];
  if (mode === 'inclusion') {
    if (id === undefined) rules.set('_id', true);
    else if (!readTruth(id)) rules.delete('_id');
  } else if (id !== undefined && readTruth(id)) rules.delete('_id');
  return projector(rules, mode === 'inclusion');
}

const mixed = (wanted: string, path: string) =>
  wanted === 'inclusion'
    ? new CommandFailure(31253, `Cannot do inclusion on field ${path} in exclusion projection`)
    : new CommandFailure(31254, `Cannot do exclusion on field ${path} in inclusion projection`);

function isComputed(value: Raw): boolean {
  return !(isNumber(value.type) || value.type === bsonType.bool || partOf(value) !== undefined);
}

function partOf(value: Raw): { rule: (array: Raw) => Raw[]; includes: boolean } | undefined {
  if (value.type !== bsonType.document) return undefined;
  const [operator, operand] = fields(value)[0] ?? [];
  if (operator === '$slice' && operand !== undefined) return { rule: slice(operand), includes: false };
  if (operator !== '$elemMatch' || operand === undefined) return undefined;
  const passes = compileElementMatch(operand);
  return { rule: (array) => elements(array).filter(passes).slice(0, 1), includes: true };
}

function slice(operand: Raw): (array: Raw) => Raw[] {
  const [first = 0, count] = (operand.type === bsonType.array ? elements(operand) : [operand]).map((value) =>
    Number(readNumber(value)),
  );
  if (count === undefined)
    return (array) => (first < 0 ? elements(array).slice(first) : elements(array).slice(0, first));
  return (array) => {
    const items = elements(array);
    const from = first < 0 ? Math.max(0, items.length + first) : first;
    return items.slice(from, from + count);
  };
}

function addRule(rules: Rules, path: string, rule: Rule): void {
  const parts = path.split('.');
  const last = parts.pop() as string;
  let level = rules;
  for (const part of parts) {
    const below = level.get(part);
    if (below === true || typeof below === 'function') throw new CommandFailure(31249, `Path collision at ${path}`);
    const next: Rules = below ?? new Map<string, Rule>();
    level.set(part, next);
    level = next;
  }
  if (level.has(last)) throw new CommandFailure(31250, `Path collision at ${path}`);
  level.set(last, rule);
}

function projector(rules: Rules, including: boolean): Projection {
  return (document) => {
    const writer = new ByteWriter(including ? 256 : document.length);
    writeProjected(writer, documentOf(document), rules, including);
    return writer.finished();
  };
}

function writeProjected(writer: ByteWriter, document: Raw, rules: Rules, including: boolean): void {
  const opened = writer.open();
  someElement(document, (value) => {
    const name = nameOf(value);
    writeByRule(writer, name, value, { rule: rules.get(name), including });
    return false;
  });
  writer.close(opened);
}

function writeByRule(
  writer: ByteWriter,
  name: string,
  value: Raw,
  by: { rule: Rule | undefined; including: boolean },
): void {
  const { rule, including } = by;
  if (rule === undefined || rule === true) {
    if ((rule === true) === including) writeRaw(writer, name, value);
  } else if (typeof rule === 'function') {
    if (value.type !== bsonType.array) {
      if (!including) writeRaw(writer, name, value);
    } else writeArray(writer, name, rule(value), (index, item) => writeRaw(writer, index, item));
  } else if (value.type === bsonType.document) {
    writer.byte(value.type);
    writer.cString(name);
    writeProjected(writer, value, rule, including);
  } else if (value.type === bsonType.array) {
    const kept = including
      ? elements(value).filter(({ type }) => type === bsonType.document || type === bsonType.array)
      : elements(value);
    writeArray(writer, name, kept, (index, item) => writeByRule(writer, index, item, by));
  } else if (!including) writeRaw(writer, name, value);
}

function writeArray(
  writer: ByteWriter,
  name: string,
  items: readonly Raw[],
  write: (index: string, item: Raw) => void,
): void {
  writer.byte(bsonType.array);
  writer.cString(name);
  const opened = writer.open();
  items.forEach((item, index) => write(String(index), item));
  writer.close(opened);
}

function computed(projection: Raw): Projection {
  const stage = { $project: plainDocument(projection) };
  return (document) => encodeDocument(runMingo([plainDocument(documentOf(document))], [stage])[0] ?? {});
}
