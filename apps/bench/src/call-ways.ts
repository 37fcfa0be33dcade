import { Agent, request } from 'node:http';
import type { CallAnswer, ContentType, Subscription } from '@juice/mesos';
import { openPipeline, type Pipeline } from './pipeline.ts';

/** A way to make calls beside the stream of a subscription. Resolves with the status of the answer. */
export interface Way {
  readonly name: string;
  post(body: Uint8Array): Promise<number>;
  close(): void;
}

export interface Scheduler {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** Where and how the calls of a subscription are posted. */
export function schedulerOf({ master, streamId }: Subscription, contentType: ContentType): Scheduler {
  const headers = { 'Content-Type': contentType, Accept: contentType, 'Mesos-Stream-Id': streamId };
  return { url: new URL('/api/v1/scheduler', master), headers };
}

/** Keep-alive connections of node:http; what has none waits. */
export function openPool({ url, headers }: Scheduler, size: number): Way {
  const agent = new Agent({ keepAlive: true, maxSockets: size });
  const { hostname, port, pathname: path } = url;
  return {
    name: `pool of ${size}`,
    post: (body) =>
      new Promise((resolve, reject) => {
        const own = { ...headers, 'Content-Length': body.length };
        const outgoing = request({ hostname, port, path, method: 'POST', agent, headers: own }, (response) => {
          response.resume();
          response.once('end', () => resolve(response.statusCode ?? 0));
        });
        outgoing.once('error', reject);
        outgoing.end(body);
      }),
    close: () => agent.destroy(),
  };
}

/** As many connections without node:http; each has one call in flight. What this gains is not owed to pipelining. */
export async function openBarePool(scheduler: Scheduler, size: number): Promise<Way> {
  const free = await openPipelines(scheduler, size);
  const waiting: ((connection: Pipeline) => void)[] = [];
  const all = [...free];
  const take = (): Pipeline | Promise<Pipeline> => free.pop() ?? new Promise((resolve) => waiting.push(resolve));
  return {
    name: `${size} bare sockets`,
    async post(body) {
      const connection = await take();
      const status = await connection.post(body);
      const next = waiting.shift();
      if (next === undefined) free.push(connection);
      else next(connection);
      return status;
    },
    close: () => all.forEach((connection) => connection.close()),
  };
}

/** Everything is sent at once, over so many connections in turn. */
export async function openPipelining(scheduler: Scheduler, connections: number): Promise<Way> {
  const pipelines = await openPipelines(scheduler, connections);
  let turn = 0;
  return {
    name: `pipelining over ${connections}`,
    post: (body) => (pipelines[turn++ % connections] as Pipeline).post(body),
    close: () => pipelines.forEach((pipeline) => pipeline.close()),
  };
}

function openPipelines({ url, headers }: Scheduler, count: number): Promise<Pipeline[]> {
  return Promise.all(Array.from({ length: count }, () => openPipeline(url, headers)));
}

/** What an answer of the client's was: 202, or it throws. */
export function statusOf(answer: CallAnswer): number {
  if (answer.kind === 'accepted') return 202;
  throw new Error(`${answer.kind}: ${answer.detail}`);
}
