import { CommandFailure } from '../command-failure.ts';
import { equalValues } from '../bson/compare.ts';
import { maxDepth } from '../bson/check.ts';
import { parsePath } from '../bson/path.ts';
import { bsonType, elements, fields, findField, type Raw } from '../bson/raw.ts';
import { readString } from '../bson/read.ts';
import type { Filter } from '../match/filter.ts';
import { describe } from './describe.ts';
import { closed, closedDocument, EditableDocument, moved } from './editable.ts';
import { compileArrayFilters, expandPath, type ArrayFilters } from './positional-path.ts';
import { compileModifier, type Modifier, type UpdateContext } from './modifier.ts';
import { compilePipelineUpdate } from './pipeline-update.ts';
import { idName, withId } from './with-id.ts';
import { clearSlot, locate, readSlot, writeSlot } from './slot.ts';

/** A change to a document, ready to be made any number of times. */
export interface Update {
  /** The changed document as new bytes, `_id` as it was. Throws CommandFailure where the change is not possible. */
  readonly apply: (document: Raw, context: UpdateContext) => Buffer;
  /** Top-level fields that it may change, null for all: indexes on others need no look. */
  readonly touches: ReadonlySet<string> | null;
  readonly kind: 'operators' | 'replacement' | 'pipeline';
}

interface Rename {
  readonly from: readonly string[];
  readonly to: readonly string[];
}

interface Step {
  readonly operator: string;
  readonly parts: readonly string[];
  readonly modifier: Modifier;
}

/** `filter` is the one that found the document: it says which element `$` means. */
export function compileUpdate(update: Raw, filter: Filter, arrayFilters: readonly Raw[] = []): Update {
  if (update.type === bsonType.array) return compilePipelineUpdate(elements(update));
  if (update.type !== bsonType.document) {
    throw new CommandFailure(9, 'Update argument must be either an object or an array');
  }
  const operators = fields(update);
  if (operators.length === 0 || !(operators[0]?.[0] ?? '').startsWith('$')) return compileReplacement(update);
  return compileOperators(operators, filter, compileArrayFilters(arrayFilters));
}

function compileReplacement(replacement: Raw): Update {
  const dollar = fields(replacement).find(([name]) => name.startsWith('$'));
  if (dollar !== undefined) {
    throw new CommandFailure(
      52,
      `The dollar ($) prefixed field '${dollar[0]}' in '${dollar[0]}' is not allowed in the context of an update's replacement document. Consider using an aggregation pipeline with $replaceWith.`,
    );
  }
  return {
    kind: 'replacement',
    touches: null,
    apply: (document) => {
      const id = findField(document.bytes, document.start, idName);
      const given = findField(replacement.bytes, replacement.start, idName);
      if (id !== undefined && given !== undefined && !equalValues(id, given)) {
        throw new CommandFailure(
          66,
          `the (immutable) field '_id' was found to have been altered to _id: ${describe(given)}`,
        );
      }
      return withId(replacement, id);
    },
  };
}

function compileOperators(operators: [string, Raw][], filter: Filter, arrayFilters: ArrayFilters): Update {
  const renames = operators.flatMap(([operator, operand]) => (operator === '$rename' ? compileRename(operand) : []));
  const steps = operators.flatMap(([operator, operand]) =>
    operator === '$rename' ? [] : compileSteps(operator, operand),
  );
  steps.sort((a, b) => comparePaths(a.parts, b.parts));
  const written = [...steps.map(({ parts }) => parts), ...renames.flatMap(({ from, to }) => [from, to])];
  refuseConflicts(renames.length === 0 ? written : written.sort(comparePaths));
  const isPositional = steps.some(({ parts }) => parts.some((part) => part.startsWith('$')));
  return {
    kind: 'operators',
    touches: new Set(written.map((parts) => parts[0] as string)),
    apply: (document, context) => {
      const editable = EditableDocument.of(document);
      for (const rename of renames) applyRename(editable, rename);
      for (const step of steps) {
        const paths = isPositional ? expandPath(step.parts, { document, filter, arrayFilters }) : [step.parts];
        for (const parts of paths) applyStep(editable, parts, step, context);
      }
      return closedDocument(editable);
    },
  };
}

function compileSteps(operator: string, operand: Raw): Step[] {
  if (operand.type !== bsonType.document) {
    throw new CommandFailure(
      9,
      `Modifiers operate on fields but we found another type for ${operator}. For example: {$mod: {<field>: ...}}`,
    );
  }
  return fields(operand).map(([path, value]) => {
    const modifier = compileModifier(operator, path, value);
    if (modifier === undefined) throw unknownModifier(operator);
    return { operator, parts: partsOf(path), modifier };
  });
}

const unknownModifier = (operator: string) =>
  new CommandFailure(
    9,
    `Unknown modifier: ${operator}. Expected a valid update modifier or pipeline-style update specified as an array`,
  );

function partsOf(path: string): readonly string[] {
  const { parts } = parsePath(path);
  if (parts.length > maxDepth) throw new CommandFailure(15, `The update path has more than ${maxDepth} parts`);
  if (path === '') throw new CommandFailure(56, 'An empty update path is not valid.');
  if (parts.includes('')) {
    throw new CommandFailure(56, `The update path '${path}' contains an empty field name, which is not allowed.`);
  }
  return parts;
}

/** mongod applies modifiers by the order of their paths, which shows in the order of new fields. */
function comparePaths(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < a.length && i < b.length; i += 1) {
    const [left, right] = [a[i] as string, b[i] as string];
    if (left !== right) return left < right ? -1 : 1;
  }
  return a.length - b.length;
}

/** Sorted by path, one that is a beginning of another comes right before the first of those. */
function refuseConflicts(paths: readonly (readonly string[])[]): void {
  for (let i = 1; i < paths.length; i += 1) {
    const before = paths[i - 1] as readonly string[];
    const parts = paths[i] as readonly string[];
    if (before.every((part, depth) => part === parts[depth])) {
      const path = parts.join('.');
      throw new CommandFailure(40, `Updating the path '${path}' would create a conflict at '${before.join('.')}'`);
    }
  }
}

function applyStep(editable: EditableDocument, parts: readonly string[], step: Step, context: UpdateContext): void {
  if (step.operator === '$setOnInsert' && !context.inserting) return;
  const { creates, change } = step.modifier;
  const slot = locate(editable, parts, creates);
  if (slot === undefined) return;
  const current = readSlot(slot);
  if (current === undefined && !creates) return;
  const changed = change(current, context);
  if (changed === undefined) clearSlot(slot);
  else if (changed !== current) writeSlot(slot, changed);
}

function compileRename(operand: Raw): Rename[] {
  return fields(operand).map(([from, to]) => {
    if (to.type !== bsonType.string)
      throw new CommandFailure(2, `The 'to' field for $rename must be a string: ${from}`);
    return { from: partsOf(from), to: partsOf(readString(to)) };
  });
}

function applyRename(editable: EditableDocument, { from, to }: Rename): void {
  const source = locate(editable, from, false);
  const value = source === undefined ? undefined : readSlot(source);
  if (source === undefined || value === undefined) return;
  clearSlot(source);
  const target = locate(editable, to, true);
  if (target !== undefined) writeSlot(target, moved(closed(value)));
}
