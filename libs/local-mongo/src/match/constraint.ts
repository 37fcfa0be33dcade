import { bsonType, elements, type Raw } from '../bson/raw.ts';
import { readTruth } from '../bson/read.ts';

/**
 * What a condition means to an index on its field. Every document that matches has an index entry that is one of the
 * points, or lies between the bounds; not every such document matches, so the filter is always asked again.
 * A range without bounds says only that the field is there.
 */
export type Constraint =
  | { readonly path: string; readonly kind: 'points'; readonly values: readonly Raw[] }
  | { readonly path: string; readonly kind: 'range'; readonly low?: Raw; readonly high?: Raw };

export function constraintsOf(path: string, operators: readonly (readonly [string, Raw])[]): Constraint[] {
  return operators.flatMap(([operator, operand]): Constraint[] => {
    switch (operator) {
      case '':
      case '$eq':
        return isPoint(operand) ? [{ path, kind: 'points', values: [operand] }] : [];
      case '$in': {
        const values = elements(operand);
        return values.every(isPoint) ? [{ path, kind: 'points', values }] : [];
      }
      case '$gt':
      case '$gte':
        return isBound(operand) ? [{ path, kind: 'range', low: operand }] : [];
      case '$lt':
      case '$lte':
        return isBound(operand) ? [{ path, kind: 'range', high: operand }] : [];
      case '$exists':
        return readTruth(operand) ? [{ path, kind: 'range' }] : [];
      default:
        return [];
    }
  });
}

// An index holds an array's elements, not the array; a regular expression is no point; undefined is null to a query only.
const isPoint = ({ type }: Raw): boolean =>
  type !== bsonType.array && type !== bsonType.regex && type !== bsonType.undefined;

const isBound = (operand: Raw): boolean =>
  isPoint(operand) &&
  operand.type !== bsonType.null &&
  operand.type !== bsonType.minKey &&
  operand.type !== bsonType.maxKey;

export const isNullPoint = (value: Raw): boolean => value.type === bsonType.null;
