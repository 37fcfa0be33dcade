import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TaskState, type TaskId } from '@juice/contracts';
import { connectBroker, type Broker, type QueueName } from '@juice/messaging';
import { describeWithRabbit } from '@juice/messaging/testing';
import { createLogger } from '@juice/observability';
import { createTenant, startRabbitProcess, startReceiver, until } from '@juice/trial';
import type { JuiceProcess, RabbitProcess, Receiver } from '@juice/trial';
import { createGate } from './gate.ts';
import { deadline, resources, startServiceWorld, type ServiceWorld } from './service-world.ts';

const secret = `whsec_${Buffer.from('a secret for these tests').toString('base64')}`;
/** What no version of ours has written yet. */
const newer = { zones: ['a', 'b'], depth: 3 };
/** By queue, what its reader cannot understand: a later version of a message, and a kind that came later. */
const unreadable: readonly {
  queue: QueueName;
  exchange: 'juice.tasks' | 'juice.commands' | 'juice.events';
  body: object;
}[] = [
  { queue: 'juice.scheduler.tasks', exchange: 'juice.tasks', body: { v: 2, tasks: [newer] } },
  { queue: 'juice.scheduler.commands', exchange: 'juice.commands', body: { v: 2, kind: 'kill', where: newer } },
  { queue: 'juice.scheduler.commands', exchange: 'juice.commands', body: { v: 1, kind: 'drain', agents: ['a'] } },
  { queue: 'juice.callback.events', exchange: 'juice.events', body: { v: 2, what: newer } },
];
const keys = { 'juice.tasks': 'task', 'juice.commands': 'command', 'juice.events': 'task.running.e2e' };

/** Today's services beside those of a release yet to come: what that has written and sent. */
describeWithRabbit('what a newer version has left', () => {
  let folder: string;
  let rabbit: RabbitProcess;
  let world: ServiceWorld;
  let receiver: Receiver;
  let broker: Broker;
  let running: JuiceProcess[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'juice-rabbitmq-'));
    rabbit = await startRabbitProcess(folder);
    const env = { JUICE_CALLBACK_SECRET: secret, JUICE_CALLBACK_ALLOW: '127.0.0.0/8' };
    world = await startServiceWorld({ amqpUrl: rabbit.url, agents: [10], env });
    receiver = await startReceiver({ secret });
    const log = createLogger({ service: 'e2e', level: 'silent', pretty: false });
    broker = await connectBroker(rabbit.url, { log, connectionName: 'newer' });
    running = await Promise.all((['api', 'scheduler', 'callback'] as const).map((kind) => world.start(kind, kind)));
  }, 180_000);

  afterAll(async () => {
    await broker.close();
    await world.close();
    await receiver.close();
    await rabbit.stop();
    await rm(folder, { recursive: true, force: true });
  }, 120_000);

  const tenant = () => createTenant(running[0]?.url ?? '', 'e2e');
  const documentOf = (taskId: TaskId) =>
    world.database.collection<{ _id: TaskId }>('tasks').findOne({ _id: taskId }, { useBigInt64: true });

  test('in a task’s document stays there, whoever writes it', async () => {
    const gate = createGate(join(world.folder, 'gate'));
    const task = { callbackUrl: receiver.url, resources };
    const fails = `test -e failed && exit 0; touch failed; : < ${gate.path}; exit 1`;
    const commands = `cd ${world.folder}; ${fails}`;
    const runs = await tenant().submit({ ...task, taskName: 'runs', commands, retry: 1 });
    const constraints = { field: 'HOSTNAME', values: ['no-such-host'] };
    const waits = await tenant().submit({ ...task, taskName: 'waits', commands: 'true', constraints });
    const stateOf = async (taskId: TaskId) => (await tenant().find([taskId]))[0]?.taskStatus;
    await until('it to run', async () => (await stateOf(runs)) === TaskState.RUNNING, deadline);

    const set = { newer, 'spec.newer': newer, 'callback.newer': newer };
    const tasks = world.database.collection<{ _id: TaskId }>('tasks');
    await tasks.updateOne({ _id: runs }, { $set: { ...set, 'attempts.0.newer': newer, 'history.0.newer': newer } });
    await tasks.updateOne({ _id: waits }, { $set: set });
    gate.open();
    await tenant().kill(waits);
    const hasEnded = async () => (await stateOf(runs)) === TaskState.FINISHED;
    await until('the one to end', hasEnded, deadline);
    const told = (): readonly string[] => receiver.received.map(({ taskId, result }) => `${taskId} ${result}`);
    const ends = [`${runs} FINISHED`, `${waits} KILLED`];
    await until('both to be called back', () => ends.every((end) => told().includes(end)), deadline);
    const isSettled = async () => (await tasks.countDocuments({ 'callback.pending.0': { $exists: true } })) === 0;
    await until('both to be settled', isSettled, deadline);

    const members = { newer, spec: expect.objectContaining({ newer }), callback: expect.objectContaining({ newer }) };
    const attempts = [{ n: 1, newer }, { n: 2 }];
    const history = expect.arrayContaining([expect.objectContaining({ newer })]);
    expect(await documentOf(runs)).toMatchObject({ ...members, attempts, history, status: TaskState.FINISHED });
    expect(await documentOf(waits)).toMatchObject({ ...members, status: TaskState.KILLED });
    gate.close();
  }, 240_000);

  test('in a queue is read if it can be, and otherwise set aside, whole, until a newer reader is up', async () => {
    const constraints = { field: 'HOSTNAME', values: ['no-such-host'] };
    const taskId = await tenant().submit({ taskName: 'named', commands: 'true', resources, constraints });
    await broker.publish('juice.tasks', 'task', { v: 2, taskIds: [String(taskId)], newer });
    await broker.publish('juice.commands', 'reconcile', { v: 2, kind: 'reconcile', taskIds: [String(taskId)], newer });
    for (const { exchange, body } of unreadable) await broker.publish(exchange, keys[exchange], body);
    const isAside = async () => (await broker.peekPoison(1)).count === unreadable.length;
    await until('them to be set aside', isAside, deadline);
    const { messages } = await broker.peekPoison(100);
    const seen = messages.map(({ queue, reason, start }) => ({ queue, reason, body: JSON.parse(start) as object }));
    expect(seen).toHaveLength(unreadable.length);
    expect(seen).toEqual(
      expect.arrayContaining(unreadable.map(({ queue, body }) => ({ queue, reason: 'rejected', body }))),
    );

    // The older ones go; a newer reader finds all of it.
    await Promise.all(running.map((one) => one.end('SIGTERM')));
    expect(await broker.redrivePoison(100)).toEqual({ redriven: unreadable.length, left: 0 });
    const read: unknown[] = [];
    for (const queue of new Set(unreadable.map(({ queue }) => queue))) {
      await broker.consume(queue, { prefetch: 10 }, (message) => {
        read.push(message.body);
        message.ack();
      });
    }
    const bodies = unreadable.map(({ body }) => body);
    await until('all to be read', () => read.length >= bodies.length, deadline);
    expect(read).toEqual(expect.arrayContaining(bodies));
    expect((await broker.peekPoison(1)).count).toBe(0);
  }, 240_000);
});
