import { CommandFailure } from '../command-failure.ts';
import { anyValueAt, parsePath, type Path } from '../bson/path.ts';
import { bsonType, elements, fields, type Raw } from '../bson/raw.ts';
import {
  equalityCondition,
  every,
  isOperatorDocument,
  negated,
  operatorCondition,
  regexCondition,
  someElementCondition,
  type Condition,
} from './condition.ts';
import { matchesByMingo } from './mingo-filter.ts';
import { constraintsOf, type Constraint } from './constraint.ts';

/**
 * A query filter, ready to be asked. `demands` are the fields' conditions that all must hold (those of the top level and of
 * its $and), `constraints` what an index can make of them, `equalities` the fields that an upsert takes from the filter.
 */
export interface Filter {
  readonly matches: (document: Raw) => boolean;
  /** Everything matches. */
  readonly isEmpty: boolean;
  readonly demands: readonly Demand[];
  readonly constraints: readonly Constraint[];
  readonly equalities: readonly (readonly [path: string, value: Raw])[];
}

export interface Demand {
  readonly path: Path;
  readonly condition: Condition;
}

type Matcher = (document: Raw) => boolean;

interface Findings {
  readonly demands: Demand[];
  readonly constraints: Constraint[];
  readonly equalities: [string, Raw][];
}

/** Throws CommandFailure(2 or 9) for a filter that means nothing. */
export function compileFilter(filter: Raw): Filter {
  const found: Findings = { demands: [], constraints: [], equalities: [] };
  return { matches: compileDocument(filter, found), isEmpty: filter.end - filter.start === 5, ...found };
}

function compileDocument(filter: Raw, found: Findings | null): Matcher {
  const matchers = fields(filter).map(([name, value]) =>
    name.startsWith('$') ? compileLogic(name, value, found) : compileField(parsePath(name), value, found),
  );
  if (matchers.length === 1) return matchers[0] as Matcher;
  return (document) => {
    for (const matches of matchers) if (!matches(document)) return false;
    return true;
  };
}

function compileLogic(operator: string, operand: Raw, found: Findings | null): Matcher {
  switch (operator) {
    case '$and': {
      const parts = clauses(operator, operand).map((clause) => compileDocument(clause, found));
      return (document) => parts.every((matches) => matches(document));
    }
    case '$or': {
      const parts = clauses(operator, operand).map((clause) => compileDocument(clause, null));
      return (document) => parts.some((matches) => matches(document));
    }
    case '$nor': {
      const parts = clauses(operator, operand).map((clause) => compileDocument(clause, null));
      return (document) => !parts.some((matches) => matches(document));
    }
    case '$comment':
      return () => true;
    case '$expr':
      return matchesByMingo({ $expr: operand });
    default:
      throw new CommandFailure(2, `unknown top level operator: ${operator}`);
  }
}

function clauses(operator: string, operand: Raw): Raw[] {
  const parts = operand.type === bsonType.array ? elements(operand) : [];
  if (parts.length === 0) throw new CommandFailure(2, `${operator} must be a nonempty array`);
  if (parts.some((part) => part.type !== bsonType.document)) {
    throw new CommandFailure(2, `${operator} entries need to be full objects`);
  }
  return parts;
}

function compileField(path: Path, value: Raw, found: Findings | null): Matcher {
  const operators: readonly (readonly [string, Raw])[] = isOperatorDocument(value) ? fields(value) : [['', value]];
  const byMingo = operators.filter(([operator]) => isForMingo(operator));
  const direct = operators.filter(([operator]) => !isForMingo(operator));
  const condition = every(compileOperators(direct));
  if (found !== null) {
    found.demands.push({ path, condition });
    found.constraints.push(...constraintsOf(path.text, direct));
    for (const [operator, operand] of direct) {
      if (operator === '$eq' || (operator === '' && operand.type !== bsonType.regex)) {
        found.equalities.push([path.text, operand]);
      }
    }
  }
  const matches: Matcher = (document) =>
    condition((test, wholeArrays) => anyValueAt(document, path, test, wholeArrays));
  if (byMingo.length === 0) return matches;
  const others = byMingo.map(([operator, operand]) => matchesByMingo({ [path.text]: { [operator]: operand } }));
  return (document) => matches(document) && others.every((passes) => passes(document));
}

/** Bit tests are left to mingo: nothing of Juice asks for them, and mingo has them right for plain numbers. */
const isForMingo = (operator: string): boolean => operator.startsWith('$bits');

/** The conditions of one field's operators; the operator '' is the bare value. */
export function compileOperators(operators: readonly (readonly [string, Raw])[]): Condition[] {
  const conditions: Condition[] = [];
  for (const [operator, operand] of operators) {
    const condition = compileOperator(operator, operand, operators);
    if (condition !== null) conditions.push(condition);
  }
  return conditions;
}

function compileOperator(
  operator: string,
  operand: Raw,
  siblings: readonly (readonly [string, Raw])[],
): Condition | null {
  switch (operator) {
    case '':
      return equalityCondition(operand);
    case '$not':
      return compileNot(operand);
    case '$elemMatch':
      return someElementCondition(compileElementMatch(operand));
    case '$all':
      return compileAll(operand);
    case '$regex':
      return regexCondition(operand, siblings.find(([name]) => name === '$options')?.[1]);
    case '$options':
    case '$comment':
      return null;
    default: {
      const condition = operatorCondition(operator, operand);
      if (condition === undefined) throw new CommandFailure(2, `unknown operator: ${operator}`);
      return condition;
    }
  }
}

function compileNot(operand: Raw): Condition {
  if (operand.type === bsonType.regex) return negated(equalityCondition(operand));
  if (!isOperatorDocument(operand)) throw new CommandFailure(2, '$not needs a regex or a document');
  return negated(every(compileOperators(fields(operand))));
}

function compileAll(operand: Raw): Condition {
  if (operand.type !== bsonType.array) throw new CommandFailure(2, '$all needs an array');
  const wanted = elements(operand).map((item) =>
    isOperatorDocument(item) ? every(compileOperators(fields(item))) : equalityCondition(item),
  );
  return wanted.length === 0 ? () => false : every(wanted);
}

/** `$elemMatch` and `$pull`: operators speak of the element itself, anything else of its fields. */
export function compileElementMatch(operand: Raw): (element: Raw) => boolean {
  if (operand.type !== bsonType.document) throw new CommandFailure(2, '$elemMatch needs an Object');
  if (isOperatorDocument(operand) && !['$and', '$or', '$nor', '$expr'].includes(fields(operand)[0]?.[0] ?? '')) {
    const condition = every(compileOperators(fields(operand)));
    return (element) => condition((test) => test(element));
  }
  const matches = compileDocument(operand, null);
  return (element) => (element.type === bsonType.document || element.type === bsonType.array) && matches(element);
}
