import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';

interface UnpackPlace {
  readonly sandbox: string;
  readonly path: string;
  readonly signal: AbortSignal;
}

/**
 * Unpacks an archive into the sandbox, known by the end of its name as Mesos knows it, with the machine's own tools. False
 * for a file that is none, which is left as it is. Throws, with the tool's last word, when it cannot be unpacked.
 */
export async function unpack(
  archive: { readonly file: string; readonly name: string },
  place: UnpackPlace,
): Promise<boolean> {
  const { file, name } = archive;
  if (/\.(tar|tar\.gz|tgz|tar\.bz2|tbz2|tar\.xz|txz)$/.test(name)) {
    await run(['tar', '-C', place.sandbox, '-xf', file], place);
  } else if (name.endsWith('.zip')) {
    await run(['unzip', '-o', '-q', '-d', place.sandbox, file], place);
  } else if (name.endsWith('.gz')) {
    await run(['gunzip', '-d', '-c'], place, { from: file, to: join(place.sandbox, name.slice(0, -'.gz'.length)) });
  } else return false;
  return true;
}

/** Enough for the line that says why. */
const keptBytes = 4_096;

function run(
  [tool, ...args]: readonly [string, ...string[]],
  { path, signal }: UnpackPlace,
  files?: { readonly from: string; readonly to: string },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const opened = files === undefined ? [] : [openSync(files.from, 'r'), openSync(files.to, 'w')];
    const [stdin = 'ignore', stdout = 'ignore'] = opened;
    const child = spawn(tool, args, { env: { PATH: path }, stdio: [stdin, stdout, 'pipe'], signal });
    for (const file of opened) closeSync(file);
    let said = '';
    child.stderr?.on('data', (bytes: Buffer) => (said = (said + bytes.toString()).slice(-keptBytes)));
    child.once('error', (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === 'ENOENT';
      reject(isMissing ? new Error(`to unpack it there must be '${tool}' on this machine, and there is none`) : error);
    });
    child.once('close', (status) => {
      if (status === 0) return resolve();
      const why = said.trim().split('\n').at(-1) ?? '';
      reject(new Error(`${tool} ended with status ${status}${why === '' ? '' : `: ${why}`}`));
    });
  });
}
