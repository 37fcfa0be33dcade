import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { LocalMesosOptions } from '../src/local-mesos.ts';

/** A cluster in a process of its own: one that can be killed, or that a test's own work must not hold up. */
export interface ClusterProcess {
  readonly url: string;
  readonly agentIds: readonly string[];
  /** Ends its tasks, then itself. */
  stop(): Promise<void>;
  /** kill -9: what it runs lives on. */
  kill(): Promise<void>;
}

/** Bundles the program into `folder` and starts it. Rejects when it does not start; why is on stderr. */
export async function startClusterProcess(
  folder: string,
  options: Omit<LocalMesosOptions, 'log'>,
): Promise<ClusterProcess> {
  const outfile = join(folder, 'cluster-main.cjs');
  const entry = join(import.meta.dirname, 'cluster-main.ts');
  await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'cjs', logLevel: 'silent' });
  const child = spawn(process.execPath, [outfile, JSON.stringify(options)], { stdio: ['ignore', 'pipe', 'inherit'] });
  const gone = once(child, 'exit');
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    child.once('exit', () => reject(new Error('it did not start')));
  });
  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    child.kill(signal);
    await gone;
  };
  return {
    ...(JSON.parse(line) as { url: string; agentIds: string[] }),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}
