import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, normalize } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DependencyFailure } from '@juice/contracts';
import type { CommandInfoURI } from '@juice/mesos';
import { unpack } from './unpack.ts';

export interface FetchPlace {
  readonly sandbox: string;
  /** Where files with `cache` are kept; a second task finds them there. */
  readonly cacheFolder: string;
  /** Where tar, unzip and gunzip are looked for. */
  readonly path: string;
  readonly signal: AbortSignal;
}

/**
 * Puts a task's URIs into its sandbox, one after the other, as Mesos' fetcher does. Throws DependencyFailure for the first
 * that fails.
 */
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

/** What is to be run is not unpacked; what is unpacked from the cache leaves no archive in the sandbox. */
async function fetchOne(uri: CommandInfoURI, place: FetchPlace): Promise<void> {
  const { value, executable = false, extract = true, cache = false } = uri;
  const ownName = nameOf(value);
  const target = join(place.sandbox, insideSandbox(uri.output_file ?? ownName));
  await mkdir(dirname(target), { recursive: true });
  if (cache) {
    const cached = await fetchToCache(value, place);
    if (extract && !executable && (await unpack({ file: cached, name: ownName }, place))) return;
    await copyFile(cached, target);
  } else await retrieve(value, target, place.signal);
  if (executable) await chmod(target, 0o755);
  else if (extract && !cache) await unpack({ file: target, name: basename(target) }, place);
}

/** The last part of the URI as it is written: what Mesos takes for a file's name, a query and its signs included. */
function nameOf(uri: string): string {
  if (/['\\]/.test(uri) || uri.includes('\0')) throw new Error('Illegal characters in URI');
  const [, path] = /^[^/]+:\/\/[^/]*(.*)$/s.exec(uri) ?? [];
  if (path !== undefined && path.length < 2) throw new Error('Malformed URI (missing path)');
  return (path ?? uri).slice((path ?? uri).lastIndexOf('/') + 1);
}

function insideSandbox(name: string): string {
  const normal = normalize(name);
  if (name === '' || isAbsolute(normal) || normal === '..' || normal.startsWith('../') || normal === '.') {
    throw new Error(`'${name}' is no file name inside the sandbox`);
  }
  return normal;
}

async function retrieve(uri: string, target: string, signal: AbortSignal): Promise<void> {
  const path = localPath(uri);
  if (path !== null) return copyFile(path, target);
  const url = new URL(uri);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') throw new Error(`no fetcher for '${url.protocol}'`);
  const response = await fetch(url, { signal });
  if (response.status !== 200 || response.body === null) throw new Error(`answered ${response.status}`);
  await pipeline(Readable.fromWeb(response.body), createWriteStream(target), { signal });
}

/** A path of this machine, as it is written; null for what is fetched from elsewhere. */
function localPath(uri: string): string | null {
  if (uri.includes('://') && !uri.startsWith('file://')) return null;
  const path = uri.replace(/^file:\/\/(?:localhost)?/, '');
  if (!path.startsWith('/')) throw new Error('a path must be absolute');
  return path;
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
