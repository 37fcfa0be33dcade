import { createReadStream, type ReadStream, type Stats } from 'node:fs';
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { basename, dirname, join, normalize, sep } from 'node:path';

/**
 * The sandboxes as an agent serves them, under `/frameworks/<framework>/executors/<task>/runs/<latest or container>/…`.
 * Whatever a path says, and wherever links in it lead: nothing outside the task's own runs is ever served.
 */
export type FilesAnswer =
  | { readonly kind: 'text'; readonly status: number; readonly body: string }
  | { readonly kind: 'json'; readonly body: Buffer }
  | { readonly kind: 'file'; readonly name: string; readonly size: number; readonly content: ReadStream };

/** One answer's worth of a file, as in Mesos: 16 pages. */
const maxReadBytes = 16 * 4096;

const notFound: FilesAnswer = { kind: 'text', status: 404, body: '' };
const bad = (body: string): FilesAnswer => ({ kind: 'text', status: 400, body });

/**
 * The real path behind a virtual one, or null. A task may have put links anywhere in its sandbox, and even in place of
 * folders above it; so the folder of its runs must be where it was made, and the file below the run that is asked for.
 */
async function resolveFile(agentFolder: string, path: string): Promise<string | null> {
  if (path.split('/').includes('..')) return null;
  const parts = normalize(`/${path}`).split('/').slice(1);
  const [frameworks, frameworkId = '', executors, taskId = '', runs, run = ''] = parts;
  if (frameworks !== 'frameworks' || executors !== 'executors' || runs !== 'runs') return null;
  if (frameworkId === '' || taskId === '' || run === '' || path.includes('\0')) return null;
  try {
    const made = join(await realpath(agentFolder), ...parts.slice(0, 5));
    const sandbox = await realpath(join(made, run));
    const real = await realpath(join(made, ...parts.slice(5)));
    const isRun = dirname(sandbox) === made && (await stat(sandbox)).isDirectory();
    return isRun && (real === sandbox || real.startsWith(sandbox + sep)) ? real : null;
  } catch {
    return null;
  }
}

export async function browse(agentFolder: string, path: string): Promise<FilesAnswer> {
  const folder = await resolveFile(agentFolder, path);
  if (folder === null) return notFound;
  if (!(await stat(folder)).isDirectory()) return bad(`Cannot browse '${path}': not a directory.\n`);
  const names = (await readdir(folder)).sort();
  const entries = await Promise.all(
    names.map((name) => describeFile(join(folder, name), `${path.replace(/\/$/, '')}/${name}`)),
  );
  return { kind: 'json', body: Buffer.from(JSON.stringify(entries.filter((entry) => entry !== null))) };
}

async function describeFile(file: string, path: string): Promise<unknown> {
  // A file may vanish while the folder is listed.
  const found = await lstat(file).catch(() => null);
  if (found === null) return null;
  const { uid, gid, mtimeMs, nlink, size } = found;
  return {
    gid: nameOf(gid, 'gid'),
    mode: modeText(found),
    mtime: Math.floor(mtimeMs / 1000),
    nlink,
    path,
    size,
    uid: nameOf(uid, 'uid'),
  };
}

/** Names are known for this process's own user; other ids are shown as numbers. */
function nameOf(id: number, kind: 'uid' | 'gid'): string {
  const own = userInfo();
  return own[kind] === id ? own.username : String(id);
}

function modeText(stats: Stats): string {
  const type = stats.isDirectory() ? 'd' : stats.isSymbolicLink() ? 'l' : '-';
  const bits = [...'rwxrwxrwx'].map((letter, index) => ((stats.mode >> (8 - index)) & 1 ? letter : '-'));
  return type + bits.join('');
}

export async function read(
  agentFolder: string,
  asked: { readonly path: string; readonly offset: string | null; readonly length: string | null },
): Promise<FilesAnswer> {
  const offset = Number(asked.offset ?? -1);
  const length = Number(asked.length ?? -1);
  if (!Number.isSafeInteger(offset))
    return bad(`Failed to parse offset: Failed to convert '${asked.offset}' to number.\n`);
  if (!Number.isSafeInteger(length))
    return bad(`Failed to parse length: Failed to convert '${asked.length}' to number.\n`);
  if (offset < -1) return bad(`Negative offset provided: ${offset}.\n`);
  if (length < -1) return bad(`Negative length provided: ${length}.\n`);
  const file = await resolveFile(agentFolder, asked.path);
  if (file === null) return notFound;
  const stats = await stat(file);
  if (stats.isDirectory()) return bad('Cannot read a directory.\n');
  const { size } = stats;
  if (offset === -1 || offset >= size) return readAnswer(Buffer.alloc(0), size);
  const wanted = Math.min(length === -1 ? maxReadBytes : length, maxReadBytes, size - offset);
  return readAnswer(await readPiece(file, offset, wanted), offset);
}

async function readPiece(file: string, offset: number, length: number): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(length), 0, length, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** The bytes go out as they are, even where they are no UTF-8 or half a character: offsets must stay true. */
function readAnswer(data: Buffer, offset: number): FilesAnswer {
  // eslint-disable-next-line no-control-regex -- control characters are what must be escaped
  const text = data.toString('latin1').replace(/["\\\x00-\x1f\x7f]/g, (char) => {
    return short[char] ?? `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
  return { kind: 'json', body: Buffer.from(`{"data":"${text}","offset":${offset}}`, 'latin1') };
}

const short: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

export async function download(agentFolder: string, path: string): Promise<FilesAnswer> {
  const file = await resolveFile(agentFolder, path);
  if (file === null) return notFound;
  const stats = await stat(file);
  if (stats.isDirectory()) return bad('Cannot download a directory.\n');
  // A file that grows meanwhile is sent as long as it was.
  const content = createReadStream(file, { end: Math.max(0, stats.size - 1) });
  return { kind: 'file', name: basename(file), size: stats.size, content };
}
