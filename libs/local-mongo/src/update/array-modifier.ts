import { CommandFailure } from '../command-failure.ts';
import { compareValues, equalValues } from '../bson/compare.ts';
import { parsePath, plainValueAt } from '../bson/path.ts';
import { bsonType, elements, fields, type Raw } from '../bson/raw.ts';
import { isNumber, readNumber } from '../bson/read.ts';
import { toRaw } from '../bson/writer.ts';
import { equalsOrMatches } from '../match/condition.ts';
import { compileElementMatch } from '../match/filter.ts';
import { typeName } from '../match/type-codes.ts';
import { closed, EditableArray, moved, nodeType, opened, type Node } from './editable.ts';
import type { Modifier } from './modifier.ts';

/** Items of the array at `path`; none where there is no array yet. Throws CommandFailure(2) for any other value. */
function itemsOf(current: Node | undefined, path: string): Node[] {
  if (current === undefined) return [];
  const array = opened(current);
  if (array instanceof EditableArray) return array.items;
  throw new CommandFailure(2, `The field '${path}' must be an array but is of type ${typeName(nodeType(array))}`);
}

interface Push {
  readonly each: readonly Raw[];
  readonly slice?: number;
  readonly position?: number;
  readonly order?: (a: Raw, b: Raw) => number;
}

export function compilePush(path: string, operand: Raw): Modifier {
  const push = parsePush(operand);
  return {
    creates: true,
    change: (current) => {
      const items = [...itemsOf(current, path)];
      items.splice(push.position ?? items.length, 0, ...push.each.map(moved));
      const { order } = push;
      const sorted = order === undefined ? items : items.map(closed).sort(order);
      return new EditableArray(sliced(sorted, push.slice));
    },
  };
}

function parsePush(operand: Raw): Push {
  const options = operand.type === bsonType.document ? fields(operand) : [];
  if (!options.some(([name]) => name === '$each')) return { each: [operand] };
  let push: Push = { each: [] };
  for (const [name, value] of options) {
    if (name === '$each') push = { ...push, each: arrayOf(value, '$each') };
    else if (name === '$slice') push = { ...push, slice: wholeOf(value, '$slice') };
    else if (name === '$position') push = { ...push, position: wholeOf(value, '$position') };
    else if (name === '$sort') push = { ...push, order: orderOf(value) };
    else throw new CommandFailure(2, `Unrecognized clause in $push: ${name}`);
  }
  return push;
}

function arrayOf(value: Raw, operator: string): Raw[] {
  if (value.type === bsonType.array) return elements(value);
  throw new CommandFailure(
    2,
    `The argument to ${operator} must be an array but it was of type ${typeName(value.type)}`,
  );
}

function wholeOf(value: Raw, operator: string): number {
  const number = isNumber(value.type) ? Number(readNumber(value)) : NaN;
  if (!Number.isInteger(number)) throw new CommandFailure(2, `The value for ${operator} must be an integer value`);
  return number;
}

/** `$slice`: the first n, the last -n, or none. */
function sliced(items: Node[], slice: number | undefined): Node[] {
  if (slice === undefined) return items;
  if (slice === 0) return [];
  return slice > 0 ? items.slice(0, slice) : items.slice(slice);
}

/** `$sort`: 1 or -1 for the elements themselves, or by fields of elements that are documents. */
function orderOf(value: Raw): (a: Raw, b: Raw) => number {
  if (value.type !== bsonType.document) {
    const sign = wholeOf(value, '$sort');
    return (a, b) => compareValues(a, b) * sign;
  }
  const keys = fields(value).map(([name, sign]) => ({ path: parsePath(name), sign: wholeOf(sign, '$sort') }));
  const missing = toRaw(null);
  return (a, b) => {
    for (const { path, sign } of keys) {
      const order = compareValues(plainValueAt(a, path) ?? missing, plainValueAt(b, path) ?? missing) * sign;
      if (order !== 0) return order;
    }
    return 0;
  };
}

export function compileAddToSet(path: string, operand: Raw): Modifier {
  const options = operand.type === bsonType.document ? fields(operand) : [];
  const each = options[0]?.[0] === '$each' ? arrayOf(options[0][1], '$each') : [operand];
  return {
    creates: true,
    change: (current) => {
      const items = itemsOf(current, path).map(closed);
      const before = items.length;
      for (const value of each) if (!items.some((item) => equalValues(item, value))) items.push(moved(value));
      return current !== undefined && items.length === before ? current : new EditableArray(items);
    },
  };
}

export function compilePull(path: string, operand: Raw): Modifier {
  const test = operand.type === bsonType.document ? compileElementMatch(operand) : equalsOrMatches(operand);
  return removing(path, test);
}

export function compilePullAll(path: string, operand: Raw): Modifier {
  const values = arrayOf(operand, '$pullAll');
  return removing(path, (item) => values.some((value) => equalValues(item, value)));
}

function removing(path: string, test: (item: Raw) => boolean): Modifier {
  return {
    creates: false,
    change: (current) => {
      if (current === undefined) return current;
      const items = itemsOf(current, path);
      const kept = items.filter((item) => !test(closed(item)));
      return kept.length === items.length ? current : new EditableArray(kept);
    },
  };
}

export function pop(path: string, operand: Raw): Modifier {
  const end = wholeOf(operand, '$pop');
  if (end !== 1 && end !== -1) throw new CommandFailure(9, `$pop expects 1 or -1, found: ${end}`);
  return {
    creates: false,
    change: (current) => {
      if (current === undefined) return current;
      const items = itemsOf(current, path);
      return new EditableArray(end === 1 ? items.slice(0, -1) : items.slice(1));
    },
  };
}
