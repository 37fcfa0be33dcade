import { appendFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isEndState, TaskState, type TaskId } from '@juice/contracts';
import { startLocalMesos, type LocalMesos } from '@juice/local-mesos';
import { startLocalMongo, type LocalMongo } from '@juice/local-mongo';
import { describeWithRabbit } from '@juice/messaging/testing';
import { createTenant, startReceiver, startService, until, type JuiceProcess, type Receiver } from '@juice/trial';

const bundles = join(import.meta.dirname, '../../../dist/apps');
const secret = `whsec_${Buffer.from('a secret for these tests').toString('base64')}`;

/**
 * The services each in a process of its own, two of each, on a real RabbitMQ, a database over TCP and a cluster over
 * HTTP: what standalone cannot show. Every task adds a line to a file when it runs, so that a second run would be seen.
 */
describeWithRabbit('services in processes of their own', (amqpUrl) => {
  let folder: string;
  let mongo: LocalMongo;
  let mesos: LocalMesos;
  let receiver: Receiver;
  const running: JuiceProcess[] = [];

  const start = async (service: 'api' | 'scheduler' | 'callback', name: string): Promise<JuiceProcess> => {
    const started = await startService(service, name, {
      bundles,
      logDir: folder,
      inherited: process.env,
      env: {
        JUICE_MONGO_URL: `${mongo.url}/juice`,
        JUICE_AMQP_URL: amqpUrl,
        JUICE_MESOS_MASTERS: mesos.url,
        JUICE_LEASE: '2s',
        JUICE_CALLBACK_SECRET: secret,
        JUICE_CALLBACK_ALLOW: '127.0.0.0/8',
      },
    });
    running.push(started);
    return started;
  };
  const roleOf = async ({ url }: JuiceProcess): Promise<unknown> => {
    const health = (await (await fetch(`${url}/readyz`)).json()) as { role?: string; ok: boolean };
    return health.ok ? health.role : null;
  };
  const leads = (scheduler: JuiceProcess): Promise<void> =>
    until('it to lead', async () => (await roleOf(scheduler)) === 'leader');
  const lines = async (file: string): Promise<string[]> =>
    (await readFile(join(folder, file), 'utf8')).split('\n').filter((line) => line !== '');

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'juice-services-'));
    mongo = await startLocalMongo({ dataDir: join(folder, 'mongo') });
    mesos = await startLocalMesos({
      dataDir: join(folder, 'mesos'),
      environment: process.env,
      agents: [{ cpus: 8, memMb: 8192, diskMb: 1000 }],
    });
    receiver = await startReceiver({ secret });
  }, 60_000);

  afterAll(async () => {
    await Promise.all(running.map((one) => one.end('SIGKILL')));
    await receiver.close();
    await mesos.stop();
    await mongo.stop();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  /** Submits tasks at alternate apis; each writes its number to a file when it runs. */
  async function submit(apis: readonly JuiceProcess[], file: string, count: number, sleep: string): Promise<TaskId[]> {
    const tenants = apis.map(({ url }) => createTenant(url, 'e2e'));
    appendFileSync(join(folder, file), '');
    return Promise.all(
      Array.from({ length: count }, (_, at) => {
        const commands = `echo ${at} >> ${join(folder, file)}; sleep ${sleep}`;
        const task = { taskName: file, callbackUrl: receiver.url, commands, resources: { cpu: 0.2, mem: 256 } };
        const tenant = tenants[at % tenants.length];
        if (tenant === undefined) throw new Error('no api');
        return tenant.submit(task);
      }),
    );
  }

  async function allFinish(api: JuiceProcess, ids: readonly TaskId[]): Promise<void> {
    const tenant = createTenant(api.url, 'e2e');
    await until('all to end', async () => (await tenant.find(ids)).every(({ taskStatus }) => isEndState(taskStatus)), {
      withinMs: 90_000,
      everyMs: 200,
    });
    const found = await tenant.find(ids);
    expect(found.map(({ taskStatus }) => taskStatus)).toEqual(ids.map(() => TaskState.FINISHED));
  }

  const each = (count: number): string[] => Array.from({ length: count }, (_, at) => String(at)).sort();

  describe('two of each', () => {
    const world: { apis: JuiceProcess[]; schedulers: JuiceProcess[] } = { apis: [], schedulers: [] };

    beforeAll(async () => {
      const first = await start('scheduler', 'scheduler-1');
      await leads(first);
      world.schedulers = [first, await start('scheduler', 'scheduler-2')];
      world.apis = await Promise.all([start('api', 'api-1'), start('api', 'api-2')]);
      await Promise.all([start('callback', 'callback-1'), start('callback', 'callback-2')]);
    }, 120_000);

    test('one scheduler leads, the other stands by; every task runs once and is called back once', async () => {
      const [leader, standby] = world.schedulers;
      const [api] = world.apis;
      if (leader === undefined || standby === undefined || api === undefined) throw new Error('not up');
      expect(await roleOf(leader)).toBe('leader');
      expect(await roleOf(standby)).toBe('standby');
      const ids = await submit(world.apis, 'once', 60, '0');
      await allFinish(api, ids);
      expect((await lines('once')).sort()).toEqual(each(60));
      const finished = (): TaskId[] =>
        receiver.received.filter(({ result }) => result === 'FINISHED').map(({ taskId }) => taskId);
      await until('every callback', () => finished().length >= ids.length);
      expect(finished().sort()).toEqual([...ids].sort());
      expect(receiver.received.every(({ isSigned }) => isSigned)).toBe(true);
    }, 120_000);

    test('kill -9 of the leader: the standby takes over, every task ends, none runs twice', async () => {
      const [leader, standby] = world.schedulers;
      const [api] = world.apis;
      if (leader === undefined || standby === undefined || api === undefined) throw new Error('not up');
      const ids = await submit(world.apis, 'taken-over', 80, '1');
      await until('some to run', async () => (await lines('taken-over')).length > 10);
      await leader.end('SIGKILL');
      await leads(standby);
      await allFinish(api, ids);
      expect((await lines('taken-over')).sort()).toEqual(each(80));
    }, 120_000);

    test('a leader that was stopped past its lease and goes on ends itself; nothing runs twice', async () => {
      const [, leader] = world.schedulers;
      const [api] = world.apis;
      if (leader === undefined || api === undefined) throw new Error('not up');
      const standby = await start('scheduler', 'scheduler-3');
      const ids = await submit(world.apis, 'paused', 60, '1');
      await until('some to run', async () => (await lines('paused')).length > 10);
      leader.pause();
      await leads(standby);
      leader.resume();
      expect(await leader.gone).toBe(1);
      await allFinish(api, ids);
      expect((await lines('paused')).sort()).toEqual(each(60));
    }, 120_000);
  });
});
