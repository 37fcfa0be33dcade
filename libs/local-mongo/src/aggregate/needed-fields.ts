import { fields, type Raw } from '../bson/raw.ts';
import { plainDocument, toPlain } from '../bson/read.ts';

/**
 * How to decode the documents that go into a stage. A $group sees only the fields that it names, so only those are decoded:
 * task documents are large and what is counted of them is small.
 */
export function neededFields(stage: {
  readonly operator: string;
  readonly operand: Raw;
}): (document: Raw) => Record<string, unknown> {
  const names = new Set<string>();
  if (stage.operator !== '$group' || !collectNames(toPlain(stage.operand), names)) return plainDocument;
  return (document) => {
    const plain: Record<string, unknown> = {};
    for (const [name, value] of fields(document)) if (names.has(name)) plain[name] = toPlain(value);
    return plain;
  };
}

/** The top-level fields that an expression names; false when it may see the whole document ($$ROOT). */
function collectNames(expression: unknown, names: Set<string>): boolean {
  if (typeof expression === 'string') {
    if (expression.startsWith('$$')) return expression === '$$NOW' || expression === '$$REMOVE';
    if (expression.startsWith('$')) names.add(expression.slice(1).split('.')[0] as string);
    return true;
  }
  if (typeof expression !== 'object' || expression === null) return true;
  return Object.values(expression).every((part) => collectNames(part, names));
}
