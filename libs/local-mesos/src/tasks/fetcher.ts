import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, normalize } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { DependencyFailure } from '@juice/contracts';
import type { CommandInfoURI } from '@juice/mesos';

export interface FetchPlace {
  readonly sandbox: string;
  /** Where files with `cache` are kept; a second task finds them there. */
  readonly cacheFolder: string;
  /** For tar, unzip and gzip. */
  readonly path: string;
  readonly signal: AbortSignal;
}

/** Puts a task's URIs into its sandbox, one after the other. Throws DependencyFailure for the first that fails. */
export async function fetchAll(uris: readonly CommandInfoURI[], place: FetchPlace): Promise<void> {
  for (const uri of uris) {
    try {
      await fetchOne(uri, place);
    } catch (cause: unknown) {
      const detail = `${uri.value}: ${cause instanceof Error ? cause.message : String(cause)}`;
      throw new DependencyFailure({ dependency: 'uri', operation: 'fetch', retryable: true, detail, cause });
    }
  }
}

async function fetchOne(uri: CommandInfoURI, place: FetchPlace): Promise<void> {
  const target = join(place.sandbox, targetName(uri));
  await mkdir(dirname(target), { recursive: true });
  if (uri.cache === true) await copyFile(await fetchToCache(uri.value, place), target);
  else await retrieve(uri.value, target, place.signal);
  if (uri.executable === true) return chmod(target, 0o755);
  if (uri.extract === false) return;
  const unpack = unpacker(target, place.sandbox);
  if (unpack !== null) await runTool(unpack, place);
}

/** `output_file`, or the last part of the URI's path. Never a way out of the sandbox. */
function targetName({ value, output_file: output }: CommandInfoURI): string {
  const name = output ?? basename(isUrl(value) ? decodeURIComponent(new URL(value).pathname) : value);
  const normal = normalize(name);
  if (name === '' || isAbsolute(normal) || normal === '..' || normal.startsWith('../') || normal === '.') {
    throw new Error(`'${name}' is no file name inside the sandbox`);
  }
  return normal;
}

function isUrl(value: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(value);
}

async function retrieve(uri: string, target: string, signal: AbortSignal): Promise<void> {
  if (!isUrl(uri)) {
    if (!isAbsolute(uri)) throw new Error('a path must be absolute');
    return copyFile(uri, target);
  }
  const url = new URL(uri);
  if (url.protocol === 'file:') return copyFile(fileURLToPath(url), target);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error(`no fetcher for '${url.protocol}'`);
  const response = await fetch(url, { signal });
  if (!response.ok || response.body === null) throw new Error(`answered ${response.status}`);
  await pipeline(Readable.fromWeb(response.body), createWriteStream(target), { signal });
}

/** Two tasks that fetch the same at once may both download it; each whole file is moved into place. */
async function fetchToCache(uri: string, { cacheFolder, signal }: FetchPlace): Promise<string> {
  const cached = join(cacheFolder, createHash('sha256').update(uri).digest('hex'));
  if ((await stat(cached).catch(() => null)) !== null) return cached;
  await mkdir(cacheFolder, { recursive: true });
  const half = `${cached}.${process.pid}.${process.hrtime.bigint()}`;
  try {
    await retrieve(uri, half, signal);
    await rename(half, cached);
  } finally {
    await rm(half, { force: true });
  }
  return cached;
}

/** How Mesos unpacks, by the end of the name; null for a file that is left as it is. */
function unpacker(file: string, sandbox: string): readonly [string, ...string[]] | null {
  if (/\.(tar|tar\.gz|tgz|tar\.bz2|tbz2|tar\.xz|txz)$/.test(file)) return ['tar', '-C', sandbox, '-xf', file];
  if (file.endsWith('.gz')) return ['gzip', '-dkf', file];
  if (file.endsWith('.zip')) return ['unzip', '-o', '-q', '-d', sandbox, file];
  return null;
}

function runTool([tool, ...args]: readonly [string, ...string[]], { path, signal }: FetchPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(tool, args, { env: { PATH: path }, stdio: 'ignore', signal });
    child.once('error', reject);
    child.once('exit', (status) => {
      if (status === 0) resolve();
      else reject(new Error(`${tool} ended with status ${status}`));
    });
  });
}
