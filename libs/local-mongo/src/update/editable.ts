import { ByteWriter } from '../bson/writer.ts';
import { bsonType, elements, nameOf, Raw } from '../bson/raw.ts';
import { isContainer } from '../bson/read.ts';

/**
 * A document opened for change, one level at a time: only what an update touches is taken apart, the rest stays the bytes
 * it was and is copied as such. So no value ever changes its type by being near an update.
 */
export type Node = Raw | EditableDocument | EditableArray;

export class EditableDocument {
  readonly fields = new Map<string, Node>();
  static of(document: Raw): EditableDocument {
    const editable = new EditableDocument();
    for (const value of elements(document)) editable.fields.set(nameOf(value), value);
    return editable;
  }
}

export class EditableArray {
  readonly items: Node[];
  constructor(items: Node[]) {
    this.items = items;
  }
}

/** A document or array opened, a scalar as it is. */
export function opened(node: Node): Node {
  if (!(node instanceof Raw)) return node;
  if (node.type === bsonType.document) return EditableDocument.of(node);
  return node.type === bsonType.array ? new EditableArray(elements(node)) : node;
}

export function nodeType(node: Node): number {
  if (node instanceof Raw) return node.type;
  return node instanceof EditableArray ? bsonType.array : bsonType.document;
}

export const isArrayNode = (node: Node): boolean => nodeType(node) === bsonType.array;

/** The node as one value again. */
export function closed(node: Node): Raw {
  if (node instanceof Raw) return node;
  const writer = new ByteWriter(256);
  writeNode(writer, node);
  const bytes = writer.finished();
  return new Raw(nodeType(node), bytes, 0, bytes.length);
}

// One, reused: writing a document never waits, so no two are ever written at once.
const scratch = new ByteWriter(64 * 1024);

/** The document as bytes of its own, exactly as long as it is. */
export function closedDocument(document: EditableDocument): Buffer {
  scratch.length = 0;
  writeNode(scratch, document);
  return scratch.taken();
}

function writeNode(writer: ByteWriter, node: Exclude<Node, Raw>): void {
  const start = writer.open();
  if (node instanceof EditableArray) writeItems(writer, node.items);
  else writeFields(writer, node.fields);
  writer.close(start);
}

/** Untouched neighbours lie side by side in the old document and are copied in one go, names and all. */
function writeFields(writer: ByteWriter, fields: ReadonlyMap<string, Node>): void {
  let run: Raw | undefined;
  let runEnd = 0;
  const flush = () => {
    if (run !== undefined) writer.copy(run.bytes, run.element, runEnd);
    run = undefined;
  };
  for (const [name, node] of fields) {
    if (node instanceof Raw && node.element >= 0) {
      if (run === undefined || run.bytes !== node.bytes || runEnd !== node.element) {
        flush();
        run = node;
      }
      runEnd = node.end;
    } else {
      flush();
      writeNamed(writer, name, node);
    }
  }
  flush();
}

function writeItems(writer: ByteWriter, items: readonly Node[]): void {
  items.forEach((item, index) => writeNamed(writer, String(index), item));
}

function writeNamed(writer: ByteWriter, name: string, node: Node): void {
  writer.byte(nodeType(node));
  writer.cString(name);
  if (node instanceof Raw) writer.copy(node.bytes, node.start, node.end);
  else writeNode(writer, node);
}

/** The value without its place of origin: what is put under another name must not be copied with its old one. */
export function moved(value: Raw): Raw {
  return value.element < 0 ? value : new Raw(value.type, value.bytes, value.start, value.end);
}

export const isContainerNode = (node: Node): boolean => isContainer(nodeType(node));
