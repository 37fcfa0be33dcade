import { CommandFailure } from '../command-failure.ts';
import { compareValues } from '../bson/compare.ts';
import { bsonType, fields, Raw } from '../bson/raw.ts';
import { isNumber, readString } from '../bson/read.ts';
import { toRaw } from '../bson/writer.ts';
import { typeName } from '../match/type-codes.ts';
import { combine, combineBits, isWhole } from './arithmetic.ts';
import { compilePull, compilePullAll, compilePush, compileAddToSet, pop } from './array-modifier.ts';
import { describe } from './describe.ts';
import { closed, moved, type Node } from './editable.ts';

/**
 * One operator on one field. `change` gets what is there and answers what shall be there: the same node for no change,
 * undefined to remove it. `creates`: it is asked for a field that is missing, too.
 */
export interface Modifier {
  readonly creates: boolean;
  readonly change: (current: Node | undefined, context: UpdateContext) => Node | undefined;
}

export interface UpdateContext {
  readonly nowMs: number;
  /** The document is being inserted by an upsert. */
  readonly inserting: boolean;
}

/** The modifier of `operator` with this operand; undefined for an operator there is not. */
export function compileModifier(operator: string, path: string, operand: Raw): Modifier | undefined {
  switch (operator) {
    case '$set': {
      const value = moved(operand);
      return { creates: true, change: () => value };
    }
    case '$setOnInsert': {
      const value = moved(operand);
      return { creates: true, change: (current, { inserting }) => (inserting ? value : current) };
    }
    case '$unset':
      return { creates: false, change: () => undefined };
    case '$inc':
    case '$mul':
      return arithmetic(operator, path, operand);
    case '$min':
    case '$max':
      return extreme(operator === '$min' ? -1 : 1, operand);
    case '$currentDate':
      return currentDate(path, operand);
    case '$bit':
      return bits(path, operand);
    case '$push':
      return compilePush(path, operand);
    case '$addToSet':
      return compileAddToSet(path, operand);
    case '$pull':
      return compilePull(path, operand);
    case '$pullAll':
      return compilePullAll(path, operand);
    case '$pop':
      return pop(path, operand);
    default:
      return undefined;
  }
}

function arithmetic(operator: '$inc' | '$mul', path: string, operand: Raw): Modifier {
  const verb = operator === '$inc' ? 'increment' : 'multiply';
  if (!isNumber(operand.type)) {
    throw new CommandFailure(14, `Cannot ${verb} with non-numeric argument: {${path}: ${describe(operand)}}`);
  }
  return {
    creates: true,
    change: (current) => {
      if (current === undefined) return operator === '$inc' ? moved(operand) : combine('$mul', operand, toRaw(0));
      const value = closed(current);
      if (!isNumber(value.type)) {
        throw new CommandFailure(
          14,
          `Cannot apply ${operator} to a value of non-numeric type. The field '${path}' is of type ${typeName(value.type)}`,
        );
      }
      return combine(operator, value, operand);
    },
  };
}

function extreme(sign: 1 | -1, operand: Raw): Modifier {
  const value = moved(operand);
  return {
    creates: true,
    change: (current) => (current !== undefined && compareValues(closed(current), value) * sign >= 0 ? current : value),
  };
}

function currentDate(path: string, operand: Raw): Modifier {
  const kind = operand.type === bsonType.document ? fields(operand)[0] : undefined;
  const asked = kind?.[0] === '$type' ? readString(kind[1]) : operand.type === bsonType.bool ? 'date' : '';
  if (asked !== 'date' && asked !== 'timestamp') {
    throw new CommandFailure(2, `${path}: $currentDate takes true, or { $type: 'date' | 'timestamp' }`);
  }
  if (asked === 'timestamp') {
    return { creates: true, change: (_, { nowMs }) => timestamp(nowMs) };
  }
  return { creates: true, change: (_, { nowMs }) => toRaw(new Date(nowMs)) };
}

function timestamp(nowMs: number): Raw {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(1, 0);
  bytes.writeUInt32LE(Math.floor(nowMs / 1000), 4);
  return new Raw(bsonType.timestamp, bytes, 0, 8);
}

function bits(path: string, operand: Raw): Modifier {
  const operations = operand.type === bsonType.document ? fields(operand) : [];
  if (operations.length === 0 || operations.some(([name, value]) => !/^(and|or|xor)$/.test(name) || !isWhole(value))) {
    throw new CommandFailure(2, `The $bit modifier needs and, or or xor with a whole number: ${path}`);
  }
  return {
    creates: true,
    change: (current) => {
      const value = current === undefined ? toRaw(0) : closed(current);
      if (!isWhole(value)) throw new CommandFailure(2, `Cannot apply $bit to a value of non-integral type: ${path}`);
      return operations.reduce((result, [name, bit]) => combineBits(name, result, bit), value);
    },
  };
}
