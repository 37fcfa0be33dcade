import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { connectMongo, createLeaseStore } from '@juice/persistence';
import { createTaskIdSource } from '../src/task-ids.ts';
import { leaseWorkerNumber } from '../src/worker-number.ts';

/*
 * A thread that makes ids as an api does, with a worker number leased from the store: it says which, and when it is told
 * a count it makes so many and says them.
 */
const port = parentPort;
if (port === null) throw new Error('it must be a thread');
const mongo = await connectMongo(String(workerData), { appName: 'id-maker', poolSize: 1 });
const worker = await leaseWorkerNumber({
  leases: createLeaseStore(mongo),
  holder: randomUUID(),
  monotonicMs: () => performance.now(),
  random: Math.random,
  wait: (ms, signal) => delay(ms, undefined, { signal, ref: false }).catch(() => undefined),
  log: { info: () => undefined, warn: () => undefined },
});
const nextId = createTaskIdSource({ now: Date.now });
port.once('message', (count: number) => {
  const ids = new BigInt64Array(count);
  for (let at = 0; at < count; at += 1) ids[at] = nextId(worker.current());
  port.postMessage(ids);
  void worker.stop().then(() => mongo.close());
});
port.postMessage(worker.current());
