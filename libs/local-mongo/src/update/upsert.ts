import { ObjectId } from 'bson';
import { documentOf, findField, type Raw } from '../bson/raw.ts';
import { toRaw } from '../bson/writer.ts';
import type { Filter } from '../match/filter.ts';
import type { Update } from './compile-update.ts';
import { closedDocument, EditableDocument, moved } from './editable.ts';
import { locate, writeSlot } from './slot.ts';
import { idName, withId } from './with-id.ts';

/** The document that an upsert inserts: what the filter demands to be equal, then the update, with an `_id` in front. */
export function documentToInsert(filter: Filter, update: Update, nowMs: number): Raw {
  const seed = new EditableDocument();
  const equalities =
    update.kind === 'replacement' ? filter.equalities.filter(([path]) => path === '_id') : filter.equalities;
  for (const [path, value] of equalities) {
    const slot = locate(seed, path.split('.'), true);
    if (slot !== undefined) writeSlot(slot, moved(value));
  }
  const made = update.apply(documentOf(closedDocument(seed)), { nowMs, inserting: true });
  return documentOf(withId(documentOf(made), findField(made, 0, idName) ?? toRaw(new ObjectId())));
}

/** The document with its `_id` in front, as it is stored; makes an `_id` where there is none. */
export function documentToStore(document: Raw): Buffer {
  const id = findField(document.bytes, document.start, idName);
  if (id !== undefined && id.element === document.start + 4) return copied(document);
  return withId(document, id ?? toRaw(new ObjectId()));
}

function copied(document: Raw): Buffer {
  const bytes = Buffer.allocUnsafeSlow(document.end - document.start);
  document.bytes.copy(bytes, 0, document.start, document.end);
  return bytes;
}
