import type { Raw } from '../bson/raw.ts';
import { closed, closedDocument, EditableDocument, moved } from './editable.ts';

export const idName = Buffer.from('_id');

/** `document` with this `_id` (or its own, if undefined), which comes first. */
export function withId(document: Raw, id: Raw | undefined): Buffer {
  const written = new EditableDocument();
  const own = EditableDocument.of(document);
  const first = id ?? own.fields.get('_id');
  if (first !== undefined) written.fields.set('_id', moved(closed(first)));
  for (const [name, node] of own.fields) if (name !== '_id') written.fields.set(name, node);
  return closedDocument(written);
}
