import { join } from 'node:path';
import type { Catalog } from '../collection/catalog.ts';
import { createFile, fileName, removeOlder, type JournalFile } from './generation-files.ts';
import { Journal, type JournalOptions } from './journal.ts';
import { recover, type Recovered } from './recover.ts';
import { listGenerations } from './generation-files.ts';

/**
 * Recovers what the folder holds into the empty catalog and opens its journal to go on. The folder must be locked. Throws
 * DataDamagedError when what had been safe cannot be read.
 */
export async function openJournal(catalog: Catalog, options: JournalOptions): Promise<Journal> {
  const { folder } = options;
  const recovered = await recover(folder, catalog);
  const { snapshot } = await listGenerations(folder);
  await removeOlder(folder, snapshot ?? 0);
  return new Journal(options, await resume(recovered, options), recovered);
}

async function resume(
  { end, generation, before }: Recovered,
  { folder, openFile }: JournalOptions,
): Promise<JournalFile> {
  const name = fileName('journal', generation);
  if (end.header === undefined) return createFile({ folder, name, kind: 'journal', before }, openFile);
  const handle = await openFile(join(folder, name), 'r+');
  if (end.tail) {
    await handle.truncate(end.goodBytes);
    await handle.datasync();
  }
  return { handle, salt: end.header.salt, size: end.goodBytes };
}
