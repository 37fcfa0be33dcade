import { randomUUID } from 'node:crypto';
import { link, readFile, readlink, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/** The folder belongs to another process. */
export class FolderInUseError extends Error {
  readonly code = 'FOLDER_IN_USE';
}

/** Who holds a folder. A pid alone says little: it is used again, and means another process elsewhere. */
interface Holder {
  readonly pid: number;
  /** When the process was started, in the system's own terms; '' where the system does not tell. */
  readonly startedAt: string;
  /** Host, boot and pid namespace: within one of these a pid can be looked up. */
  readonly place: string;
  readonly token: string;
}

/** The holder renews the lock's time this often; one from elsewhere that is older than `abandonedMs` was left behind. */
const renewMs = 3_000;
const abandonedMs = 15_000;

export interface FolderLock {
  readonly release: () => Promise<void>;
}

/**
 * Takes the folder for this process. Throws FolderInUseError naming the holder's pid when another one (or this one, already)
 * has it. What a dead process left is taken over: at once when its death can be seen, else when it is no longer renewed.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, 'lock');
  const own: Holder = { ...(await describeProcess(process.pid)), token: randomUUID() };
  const draft = join(folder, `lock.${own.token}`);
  await writeFile(draft, JSON.stringify(own), { mode: 0o600 });
  try {
    // link() makes the lock with its content in one step, and not if there is one.
    while (!(await isLinked(draft, path))) await clearStale(path, folder, own);
  } finally {
    await rm(draft, { force: true });
  }
  const renewal = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), renewMs);
  renewal.unref();
  return {
    async release() {
      clearInterval(renewal);
      if ((await readHolder(path))?.token === own.token) await rm(path, { force: true });
    },
  };
}

async function isLinked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Moves a stale lock out of the way. Two that find it stale must not remove each other's new one: it is looked at again. */
async function clearStale(path: string, folder: string, own: Holder): Promise<void> {
  const holder = await readHolder(path);
  if (holder === undefined) return;
  if (await isHeld(holder, path, own)) {
    throw new FolderInUseError(
      holder.token === own.token || isSameProcess(holder, own)
        ? `${folder} is in use by this process (pid ${own.pid}) already`
        : `${folder} is in use by the process with pid ${holder.pid} (${holder.place.split(' ')[0]})`,
    );
  }
  const aside = join(folder, `lock.stale.${own.token}`);
  await rename(path, aside).catch(ignoreMissing);
  const moved = await readHolder(aside);
  if (moved !== undefined && moved.token !== holder.token) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Holder;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    // Not ours, or written by a disk that lost it: nobody can be asked whether they hold it.
    if (error instanceof SyntaxError) return { pid: 0, startedAt: '', place: '', token: '' };
    throw error;
  }
}

const isSameProcess = (a: Holder, b: Holder): boolean =>
  a.pid === b.pid && a.startedAt === b.startedAt && a.place === b.place;

async function isHeld(holder: Holder, path: string, own: Holder): Promise<boolean> {
  // A worker thread of this process may have ended without letting go; a process elsewhere cannot be looked up.
  if (holder.place !== own.place || isSameProcess(holder, own)) return isRenewed(path);
  if (!isAlive(holder.pid)) return false;
  const { startedAt } = await describeProcess(holder.pid);
  return startedAt === holder.startedAt;
}

async function isRenewed(path: string): Promise<boolean> {
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: 0 }));
  return Date.now() - mtimeMs < abandonedMs;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

async function describeProcess(pid: number): Promise<Omit<Holder, 'token'>> {
  const stats = await readText(`/proc/${pid}/stat`);
  // The name in parentheses may hold anything; the fields after it are counted. The 20th of those is the start time.
  const startedAt = stats.slice(stats.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  const boot = (await readText('/proc/sys/kernel/random/boot_id')).trim();
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  return { pid, startedAt, place: `${hostname()} ${boot} ${namespace}` };
}

const readText = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '');

const codeOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;

function ignoreMissing(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}
