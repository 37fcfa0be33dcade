import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A standalone Juice in a process of its own. */
export interface StandaloneProcess {
  readonly url: string;
  readonly pid: number;
  /** Sends a signal and resolves with the exit code (null: ended by the signal) when the process is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
}

const readyLine = /^juice ready on (http:\S+)$/;
const startMs = 60_000;

/**
 * Starts the built bundle on a free port and resolves when it says that it is ready. What it prints goes to
 * `standalone.log` in its data folder. Rejects with its last lines when it ends before.
 */
export async function startStandalone(options: {
  /** dist/apps/standalone/main.js of the workspace. */
  bundle: string;
  dataDir: string;
  /** Added to PATH and HOME, which are all it has of ours. */
  env?: Readonly<Record<string, string>>;
  inherited: Readonly<Record<string, string | undefined>>;
}): Promise<StandaloneProcess> {
  const { bundle, dataDir, env = {}, inherited } = options;
  const log = createWriteStream(join(dataDir, 'standalone.log'), { flags: 'a' });
  const child = spawn(process.execPath, ['--enable-source-maps', bundle], {
    env: { PATH: inherited['PATH'], HOME: inherited['HOME'], JUICE_PORT: '0', JUICE_DATA_DIR: dataDir, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stderr.pipe(log, { end: false });
  child.stdout.pipe(log, { end: false });
  const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const lastLines: string[] = [];

  const url = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`not ready after ${startMs} ms:\n${lastLines.join('\n')}`)),
      startMs,
    );
    void gone.then((code) => reject(new Error(`ended with ${code} before it was ready:\n${lastLines.join('\n')}`)));
    for (const stream of [child.stdout, child.stderr]) {
      createInterface(stream).on('line', (line) => {
        lastLines.push(line);
        if (lastLines.length > 40) lastLines.shift();
        const ready = readyLine.exec(line)?.[1];
        if (ready === undefined) return;
        clearTimeout(late);
        resolve(ready);
      });
    }
  });
  return {
    url,
    pid: child.pid ?? 0,
    end(signal) {
      child.kill(signal);
      return gone;
    },
  };
}
