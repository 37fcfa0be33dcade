import { CommandFailure } from '../command-failure.ts';
import { compareValues, equalValues } from '../bson/compare.ts';
import type { ValueTest } from '../bson/path.ts';
import { bsonType, elementCount, elements, fields, someElement, type Raw } from '../bson/raw.ts';
import { isNumber, readNumber, readRegex, readString, readTruth } from '../bson/read.ts';
import { typeRank } from '../bson/type-order.ts';
import { compileRegex } from './regex.ts';
import { typeCodes } from './type-codes.ts';

/** Asks whether some value at a field's place passes a test; `wholeArrays` as in `anyValueAt`. */
export type Probe = (test: ValueTest, wholeArrays: boolean) => boolean;

/** What a filter demands of one field. */
export type Condition = (probe: Probe) => boolean;

const demand =
  (test: ValueTest, wholeArrays = false): Condition =>
  (probe) =>
    probe(test, wholeArrays);

export const negated =
  (condition: Condition): Condition =>
  (probe) =>
    !condition(probe);

export const every = (conditions: readonly Condition[]): Condition =>
  conditions.length === 1 ? (conditions[0] as Condition) : (probe) => conditions.every((condition) => condition(probe));

const isNullish = (value: Raw | undefined): boolean =>
  value === undefined || value.type === bsonType.null || value.type === bsonType.undefined;

export function equals(operand: Raw): ValueTest {
  if (isNullish(operand)) return isNullish;
  return (value) => value !== undefined && equalValues(value, operand);
}

/** `{ field: operand }`: a regular expression matches, anything else is equal. */
export function equalsOrMatches(operand: Raw): ValueTest {
  if (operand.type !== bsonType.regex) return equals(operand);
  const { source, flags } = readRegex(operand);
  return matchesRegex(compileRegex(source, flags), equals(operand));
}

function matchesRegex(regex: RegExp, otherwise: ValueTest): ValueTest {
  return (value) =>
    value?.type === bsonType.string || value?.type === bsonType.symbol
      ? regex.test(readString(value))
      : otherwise(value);
}

type Comparison = '$gt' | '$gte' | '$lt' | '$lte';

/** Only values of the operand's own type compare; MinKey and MaxKey are below and above every type; NaN only equals. */
function compares(operator: Comparison, operand: Raw): ValueTest {
  const orEqual = operator === '$gte' || operator === '$lte';
  if (isNullish(operand)) return orEqual ? isNullish : () => false;
  const sign = operator === '$gt' || operator === '$gte' ? 1 : -1;
  const rank = typeRank(operand.type);
  const beyondAll = operand.type === (sign > 0 ? bsonType.minKey : bsonType.maxKey);
  const operandIsNaN = isNaNValue(operand);
  return (value) => {
    if (value === undefined || typeRank(value.type) !== rank) return beyondAll;
    if (operandIsNaN || isNaNValue(value)) return orEqual && operandIsNaN && isNaNValue(value);
    const order = compareValues(value, operand) * sign;
    return order > 0 || (orEqual && order === 0);
  };
}

const isNaNValue = (value: Raw): boolean => value.type === bsonType.double && Number.isNaN(readNumber(value));

/** The conditions of the operators that need nothing but their operand; undefined for an operator not known here. */
export function operatorCondition(operator: string, operand: Raw): Condition | undefined {
  switch (operator) {
    case '$eq':
      return demand(equals(operand));
    case '$ne':
      return negated(demand(equals(operand)));
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return demand(compares(operator, operand));
    case '$in':
      return demand(isOneOf(operator, operand));
    case '$nin':
      return negated(demand(isOneOf(operator, operand)));
    case '$exists':
      return readTruth(operand) ? demand(isThere) : negated(demand(isThere));
    case '$size':
      return demand(hasSize(operand), true);
    case '$type':
      return demand(hasType(operand));
    case '$mod':
      return demand(hasRemainder(operand));
    default:
      return undefined;
  }
}

const isThere: ValueTest = (value) => value !== undefined;

function isOneOf(operator: string, operand: Raw): ValueTest {
  if (operand.type !== bsonType.array) throw new CommandFailure(2, `${operator} needs an array`);
  const tests = elements(operand).map(equalsOrMatches);
  return (value) => tests.some((test) => test(value));
}

function hasSize(operand: Raw): ValueTest {
  const size = isNumber(operand.type) ? Number(readNumber(operand)) : NaN;
  if (!Number.isInteger(size)) throw new CommandFailure(2, 'Failed to parse $size. Expected an integer');
  if (size < 0) throw new CommandFailure(2, `Failed to parse $size. Expected a non-negative number in: $size: ${size}`);
  return (value) => value?.type === bsonType.array && elementCount(value) === size;
}

function hasType(operand: Raw): ValueTest {
  const asked = operand.type === bsonType.array ? elements(operand) : [operand];
  const types = new Set(asked.flatMap(typeCodes));
  return (value) => value !== undefined && types.has(value.type);
}

function hasRemainder(operand: Raw): ValueTest {
  const [divisor, remainder] = operand.type === bsonType.array ? elements(operand).map(wholeNumber) : [];
  if (divisor === undefined || remainder === undefined || elementCount(operand) !== 2) {
    throw new CommandFailure(2, 'malformed mod, needs to be an array of two numbers');
  }
  if (divisor === 0n) throw new CommandFailure(2, 'divisor cannot be 0');
  return (value) => {
    const whole = value === undefined ? undefined : wholeNumber(value);
    return whole !== undefined && whole % divisor === remainder;
  };
}

function wholeNumber(value: Raw): bigint | undefined {
  if (!isNumber(value.type)) return undefined;
  const number = readNumber(value);
  if (typeof number === 'bigint') return number;
  return Number.isFinite(number) ? BigInt(Math.trunc(number)) : undefined;
}

/** `{ $regex, $options }` of one field. */
export function regexCondition(pattern: Raw, options: Raw | undefined): Condition {
  const written =
    pattern.type === bsonType.regex ? readRegex(pattern) : { source: textOf(pattern, '$regex'), flags: '' };
  const flags = options === undefined ? written.flags : textOf(options, '$options');
  return demand(matchesRegex(compileRegex(written.source, flags), () => false));
}

function textOf(value: Raw, operator: string): string {
  if (value.type !== bsonType.string) throw new CommandFailure(2, `${operator} has to be a string`);
  return readString(value);
}

/** Some element of an array passes; the array as a whole is what is looked at. */
export function someElementCondition(passes: (element: Raw) => boolean): Condition {
  return demand((value) => value?.type === bsonType.array && someElement(value, passes), true);
}

export const equalityCondition = (operand: Raw): Condition => demand(equalsOrMatches(operand));

/** Whether a filter's value is a set of operators (`{ $gt: 1 }`) rather than a document to be equal to. */
export function isOperatorDocument(value: Raw): boolean {
  if (value.type !== bsonType.document) return false;
  const [first] = fields(value);
  return first !== undefined && first[0].startsWith('$') && !['$ref', '$id', '$db'].includes(first[0]);
}
