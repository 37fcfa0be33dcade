import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { startLocalMongo } from '@juice/local-mongo';
import { serveDispatcher } from './dispatcher-part.ts';
import { createBareRoute, serveApi } from './request-parts.ts';

/** What is measured or works with it, in a process of its own each; api and dispatcher are given the store's URL, a durable store its folder and port. */
export type PartKind = 'store' | 'durable-store' | 'receivers' | 'dispatcher' | 'api' | 'bare';

/** An arrival at the receiver that answers: what its path says, and when, on the clock that all processes share. */
export type Arrival = readonly [mark: string, atMs: number];

export interface Part {
  /** Resolves with what it answers. */
  ask(order: object | string): Promise<unknown>;
  /** Of what is not answered. */
  send(order: object): void;
  /** Where it is reached; of the receivers the one that answers, then the one that never does. */
  readonly urls: readonly string[];
  /** What arrived since this was last asked. */
  arrivals(): Promise<readonly Arrival[]>;
  /** Milliseconds of CPU that it has taken since it began. */
  cpuMs(): Promise<number>;
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** How long the receiver takes to answer. */
const answerMs = 1;

/** Starts a process that runs this same bundle (`serve-part`) and ends with this one. `given`: what its kind asks for. */
export async function startPart(kind: PartKind, given = ''): Promise<Part> {
  const child = fork(fileURLToPath(import.meta.url), ['serve-part', kind, given]);
  const gone = once(child, 'exit');
  const early = gone.then(([code]) => Promise.reject(new Error(`the ${kind} ended with ${code}`)));
  // Told to whoever waits for an answer; to nobody after that.
  early.catch(() => undefined);
  const answer = async (): Promise<unknown> => ((await Promise.race([once(child, 'message'), early])) as unknown[])[0];
  const ask = (order: object | string): Promise<unknown> => {
    child.send(order);
    return answer();
  };
  return {
    urls: (await answer()) as string[],
    ask,
    send: (order) => void child.send(order),
    arrivals: async () => (await ask('arrivals')) as Arrival[],
    cpuMs: async () => (await ask('cpu')) as number,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await gone;
    },
  };
}

/** What such a process does, until it is ended. */
export async function servePart(kind: PartKind, given: string): Promise<void> {
  process.once('disconnect', () => process.exit());
  process.on('message', (asked) => {
    const { user, system } = process.cpuUsage();
    if (asked === 'cpu') process.send?.((user + system) / 1000);
  });
  if (kind === 'dispatcher') return void process.send?.(serveDispatcher(given));
  if (kind === 'api') return void process.send?.([await serveApi(given)]);
  if (kind === 'bare') return void process.send?.([await listen(createServer(createBareRoute()))]);
  if (kind === 'store' || kind === 'durable-store') {
    const where = kind === 'store' ? { dataDir: null } : (JSON.parse(given) as { dataDir: string; port: number });
    const { url } = await startLocalMongo(where);
    process.send?.([url]);
    return;
  }
  let arrivals: Arrival[] = [];
  const quick = createServer((request, response) => {
    arrivals.push([request.url ?? '', performance.timeOrigin + performance.now()]);
    request.resume();
    setTimeout(() => response.writeHead(200, { 'Content-Length': 0 }).end(), answerMs);
  });
  const tarpit = createServer((request) => void request.resume());
  process.on('message', (asked) => {
    if (asked !== 'arrivals') return;
    process.send?.(arrivals);
    arrivals = [];
  });
  process.send?.([await listen(quick), await listen(tarpit)]);
}

async function listen(server: Server): Promise<string> {
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
