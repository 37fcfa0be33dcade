import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parentPort, Worker, workerData } from 'node:worker_threads';
import { startLocalMesos, type LocalMesosOptions } from '@juice/local-mesos';
import { startLocalMongo } from '@juice/local-mongo';
import { ConfigProblems } from '@juice/runtime';

/** An embedded part, to be started in a thread of its own: its work must not keep the services from renewing a lease. */
export type PartOrder =
  | { readonly part: 'database'; readonly dataDir: string }
  | { readonly part: 'cluster'; readonly options: Omit<LocalMesosOptions, 'log'> };

export interface PartThread {
  readonly url: string;
  stop(): Promise<void>;
}

type Report = { readonly url: string } | { readonly problem: string };

/**
 * Starts a part in a thread that runs this same bundle, and resolves with its URL. Rejects with what the part has to say
 * (a folder in use, a port taken); `onDeath` is told when the thread dies later.
 */
export function startPartThread(order: PartOrder, onDeath: (error: unknown) => void): Promise<PartThread> {
  const thread = new Worker(fileURLToPath(import.meta.url), { workerData: order });
  let stopping = false;
  const gone = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  return new Promise((resolve, reject) => {
    thread.once('error', (error) => {
      reject(error);
      if (!stopping) onDeath(error);
    });
    thread.once('message', (report: Report) => {
      if ('problem' in report) return reject(unusableFolder(order, report.problem));
      resolve({
        url: report.url,
        async stop() {
          stopping = true;
          thread.postMessage('stop');
          await gone;
        },
      });
    });
  });
}

/** Nothing else of an embedded part is for the user to choose: it takes any free port. */
function unusableFolder(order: PartOrder, problem: string): ConfigProblems {
  const given = order.part === 'database' ? order.dataDir : order.options.dataDir;
  return new ConfigProblems([{ variable: 'JUICE_DATA_DIR', given, problem }]);
}

/** What such a thread runs. */
export async function runPartThread(): Promise<void> {
  const order = workerData as PartOrder;
  try {
    const part = await startPart(order);
    parentPort?.once('message', () => {
      void part.stop().finally(() => parentPort?.close());
    });
    report({ url: part.url });
  } catch (error: unknown) {
    report({ problem: error instanceof Error ? error.message : String(error) });
    parentPort?.close();
  }
}

async function startPart(order: PartOrder): Promise<{ url: string; stop(): Promise<void> }> {
  switch (order.part) {
    case 'database':
      await mkdir(order.dataDir, { recursive: true });
      return startLocalMongo({ dataDir: order.dataDir, host: '127.0.0.1', port: 0 });
    case 'cluster':
      await mkdir(order.options.dataDir, { recursive: true });
      return startLocalMesos(order.options);
    default:
      return order satisfies never;
  }
}

function report(message: Report): void {
  parentPort?.postMessage(message);
}
