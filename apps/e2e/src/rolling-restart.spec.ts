import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { describeWithRabbit } from '@juice/messaging/testing';
import {
  createChance,
  startReceiver,
  until,
  type JuiceProcess,
  type ReceivedCallback,
  type Receiver,
} from '@juice/trial';
import { countViolations, settle, type StoredTask } from './chaos/ledger.ts';
import { startLoad, type Load } from './chaos/load.ts';
import { services as kinds, type Service } from './chaos/plan-faults.ts';
import { deadline, startServiceWorld, type ServiceWorld } from './service-world.ts';

const secret = `whsec_${Buffer.from('a secret for these tests').toString('base64')}`;
const perSecond = 8;

/**
 * What a deployment does: of every service one process after the other is succeeded by a new one, which is ready before the old
 * one is told to end, while tenants submit tasks and hear of their ends.
 */
describeWithRabbit('a rolling restart of every service', (amqpUrl) => {
  let world: ServiceWorld;
  let receiver: Receiver;
  let load: Load | undefined;
  const accepted: ReceivedCallback[] = [];
  const running: Record<Service, JuiceProcess[]> = { api: [], scheduler: [], callback: [] };

  beforeAll(async () => {
    const env = { JUICE_CALLBACK_SECRET: secret, JUICE_CALLBACK_ALLOW: '127.0.0.0/8' };
    world = await startServiceWorld({ amqpUrl, agents: [30, 30], env });
    const answer = (callback: ReceivedCallback): number => {
      accepted.push(callback);
      return 200;
    };
    receiver = await startReceiver({ secret, answer });
    for (const kind of kinds) {
      running[kind] = await Promise.all([0, 1].map((index) => world.start(kind, `${kind}-${index}`)));
    }
  }, 180_000);

  afterAll(async () => {
    await load?.stop();
    await world.close();
    await receiver.close();
  }, 120_000);

  /** The new one first; a balancer may send requests to the old one until it is gone. */
  async function succeed(kind: Service, index: number): Promise<number | null> {
    const next = await world.start(kind, `${kind}-${index}-next`);
    const isReady = async () => (await fetch(`${next.url}/readyz`)).ok;
    await until('the new one to be ready', isReady, deadline);
    running[kind].push(next);
    const [old] = running[kind];
    const code = await old?.end('SIGTERM');
    running[kind].shift();
    return code ?? null;
  }

  test('loses nothing: what a request is not answered by one api, another one does; every end is called back once', async () => {
    const runsFile = join(world.folder, 'runs');
    const apis = (): readonly string[] => running.api.map(({ url }) => url);
    const chance = createChance(1);
    const at = { apis, callbackUrl: receiver.url, runsFile };
    const driven = startLoad({ ...at, perSecond, answerMs: deadline.withinMs, chance, note: () => undefined });
    load = driven;
    const goesOn = async (): Promise<void> => {
      const before = accepted.length;
      await until('callbacks to come', () => accepted.length > before + perSecond, deadline);
    };
    await goesOn();
    const codes: (number | null)[] = [];
    for (const kind of kinds) {
      for (const index of [0, 1]) {
        codes.push(await succeed(kind, index));
        await goesOn();
      }
    }
    await driven.stop();
    expect(codes).toEqual([0, 0, 0, 0, 0, 0]);

    const tasks = world.database.collection<StoredTask>('tasks');
    const unsettled = { $or: [{ finishAt: { $exists: false } }, { 'callback.pending.0': { $exists: true } }] };
    await until('all to end', async () => (await tasks.countDocuments(unsettled)) === 0, deadline);
    const stored = await tasks.find({}, { useBigInt64: true }).toArray();
    const runs = await world.lines('runs');
    const settled = settle({ submitted: driven.submitted, stored, runs, callbacks: accepted });
    expect(settled).toMatchObject({ unanswered: 0, repeats: 0 });
    expect([countViolations(settled.violations), settled.violations]).toEqual([0, settled.violations]);
    expect(stored.length).toBeGreaterThan(perSecond * 7);
    // No answer at all is what a client cannot tell from an api that is gone: it is the only way to be turned away here.
    expect({ failures: driven.failures, statuses: [...driven.statuses] }).toEqual({ failures: [], statuses: [] });
    expect(driven.mostTries).toBeLessThanOrEqual(2);
  }, 420_000);
});
