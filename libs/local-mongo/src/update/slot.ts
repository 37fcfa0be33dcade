import { CommandFailure } from '../command-failure.ts';
import { positionOf } from '../bson/path.ts';
import { toRaw } from '../bson/writer.ts';
import { closed, EditableArray, EditableDocument, opened, type Node } from './editable.ts';
import { describe } from './describe.ts';

/** The place at the end of a path: a field of a document or a position in an array. */
export interface Slot {
  readonly parent: EditableDocument | EditableArray;
  readonly name: string;
  readonly position: number;
}

/** mongod pads an array with nulls up to a position, within this limit. */
const maxPadding = 1_500_000;

/**
 * The slot that `parts` lead to. With `create`, missing documents on the way are made and a path that cannot be made is
 * CommandFailure(28); without, undefined says that there is no such place.
 */
export function locate(root: EditableDocument, parts: readonly string[], create: boolean): Slot | undefined {
  let parent: EditableDocument | EditableArray = root;
  for (let depth = 0; depth < parts.length - 1; depth += 1) {
    const slot = slotIn(parent, parts, depth, create);
    if (slot === undefined) return undefined;
    const existing = readSlot(slot);
    if (existing === undefined && !create) return undefined;
    const child: Node = existing === undefined ? new EditableDocument() : opened(existing);
    if (!(child instanceof EditableDocument || child instanceof EditableArray)) {
      if (!create) return undefined;
      throw notViable(parts[depth + 1] as string, parts[depth] as string, child);
    }
    if (child !== existing) writeSlot(slot, child);
    parent = child;
  }
  return slotIn(parent, parts, parts.length - 1, create);
}

function slotIn(
  parent: EditableDocument | EditableArray,
  parts: readonly string[],
  depth: number,
  create: boolean,
): Slot | undefined {
  const name = parts[depth] as string;
  if (parent instanceof EditableDocument) return { parent, name, position: -1 };
  const position = positionOf(name);
  if (position >= 0) return { parent, name, position };
  if (create) throw notViable(name, parts[depth - 1] ?? '', parent);
  return undefined;
}

function notViable(name: string, within: string, node: Node): CommandFailure {
  return new CommandFailure(28, `Cannot create field '${name}' in element {${within}: ${describe(closed(node))}}`);
}

export function readSlot(slot: Slot): Node | undefined {
  return slot.parent instanceof EditableDocument ? slot.parent.fields.get(slot.name) : slot.parent.items[slot.position];
}

export function writeSlot(slot: Slot, node: Node): void {
  if (slot.parent instanceof EditableDocument) {
    slot.parent.fields.set(slot.name, node);
    return;
  }
  const { items } = slot.parent;
  if (slot.position - items.length > maxPadding) {
    throw new CommandFailure(2, `can't backfill more than ${maxPadding} elements`);
  }
  while (items.length < slot.position) items.push(toRaw(null));
  items[slot.position] = node;
}

/** Removes a field; an array keeps its length and gets a null. */
export function clearSlot(slot: Slot): void {
  if (slot.parent instanceof EditableDocument) slot.parent.fields.delete(slot.name);
  else if (slot.position < slot.parent.items.length) slot.parent.items[slot.position] = toRaw(null);
}
