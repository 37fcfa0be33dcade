import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A part of Juice in a process of its own. */
export interface JuiceProcess {
  /** The api's address (standalone, api), or where its health is served (scheduler, callback). */
  readonly url: string;
  readonly pid: number;
  /** Sends a signal and resolves with the exit code (null: ended by the signal) when the process is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null>;
  /** Stops it where it is (SIGSTOP), or lets it go on. */
  pause(): void;
  resume(): void;
  readonly gone: Promise<number | null>;
}

export interface ProcessOptions {
  /** The folder of the built bundles: `dist/apps` of the workspace. */
  readonly bundles: string;
  /** Where what it prints is kept, as `<name>.log`. */
  readonly logDir: string;
  /** Added to PATH and HOME, which are all it has of ours. */
  readonly env?: Readonly<Record<string, string>>;
  readonly inherited: Readonly<Record<string, string | undefined>>;
  /** When one that is not ready is given up and ended; a minute when left out. */
  readonly giveUpMs?: number;
  /** Gives it up sooner. */
  readonly giveUp?: AbortSignal;
}

const usualGiveUpMs = 60_000;
const keptLines = 40;

/** Starts standalone on a free port; resolves when it says that it is ready. */
export function startStandalone(options: Omit<ProcessOptions, 'logDir'> & { dataDir: string }): Promise<JuiceProcess> {
  const { dataDir, env = {} } = options;
  const own = { JUICE_PORT: '0', JUICE_DATA_DIR: dataDir, ...env };
  return startProcess('standalone', { ...options, logDir: dataDir, env: own }, (line) => {
    return /^juice ready on (http:\S+)$/.exec(line)?.[1];
  });
}

/** Starts one service on free ports; resolves when it has connected to what it needs. */
export function startService(
  service: 'api' | 'scheduler' | 'callback',
  name: string,
  options: ProcessOptions,
): Promise<JuiceProcess> {
  const env = { JUICE_PORT: '0', JUICE_HEALTH_PORT: '0', ...options.env };
  return startProcess(service, { ...options, env, name }, (line) => {
    if (!line.includes('"service.started"')) return undefined;
    const started = JSON.parse(line) as { url?: string; health?: string };
    return started.url ?? started.health;
  });
}

/** As npm's scripts and the image start the services. */
const startedWith = ['--enable-source-maps', '--max-semi-space-size=64'];

/** Rejects with its last lines when it ends before it is ready. */
async function startProcess(
  app: string,
  options: ProcessOptions & { name?: string },
  readyUrl: (line: string) => string | undefined,
): Promise<JuiceProcess> {
  const { bundles, logDir, env = {}, inherited, name = app, giveUpMs = usualGiveUpMs } = options;
  const log = createWriteStream(join(logDir, `${name}.log`), { flags: 'a' });
  const child = spawn(process.execPath, [...startedWith, join(bundles, app, 'main.js')], {
    env: { PATH: inherited['PATH'], HOME: inherited['HOME'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const lastLines: string[] = [];

  const url = await new Promise<string>((resolve, reject) => {
    const endUnready = (after: string): void => {
      child.kill('SIGKILL');
      reject(new Error(`${name} is not ready after ${after}:\n${lastLines.join('\n')}`));
    };
    const late = setTimeout(endUnready, giveUpMs, `${giveUpMs} ms`);
    options.giveUp?.addEventListener('abort', () => endUnready('what was waited for'));
    void gone.then((code) => {
      clearTimeout(late);
      reject(new Error(`${name} ended with ${code} before it was ready:\n${lastLines.join('\n')}`));
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream.pipe(log, { end: false });
      createInterface(stream).on('line', (line) => {
        lastLines.push(line);
        if (lastLines.length > keptLines) lastLines.shift();
        const ready = readyUrl(line);
        if (ready === undefined) return;
        clearTimeout(late);
        resolve(ready);
      });
    }
  });
  return {
    url,
    pid: child.pid ?? 0,
    gone,
    end(signal) {
      child.kill('SIGCONT');
      child.kill(signal);
      return gone;
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  };
}
