import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { createChance, startRabbitProcess, until } from '@juice/trial';
import { startPart } from '../callback-parts.ts';
import { endSequence, startFaultWorld, type FaultWorld, type Restartable } from './fault-world.ts';
import { createLedger, type Account } from './ledger.ts';

export interface FaultRunOptions {
  readonly tasks: number;
  readonly seconds: number;
  readonly seed: number;
  readonly bundles: string;
  readonly inherited: Readonly<Record<string, string | undefined>>;
  readonly say: (line: string) => void;
}

const tenants = 50;
const workers = 2;
/** What goes wrong, and how often beside the others. */
const faults = [
  { kind: 'worker', part: 6 },
  { kind: 'receiver', part: 2 },
  { kind: 'store', part: 2 },
  { kind: 'broker', part: 1 },
] as const;
type Fault = (typeof faults)[number]['kind'];
/** Of all answers while things go wrong. */
const failedShare = 0.05;
/** Longer than a breaker leaves an endpoint alone, which is fifteen minutes at most. */
const patienceMs = 1_200_000;

/**
 * Ends tasks steadily, while workers and the store are killed at random, the broker is restarted and the receiver is down
 * now and then; then waits until every end has arrived, and tells what the ledger says. Whether all is right.
 */
export async function runFaults({ seconds, seed, say, ...options }: FaultRunOptions): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'juice-faults-'));
  const chance = createChance(seed);
  const ledger = createLedger();
  const counts: Record<Fault, number> = { worker: 0, receiver: 0, store: 0, broker: 0 };
  let isDown = false;
  let isOver = false;
  const store = await startStore(join(folder, 'store'));
  const broker = await startRabbitProcess(join(folder, 'rabbitmq'));
  const world = await startFaultWorld({
    ...{ ...options, folder, store, broker, workers, tenants },
    answer(callback) {
      const status = isDown || (!isOver && chance.next() < failedShare) ? 503 : 200;
      ledger.arrived(callback, status);
      return status;
    },
  });

  async function suffer(fault: Fault): Promise<void> {
    counts[fault] += 1;
    if (fault === 'worker') return world.killWorker(Math.floor(chance.next() * workers));
    if (fault === 'receiver') {
      isDown = !isDown;
      return;
    }
    const hit = fault === 'store' ? store : broker;
    await hit.stop();
    await wait(chance.next() * 5_000);
    await hit.start();
  }

  try {
    const ending = endSteadily(world, { ...options, seconds }, (taskId) => ledger.expect(taskId, endSequence));
    const untilMs = Date.now() + seconds * 1000;
    while (Date.now() < untilMs) {
      await wait(2_000 + chance.next() * 6_000);
      await suffer(chance.oneOf(faults).kind);
    }
    await ending;
    isDown = false;
    isOver = true;
    const arrived = () => ledger.countMissing() === 0;
    await until('every end to arrive', arrived, { withinMs: patienceMs, everyMs: 200 }).catch(() => undefined);
  } finally {
    await world.close();
    await broker.stop();
    await store.stop();
    await rm(folder, { recursive: true, force: true });
  }
  const account = ledger.settle();
  tell({ seconds, seed, say }, counts, account);
  return account.lost + account.disordered + account.strange === 0;
}

async function endSteadily(
  world: Pick<FaultWorld, 'endTasks'>,
  { tasks, seconds }: Pick<FaultRunOptions, 'tasks' | 'seconds'>,
  ended: (taskId: Awaited<ReturnType<FaultWorld['endTasks']>>[number]['taskId']) => void,
): Promise<void> {
  const startedMs = Date.now();
  for (let done = 0; done < tasks;) {
    await wait(200);
    const due = Math.min(tasks, Math.ceil((tasks * (Date.now() - startedMs)) / (seconds * 1000)));
    const numbers = Array.from({ length: Math.min(due - done, 200) }, (_, at) => done + at);
    for (const { taskId } of await world.endTasks(numbers)) ended(taskId);
    done += numbers.length;
  }
}

/** With its data on disk: killed with -9, and started where it was. */
async function startStore(dataDir: string): Promise<Restartable> {
  const start = (port: number) => startPart('durable-store', JSON.stringify({ dataDir, port }));
  let part = await start(0);
  const [url = ''] = part.urls;
  return {
    url,
    stop: () => part.stop('SIGKILL'),
    async start() {
      part = await start(Number(new URL(url).port));
    },
  };
}

function tell(
  { seconds, seed, say }: Pick<FaultRunOptions, 'seconds' | 'seed' | 'say'>,
  counts: Readonly<Record<Fault, number>>,
  account: Account,
): void {
  say(`\n${account.tasks} tasks of ${tenants} tenants ended in ${seconds} s, ${workers} workers, seed ${seed}\n`);
  say(`workers killed -9          ${counts.worker}`);
  say(`store killed -9            ${counts.store}`);
  say(`broker restarted           ${counts.broker}`);
  say(`receiver down or up again  ${counts.receiver}`);
  say(`\ncallbacks accepted  ${account.accepted}, refused ${account.refused}`);
  say(`ends lost           ${account.lost}`);
  say(`out of order        ${account.disordered}`);
  say(`of no known task    ${account.strange}`);
  say(`repeated            ${account.repeated}`);
}
