import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { productVersion, TaskState, type StatusAnswer, type TaskId } from '@juice/contracts';
import { describeWithRabbit } from '@juice/messaging/testing';
import {
  createTenant,
  followEvents,
  openEventStream,
  startReceiver,
  until,
  type EventFollower,
  type JuiceProcess,
  type Receiver,
} from '@juice/trial';
import { createGate, type Gate } from './gate.ts';
import { deadline, resources, startServiceWorld, type ServiceWorld } from './service-world.ts';

const secret = `whsec_${Buffer.from('a secret for these tests').toString('base64')}`;
const adminKey = 'an-admin-key-of-thirty-two-characters';

const agents = 4;
const perAgent = 50;
/** What the cluster holds, to the last thousandth of a cpu and the last megabyte. */
const fit = agents * perAgent;
const waiting = 1_000;

/**
 * The services each in a process of its own, two of each, on a real RabbitMQ, and so are the database, over TCP, and the
 * cluster, over HTTP: what standalone cannot show. Every task adds its number to a file when it runs, so that a second run
 * would be seen.
 */
describeWithRabbit('services in processes of their own', (amqpUrl) => {
  let services: ServiceWorld;
  let folder: string;
  let receiver: Receiver;
  const gates: Gate[] = [];

  beforeAll(async () => {
    const env = {
      ...{ JUICE_CALLBACK_SECRET: secret, JUICE_CALLBACK_ALLOW: '127.0.0.0/8' },
      JUICE_ADMIN_KEY: adminKey,
    };
    services = await startServiceWorld({ amqpUrl, agents: Array.from({ length: agents }, () => perAgent), env });
    folder = services.folder;
    receiver = await startReceiver({ secret });
  }, 60_000);

  afterAll(async () => {
    await services.close();
    await receiver.close();
    for (const gate of gates) gate.close();
  }, 60_000);

  const each = (count: number): readonly number[] => Array.from({ length: count }, (_, at) => at);

  const roleOf = async ({ url }: JuiceProcess): Promise<unknown> => {
    const health = (await (await fetch(`${url}/readyz`)).json()) as { role?: string; ok: boolean };
    return health.ok ? health.role : null;
  };
  const leads = (scheduler: JuiceProcess): Promise<void> =>
    until('it to lead', async () => (await roleOf(scheduler)) === 'leader', deadline);
  const portOf = ({ url }: Pick<JuiceProcess, 'url'>): string => new URL(url).port;
  /** The lease as it is stored: whose it is, told by the port that one is reached at, and which holder of it that is. */
  const readLease = async (): Promise<{ readonly port: string; readonly epoch: number }> => {
    const stored = await services.database.collection<{ url: string; epoch: number }>('leases').findOne();
    if (stored === null) throw new Error('no lease');
    return { port: portOf(stored), epoch: stored.epoch };
  };

  /** Submits tasks at alternate apis; each is told its number. */
  function submit(
    apis: readonly JuiceProcess[],
    count: number,
    taskOf: (number: number) => Readonly<Record<string, unknown>>,
  ): Promise<TaskId[]> {
    const tenants = apis.map(({ url }) => createTenant(url, 'e2e'));
    return Promise.all(
      each(count).map((number) => {
        const tenant = tenants[number % tenants.length];
        if (tenant === undefined) throw new Error('no api');
        return tenant.submit({ ...taskOf(number), resources });
      }),
    );
  }

  describe('two of each', () => {
    const world: { apis: JuiceProcess[]; schedulers: JuiceProcess[] } = { apis: [], schedulers: [] };
    const followers: EventFollower[] = [];
    const api = (): JuiceProcess => at(world.apis, 0);

    beforeAll(async () => {
      const first = await services.start('scheduler', 'scheduler-1');
      await leads(first);
      world.schedulers = [first, await services.start('scheduler', 'scheduler-2')];
      world.apis = await Promise.all([services.start('api', 'api-1'), services.start('api', 'api-2')]);
      await Promise.all([services.start('callback', 'callback-1'), services.start('callback', 'callback-2')]);
      followers.push(follow(0), follow(1));
      await until('both to follow', () => followers.every((follower) => follower.frames().length > 0), deadline);
    }, 120_000);
    afterAll(() => Promise.all(followers.map((follower) => follower.stop())));

    /** Follows what becomes of all tasks; each time it comes again, it is to the other api. */
    function follow(first: number): EventFollower {
      let turn = first;
      return followEvents(() => `${at(world.apis, turn++ % world.apis.length).url}/v1/events`, 'e2e');
    }

    /**
     * As many tasks running as the cluster holds, and many more waiting. None can end before the gate is opened, so that
     * this is a state, not a moment.
     */
    async function fillUp(file: string): Promise<{ readonly ids: readonly TaskId[]; readonly gate: Gate }> {
      const gate = createGate(join(folder, `${file}-gate`));
      gates.push(gate);
      const commands = (number: number): string => `echo ${number} >> ${join(folder, file)}; : < ${gate.path}`;
      const ids = await submit(world.apis, fit + waiting, (number) => ({ taskName: file, commands: commands(number) }));
      const count = async (): Promise<{ running: number; waiting: number }> => {
        const states = await services.statesOf(api(), ids);
        const having = (state: TaskState): number => states.filter((found) => found === state).length;
        return { running: having(TaskState.RUNNING), waiting: having(TaskState.NOT_START) };
      };
      await until('the cluster to be full', async () => (await services.lines(file)).length >= fit, deadline);
      await until('all of them to be known to run', async () => (await count()).running >= fit, deadline);
      expect(await count()).toEqual({ running: fit, waiting });
      expect(await services.lines(file)).toHaveLength(fit);
      return { ids, gate };
    }

    test('one scheduler leads, the other stands by; every task runs once and is called back once', async () => {
      const [leader, standby] = [at(world.schedulers, 0), at(world.schedulers, 1)];
      expect([await roleOf(leader), await roleOf(standby)]).toEqual(['leader', 'standby']);
      const ids = await submit(world.apis, 60, (number) => ({
        taskName: 'once',
        commands: `echo ${number} >> ${join(folder, 'once')}`,
        callbackUrl: receiver.url,
      }));
      await services.allFinish(api(), 'once', ids);
      const finished = (): TaskId[] =>
        receiver.received.filter(({ result }) => result === 'FINISHED').map(({ taskId }) => taskId);
      await until('every callback', () => finished().length >= ids.length, deadline);
      expect(finished().sort()).toEqual([...ids].sort());
      expect(receiver.received.every(({ isSigned }) => isSigned)).toBe(true);
    }, 120_000);

    test('every process is seen, with its version', async () => {
      const headers = { Authorization: `Bearer ${adminKey}` };
      const read = async () => {
        const answer = await (await fetch(`${api().url}/v1/admin/status`, { headers })).json();
        return (answer as { data: StatusAnswer }).data.processes;
      };
      await until('all of them', async () => (await read())?.count === 6, deadline);
      const seen = (await read())?.processes ?? [];
      const two = ['api', 'api', 'callback', 'callback', 'scheduler', 'scheduler'];
      expect(seen.map(({ service }) => service)).toEqual(two);
      expect(new Set(seen.map(({ version }) => version))).toEqual(new Set([productVersion]));
    }, 120_000);

    test('an api asks whichever scheduler leads why a task waits', async () => {
      const tenant = createTenant(api().url, 'e2e');
      const constraints = { field: 'HOSTNAME', values: ['no-such-host'] };
      const taskId = await tenant.submit({ taskName: 'waits', commands: 'true', constraints });
      await until('it to be tried', async () => (await tenant.why(taskId)).lastConsidered !== undefined, deadline);
      expect(await tenant.why(taskId)).toMatchObject({
        state: 'waiting',
        obstacles: [{ why: 'constraint', of: 'HOSTNAME', agents }],
      });
      await tenant.kill(taskId);
    }, 120_000);

    test('kill -9 of the leader: the standby takes over, every task ends, none runs twice', async () => {
      const [leader, standby] = [at(world.schedulers, 0), at(world.schedulers, 1)];
      const { ids, gate } = await fillUp('killed');
      const before = await readLease();
      expect(before.port).toBe(portOf(leader));
      await leader.end('SIGKILL');
      await leads(standby);
      expect(await readLease()).toEqual({ port: portOf(standby), epoch: before.epoch + 1 });
      for (const follower of followers) follower.breakOff();
      gate.open();
      await services.allFinish(api(), 'killed', ids);
    }, 240_000);

    test('a leader that was stopped past its lease and goes on ends itself; nothing runs twice', async () => {
      const leader = at(world.schedulers, 1);
      const standby = await services.start('scheduler', 'scheduler-3');
      const { ids, gate } = await fillUp('paused');
      const before = await readLease();
      expect(before.port).toBe(portOf(leader));
      leader.pause();
      // Ends and offers of what they free are told to the one that does not listen: it has them all when it goes on.
      gate.open();
      await leads(standby);
      const after = { port: portOf(standby), epoch: before.epoch + 1 };
      expect(await readLease()).toEqual(after);
      leader.resume();
      expect(await leader.gone).toBe(1);
      await services.allFinish(api(), 'paused', ids);
      expect(await readLease()).toEqual(after);
    }, 240_000);

    test('whoever has followed all of that, and restarts of the apis, was shown every event once and in order', async () => {
      const connections = followers.map((follower) => follower.connections);
      for (const [index, signal] of (['SIGKILL', 'SIGTERM'] as const).entries()) {
        await at(world.apis, index).end(signal);
        world.apis[index] = await services.start('api', `api-${index + 3}`);
        const taskOf = (number: number) => ({
          taskName: signal,
          commands: `echo ${number} >> ${join(folder, signal)}`,
        });
        await services.allFinish(api(), signal, await submit(world.apis, 60, taskOf));
      }
      const stored = await services.database.collection<{ seq: number }>('tasks').find({ tenantId: 'e2e' }).toArray();
      const expected = new Map(stored.map(({ _id, seq }) => [String(_id), each(seq).map((before) => before + 1)]));
      const count = stored.reduce((sum, { seq }) => sum + seq, 0);
      for (const [index, follower] of followers.entries()) {
        await until('all to be shown', () => follower.events().length >= count, deadline);
        await follower.stop();
        const shown = new Map<string, number[]>();
        for (const { taskIdStr, sequence } of follower.events()) {
          shown.set(taskIdStr, [...(shown.get(taskIdStr) ?? []), sequence]);
        }
        expect(shown).toEqual(expected);
        expect(follower.connections).toBeGreaterThan(connections[index] ?? 0);
        expect(follower.frames().filter(({ event }) => event === 'reset')).toEqual([]);
      }
      const [one] = followers.flatMap((follower) => follower.events());
      const path = `/v1/tasks/${one?.taskIdStr}/events?from=start`;
      const stream = await openEventStream(`${api().url}${path}`, { tenantId: 'e2e' });
      expect(await stream.ended).toBe('ended');
      expect(stream.events().map(({ sequence }) => sequence)).toEqual(expected.get(String(one?.taskIdStr)));
      expect(stream.frames.at(-1)).toMatchObject({ event: 'end', data: { taskStatus: TaskState.FINISHED } });
    }, 240_000);
  });
});

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error('not up');
  return item;
}
