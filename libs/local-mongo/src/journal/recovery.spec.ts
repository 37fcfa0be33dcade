import { readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createFolder } from '../../testing/folder.ts';
import { failingWhile } from '../../testing/failing-disk.ts';
import { until } from '../../testing/until.ts';
import { Catalog, type CatalogLog } from '../collection/catalog.ts';
import { parseIndexSpec } from '../collection/index-spec.ts';
import { idOf } from '../collection/stored-document.ts';
import { toPlain } from '../bson/read.ts';
import { documentOf } from '../bson/raw.ts';
import { encodeDocument, toRaw } from '../bson/writer.ts';
import { openFile, type OpenFile } from './generation-files.ts';
import type { Journal } from './journal.ts';
import { openJournal } from './open-journal.ts';
import { capture } from './snapshot.ts';

let folder: string;
let remove: () => Promise<void>;
beforeEach(async () => {
  ({ path: folder, remove } = await createFolder());
});
afterEach(() => remove());

interface Opened {
  readonly catalog: Catalog;
  readonly journal: Journal;
}

async function open(options: { compactBytes?: number; openFile?: OpenFile; retryMs?: number } = {}): Promise<Opened> {
  const log: { current?: CatalogLog } = {};
  const catalog: Catalog = new Catalog({
    put: (id, document) => log.current?.put(id, document),
    remove: (id, key) => log.current?.remove(id, key),
    note: (change) => log.current?.note(change),
  });
  const journal = await openJournal(catalog, {
    folder,
    openFile,
    capture: () => capture(catalog),
    lingerMs: 1_000_000,
    compactBytes: 1_000_000_000,
    retryMs: 1,
    ...options,
  });
  log.current = journal;
  return { catalog, journal };
}

const insert = ({ catalog }: Opened, _id: number, more: object = {}) =>
  catalog.ensure('d.c').insert(toRaw({ _id, ...more }));
const idsIn = ({ catalog }: Opened) =>
  Array.from(catalog.find('d.c')?.documents() ?? [], ({ raw }) => toPlain(idOf(raw)));
const journalPath = (generation = 0) => join(folder, `journal-${String(generation).padStart(8, '0')}`);

/** Three frames of one document each, written safely. */
async function writeThree(): Promise<Buffer> {
  const opened = await open();
  for (const id of [1, 2, 3]) {
    insert(opened, id, { filler: 'x'.repeat(20) });
    await opened.journal.flushed();
  }
  await opened.journal.close();
  return readFile(journalPath());
}

const frameStarts = (bytes: Buffer): number[] => {
  const salt = bytes.subarray(8, 16);
  const starts: number[] = [];
  for (let at = bytes.indexOf(salt, 16); at >= 0; at = bytes.indexOf(salt, at + 1)) starts.push(at);
  return starts;
};

describe('recovery', () => {
  test('brings back documents, their order, removals, indexes and collections', async () => {
    const first = await open();
    const collection = first.catalog.ensure('d.c');
    first.catalog.createIndex(
      collection,
      parseIndexSpec(documentOf(encodeDocument({ key: { n: -1 }, name: 'n', unique: true }))),
    );
    for (const id of [3, 1, 2]) insert(first, id, { n: id });
    const stored = collection.findById(toRaw(1));
    if (stored !== undefined) collection.remove(stored);
    first.catalog.ensure('d.gone');
    const gone = first.catalog.find('d.gone');
    if (gone !== undefined) first.catalog.drop(gone);
    await first.journal.close();

    const second = await open();
    expect(idsIn(second)).toEqual([3, 2]);
    expect(second.catalog.all().map(({ namespace }) => namespace)).toEqual(['d.c']);
    expect(second.catalog.find('d.c')?.indexes.map(({ spec }) => spec.name)).toEqual(['_id_', 'n']);
    expect(() => insert(second, 9, { n: 3 })).toThrow('E11000');
    await second.journal.close();
  });

  test('drops the torn end of the last write, wherever it was torn, and goes on', async () => {
    const bytes = await writeThree();
    const [, , last = 0] = frameStarts(bytes);
    for (let length = last; length < bytes.length; length += 1) {
      await writeFile(journalPath(), bytes.subarray(0, length));
      const opened = await open();
      expect(idsIn(opened)).toEqual([1, 2]);
      insert(opened, 4);
      await opened.journal.close();
      const again = await open();
      expect(idsIn(again)).toEqual([1, 2, 4]);
      await again.journal.close();
    }
  });

  test('starts anew where not even the header was written', async () => {
    for (let length = 0; length < 28; length += 1) {
      await writeFile(journalPath(), Buffer.alloc(length));
      const opened = await open();
      expect(idsIn(opened)).toEqual([]);
      await opened.journal.close();
    }
  });

  test('refuses damage in what was safe, wherever it is', async () => {
    const bytes = await writeThree();
    const [, , last = 0] = frameStarts(bytes);
    for (let at = 0; at < last; at += 1) {
      const damaged = Buffer.from(bytes);
      damaged[at] = (damaged[at] ?? 0) ^ 0x40;
      await writeFile(journalPath(), damaged);
      await expect(open()).rejects.toMatchObject({ code: 'DATA_DAMAGED' });
    }
  });

  test('a snapshot takes the place of a grown journal, and damage in it is refused', async () => {
    const first = await open({ compactBytes: 10_000 });
    for (let id = 0; id < 100; id += 1) {
      insert(first, id, { filler: 'x'.repeat(1000) });
      await first.journal.flushed();
    }
    await first.journal.close();
    const names = (await readdir(folder)).sort();
    expect(names).toHaveLength(2);
    expect(names[0]).toMatch(/^journal-0000000[1-9]/);
    const second = await open();
    expect(idsIn(second)).toEqual(Array.from({ length: 100 }, (_, id) => id));
    await second.journal.close();
    const snapshot = join(folder, names[1] ?? '');
    const bytes = await readFile(snapshot);
    for (const length of [10, 100, bytes.length - 40, bytes.length - 1]) {
      await writeFile(snapshot, bytes);
      await truncate(snapshot, length);
      await expect(open()).rejects.toMatchObject({ code: 'DATA_DAMAGED' });
    }
    bytes[500] = (bytes[500] ?? 0) ^ 1;
    await writeFile(snapshot, bytes);
    await expect(open()).rejects.toMatchObject({ code: 'DATA_DAMAGED' });
  });

  test('a missing journal is refused', async () => {
    await writeThree();
    await writeFile(join(folder, 'snapshot-00000002'), '');
    await expect(open()).rejects.toMatchObject({ code: 'DATA_DAMAGED' });
  });
});

describe('the journal', () => {
  test('writes what many wait for at once', async () => {
    let syncs = 0;
    const counting: OpenFile = async (path, flags) => {
      const handle = await openFile(path, flags);
      const datasync = handle.datasync.bind(handle);
      return Object.assign(handle, { datasync: () => ((syncs += 1), datasync()) });
    };
    const opened = await open({ openFile: counting });
    syncs = 0;
    const waiting = Array.from({ length: 200 }, (_, id) => {
      insert(opened, id);
      return opened.journal.flushed();
    });
    await Promise.all(waiting);
    // The first goes at once, all the others while it is being written go together.
    expect(syncs).toBe(2);
    await opened.journal.close();
  });
});

describe('a disk that fails', () => {
  test('is told to those who write, and nothing is lost when it works again', async () => {
    const disk = { broken: false };
    const opener = failingWhile(() => disk.broken);
    const opened = await open({ openFile: opener });
    insert(opened, 1);
    await opened.journal.flushed();
    disk.broken = true;
    insert(opened, 2);
    await expect(opened.journal.flushed()).rejects.toMatchObject({ code: 14031 });
    expect(() => opened.journal.refuseIfBroken()).toThrow('the journal cannot be written');
    await expect(opened.journal.flushed()).rejects.toMatchObject({ code: 14031 });
    disk.broken = false;
    await until(() => !opened.journal.isBroken());
    insert(opened, 3);
    await opened.journal.flushed();
    await opened.journal.close();
    const again = await open();
    expect(idsIn(again)).toEqual([1, 2, 3]);
    await again.journal.close();
  });

  test('while a snapshot is made loses nothing either', async () => {
    const disk = { broken: false };
    const opener = failingWhile(() => disk.broken);
    const opened = await open({ openFile: opener, compactBytes: 1000 });
    for (let id = 0; id < 40; id += 1) {
      if (!opened.journal.isBroken()) insert(opened, id, { filler: 'x'.repeat(200) });
      const flushed = opened.journal.flushed();
      // Broken now and then, in the middle of whatever is being written.
      if (id % 7 === 3) disk.broken = true;
      await flushed.catch(() => undefined);
      disk.broken = false;
      await until(() => !opened.journal.isBroken());
    }
    const before = idsIn(opened);
    await opened.journal.close();
    const again = await open();
    expect(idsIn(again)).toEqual(before);
    await again.journal.close();
  });
});
