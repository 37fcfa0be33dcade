import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { bundleServer, startServerProcess, type ServerProcess } from '@juice/local-mongo/testing';
import { describeWithRabbit } from '@juice/messaging/testing';
import { startRabbitProcess, until, type RabbitProcess } from '@juice/trial';
import { startFaultWorld, type FaultWorld, endSequence } from './fault-world.ts';
import { createLedger } from './ledger.ts';

const bundles = join(import.meta.dirname, '../../../../dist/apps');
/** With JUICE_TEST_CALLBACKS=5000, a minute and a half. */
const tasks = Number(process.env['JUICE_TEST_CALLBACKS'] ?? 800);
/** Each an endpoint of its own: four in flight at a time in each worker. */
const tenants = 50;
/** A deadline says that something hangs, not that it is slow. */
const deadline = { withinMs: 240_000, everyMs: 100 };

/** Two callback workers, RabbitMQ and the database, each a process of its own. */
describeWithRabbit('a receiver that is down at first', () => {
  let folder: string;
  let rabbit: RabbitProcess | undefined;
  let store: ServerProcess | undefined;
  let world: FaultWorld | undefined;
  let isDown = true;
  const ledger = createLedger();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'juice-faults-'));
    rabbit = await startRabbitProcess(join(folder, 'rabbitmq'));
    store = await startServerProcess(await bundleServer(folder), { dataDir: join(folder, 'store') });
    world = await startFaultWorld({
      ...{ folder, bundles, inherited: process.env, store, broker: rabbit, workers: 2, tenants },
      answer(callback) {
        const status = isDown ? 503 : 200;
        ledger.arrived(callback, status);
        return status;
      },
    });
  }, 120_000);

  afterAll(async () => {
    await world?.close();
    await store?.kill();
    await rabbit?.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const up = () => {
    if (world === undefined || rabbit === undefined) throw new Error('not up');
    return { world, rabbit };
  };

  test('is given the end of every task, and of each task nothing out of order, whatever else is killed', async () => {
    const { world, rabbit } = up();
    const numbers = Array.from({ length: tasks }, (_, at) => at);
    const end = async (some: readonly number[]): Promise<void> => {
      for (const { taskId } of await world.endTasks(some)) ledger.expect(taskId, endSequence);
    };
    await end(numbers.slice(0, tasks / 2));
    await until('callbacks to be refused', () => ledger.refused >= tenants, deadline);
    await world.killWorker(0);
    expect(ledger.accepted).toBe(0);
    isDown = false;
    await rabbit.stop();
    await end(numbers.slice(tasks / 2));
    await rabbit.start();
    await until('some to be accepted', () => ledger.accepted >= tasks / 10, deadline);
    await world.killWorker(0);
    await until('every end to arrive', () => ledger.countMissing() === 0, deadline);
    const { repeated, ...account } = ledger.settle();
    expect(account).toMatchObject({ tasks, lost: 0, disordered: 0, strange: 0 });
    // What the killed worker had in hand may have been answered and not yet recorded.
    expect(repeated).toBeLessThanOrEqual(64);
  }, 400_000);
});
