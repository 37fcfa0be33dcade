import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { startLocalMesos, type LocalMesosOptions } from '@juice/local-mesos';
import { startLocalMongo } from '@juice/local-mongo';

/** What the services run on, in a process of its own each. */
export type PartKind = 'store' | 'cluster';

export interface PartOptions {
  readonly store: { readonly dataDir: string; readonly port: number };
  readonly cluster: Omit<LocalMesosOptions, 'log'>;
}

export interface Part {
  readonly url: string;
  /** Resolves when it is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** Starts a process of the built bundle of this app, which ends with this one. Rejects when it does not start. */
export async function startPart<Kind extends PartKind>(
  bundles: string,
  kind: Kind,
  options: PartOptions[Kind],
): Promise<Part> {
  const child = fork(join(bundles, 'e2e', 'main.js'), ['serve-part', kind, JSON.stringify(options)], { execArgv: [] });
  const gone = once(child, 'exit');
  const early = gone.then(([code]) => Promise.reject(new Error(`the ${kind} ended with ${code} before it was ready`)));
  early.catch(() => undefined);
  const [url] = (await Promise.race([once(child, 'message'), early])) as [string];
  return {
    url,
    async end(signal) {
      child.kill(signal);
      await gone;
    },
  };
}

/** What such a process does, until it is told to end or its parent is gone. */
export async function servePart(kind: PartKind, options: string): Promise<void> {
  const part = await start(kind, options);
  const end = (): void => void part.stop().then(() => process.exit(0));
  process.once('SIGTERM', end);
  process.once('disconnect', end);
  process.send?.(part.url);
}

function start(kind: PartKind, options: string): Promise<{ readonly url: string; stop(): Promise<void> }> {
  if (kind === 'store') return startLocalMongo(JSON.parse(options) as PartOptions['store']);
  return startLocalMesos(JSON.parse(options) as PartOptions['cluster']);
}
