import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';

/** A server in a process of its own, which can be killed. */
export interface ServerProcess {
  readonly url: string;
  readonly pid: number;
  /** Resolves when it is gone. */
  readonly kill: () => Promise<void>;
}

const entry = `
  import { startLocalMongo } from './index.ts';
  startLocalMongo(JSON.parse(process.argv[2])).then(
    ({ url }) => console.log(JSON.stringify({ url })),
    (error) => { console.log(JSON.stringify({ code: error.code, message: error.message })); process.exit(1); },
  );
`;

/** Makes the program that `startServerProcess` runs, in `folder`; its path. */
export async function bundleServer(folder: string): Promise<string> {
  const outfile = join(folder, 'server.mjs');
  await build({
    stdin: { contents: entry, resolveDir: join(import.meta.dirname, '../src'), loader: 'ts' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
    outfile,
  });
  return outfile;
}

/** Rejects with what the server said when it does not start. */
export async function startServerProcess(
  program: string,
  options: Readonly<Record<string, unknown>>,
): Promise<ServerProcess> {
  const child = spawn(process.execPath, [program, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = await firstLine(child);
  const { url } = said;
  if (url === undefined || child.pid === undefined) throw Object.assign(new Error(said.message), { code: said.code });
  return {
    url,
    pid: child.pid,
    async kill() {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}

async function firstLine(child: ChildProcess): Promise<{ url?: string; code?: string; message?: string }> {
  if (child.stdout === null) throw new TypeError('no output');
  for await (const line of createInterface({ input: child.stdout })) return JSON.parse(line);
  return { message: 'the server ended without a word' };
}
