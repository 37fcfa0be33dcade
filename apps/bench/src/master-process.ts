import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { startLocalMesos, type AgentSpec, type LocalMesos } from '@juice/local-mesos';
import { encodeEvent, encodeRecord, type ContentType } from '@juice/mesos';

/** What a process is to be for the client: the least that answers calls, so late, or the stand-in for a cluster. */
export type MasterOrder = { readonly kind: 'minimal'; readonly answerMs: number } | ClusterOrder;

interface ClusterOrder {
  readonly kind: 'local-mesos';
  readonly dataDir: string;
  /** One, when left out. */
  readonly agents?: readonly AgentSpec[];
  /** How long its tasks take, all of which are simulated. */
  readonly taskMs?: number;
  /** The agent that is lost at first. */
  readonly lost?: number;
}

export interface MasterProcess {
  readonly url: string;
  /** The CPU time it has used so far. */
  cpuMicros(): Promise<number>;
  /** Of a cluster: an agent that was lost is back. */
  returnAgent(index: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a master in a process that runs this same bundle (`serve-master`) and ends with this one. */
export async function startMasterProcess(order: MasterOrder): Promise<MasterProcess> {
  const child = fork(fileURLToPath(import.meta.url), ['serve-master', JSON.stringify(order)]);
  const gone = once(child, 'exit');
  const early = gone.then(([code]) => Promise.reject(new Error(`the master ended with ${code}`)));
  // Told to whoever waits for an answer; to nobody after that.
  early.catch(() => undefined);
  const answer = async (): Promise<unknown> => ((await Promise.race([once(child, 'message'), early])) as unknown[])[0];
  return {
    url: (await answer()) as string,
    async cpuMicros() {
      child.send('cpu');
      return (await answer()) as number;
    },
    async returnAgent(index) {
      child.send({ returned: index });
      await answer();
    },
    async stop() {
      child.kill();
      await gone;
    },
  };
}

/** What such a process does, until it is ended. */
export async function serveMaster(order: MasterOrder): Promise<void> {
  const { url, returnAgent } = await startMaster(order);
  process.on('message', (asked: 'cpu' | { readonly returned: number }) => {
    if (asked !== 'cpu') returnAgent?.(asked.returned);
    const { user, system } = process.cpuUsage();
    process.send?.(user + system);
  });
  process.once('disconnect', () => process.exit());
  process.send?.(url);
}

async function startMaster(order: MasterOrder): Promise<Pick<LocalMesos, 'url'> & Partial<LocalMesos>> {
  if (order.kind === 'local-mesos') {
    const { dataDir, agents = [{ cpus: 8, memMb: 8192, diskMb: 8192 }], taskMs: simulatedTaskMs = 100, lost } = order;
    await mkdir(dataDir, { recursive: true });
    const mesos = await startLocalMesos({ dataDir, agents, executor: 'simulated', simulatedTaskMs });
    if (lost !== undefined) mesos.loseAgent(lost);
    return mesos;
  }
  const server = createServer((request, response) => answerCall(request, response, order.answerMs));
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** SUBSCRIBE alone comes without a stream id. Any other call is read to its end and answered 202, unseen. */
function answerCall(request: IncomingMessage, response: ServerResponse, answerMs: number): void {
  request.resume();
  request.once('end', () => {
    if (request.headers['mesos-stream-id'] === undefined) openStream(request, response);
    else if (answerMs === 0) accept(response);
    else setTimeout(accept, answerMs, response);
  });
}

function accept(response: ServerResponse): void {
  response.writeHead(202, { 'Content-Length': 0 }).end();
}

/** Silent for an hour: longer than any run. */
function openStream(request: IncomingMessage, response: ServerResponse): void {
  const contentType = request.headers['content-type'] as ContentType;
  const subscribed = { framework_id: { value: 'bench' }, heartbeat_interval_seconds: 3600 };
  response.writeHead(200, { 'Content-Type': contentType, 'Mesos-Stream-Id': 'bench' });
  response.write(encodeRecord(encodeEvent({ type: 'SUBSCRIBED', subscribed }, contentType)));
}
