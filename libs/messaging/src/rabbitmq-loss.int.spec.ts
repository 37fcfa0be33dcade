import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  describeWithRabbit,
  openInbox,
  removeTopology,
  startTcpProxy,
  uniquePrefix,
  until,
  type TcpProxy,
} from '../testing/index.ts';
import type { Broker, BrokerState } from './broker.ts';
import { connectBroker, type BrokerSettings } from './connect-broker.ts';

/** Connection.Blocked('test') and Connection.Unblocked of AMQP 0-9-1, as the broker would send them. */
const blockedFrame = frame([0, 10, 0, 60, 4, ...Buffer.from('test')]);
const unblockedFrame = frame([0, 10, 0, 61]);

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

function frame(payload: readonly number[]): Buffer {
  return Buffer.from([1, 0, 0, 0, 0, 0, payload.length, ...payload, 0xce]);
}

describeWithRabbit('RabbitMQ, lost and found', (url) => {
  describe('RabbitMQ, lost and found', () => {
    const clients: Broker[] = [];
    let proxy: TcpProxy;
    let prefix: string;
    let events: string[];

    beforeEach(async () => {
      proxy = await startTcpProxy(url);
      prefix = uniquePrefix('loss');
      events = [];
    });

    afterEach(async () => {
      await Promise.all(clients.splice(0).map((client) => client.close()));
      await proxy.stop();
      await removeTopology(url, prefix);
    });

    async function connect(settings: Partial<BrokerSettings> = {}): Promise<Broker & { states: BrokerState[] }> {
      const note = (event: string): void => void events.push(event);
      const broker = await connectBroker(proxy.url, {
        log: { info: note, warn: note, error: note },
        prefix,
        heartbeatSeconds: 1,
        closeDeadlineMs: 1_000,
        backoff: { firstMs: 1, maxMs: 20 },
        ...settings,
      });
      clients.push(broker);
      const states: BrokerState[] = [];
      broker.onStateChange((state) => states.push(state));
      return Object.assign(broker, { states });
    }

    test('after a lost connection who listens hears again, and what it listened with is gone', async () => {
      let heard = 0;
      const broker = await connect();
      await broker.listen('juice.events', 'task.#', () => (heard += 1));
      await broker.publish('juice.events', 'task.RUNNING.t', 1);
      await until(() => heard === 1, 'the first is heard of');
      proxy.cut();
      await until(() => broker.states.at(-1) === 'up' && broker.states.includes('down'), 'it is connected again');
      await until(() => {
        void broker.publish('juice.events', 'task.RUNNING.t', 2).catch(() => undefined);
        return heard > 1;
      }, 'it hears again');
      await broker.close();
      const before = heard;
      const other = await connect();
      await other.publish('juice.events', 'task.RUNNING.t', 3);
      expect(heard).toBe(before);
    });

    test('after a lost connection consumers are there again, and get again what they had in hand', async () => {
      const broker = await connect();
      const inbox = await openInbox(broker, 'juice.scheduler.tasks');
      await broker.publish('juice.tasks', 'task', 'before');
      const inHand = await inbox.has(1);
      proxy.cut();
      await until(() => broker.states.length === 2, 'it is up again');
      expect(broker.states).toEqual(['down', 'up']);
      inHand.ack();
      expect(await inbox.has(2)).toMatchObject({ body: 'before', redelivered: true });
      await broker.publish('juice.tasks', 'task', 'after');
      expect((await inbox.has(3)).body).toBe('after');
      expect(events).toEqual(['dependency.lost', 'dependency.connected']);
    });

    test('while it is away publishes reject at once, and it is looked for until it is back', async () => {
      const broker = await connect();
      proxy.refuse();
      await until(() => !broker.isUp(), 'it is down');
      const late = broker.publish('juice.tasks', 'task', {});
      await expect(late).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE', operation: 'publish', retryable: true });
      // Asked for while there is no broker.
      const inbox = await openInbox(broker, 'juice.scheduler.tasks');
      await until(
        () => events.filter((event) => event === 'dependency.unreachable').length >= 3,
        'it was tried thrice',
      );
      proxy.accept();
      await until(() => broker.isUp(), 'it is up again');
      await broker.publish('juice.tasks', 'task', 'back');
      expect((await inbox.has(1)).body).toBe('back');
    });

    test('a peer that falls silent is noticed, and what it did not confirm is not said to be sent', async () => {
      const broker = await connect();
      proxy.silence();
      const unknown = broker.publish('juice.tasks', 'task', {});
      await expect(unknown).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE', retryable: true });
      await until(() => broker.isUp(), 'it is up again');
      expect(broker.states).toEqual(['down', 'up']);
    });

    test('what was confirmed is there, however often the connection broke meanwhile', async () => {
      const broker = await connect();
      const confirmed: number[] = [];
      const sending = Array.from({ length: 300 }, async (_, n) => {
        await until(() => broker.isUp(), 'it is up');
        await broker.publish('juice.tasks', 'task', n).then(
          () => confirmed.push(n),
          (error: unknown) => expect(error).toMatchObject({ code: 'DEPENDENCY_FAILURE' }),
        );
        if (n % 100 === 50) proxy.cut();
      });
      await Promise.all(sending);
      // Past the proxy: the last message is behind everything that was confirmed.
      const witness = await connectBroker(url, { log: quiet, prefix });
      clients.push(witness);
      await witness.publish('juice.tasks', 'task', 'last');
      const inbox = await openInbox(witness, 'juice.scheduler.tasks', { prefetch: 1000 });
      await until(() => inbox.bodies().includes('last'), 'the last has arrived');
      expect(confirmed.length).toBeGreaterThan(0);
      const arrived = new Set(inbox.bodies());
      expect(confirmed.filter((n) => !arrived.has(n))).toEqual([]);
    });

    test('a blocked connection is seen: nothing is published into it, consuming goes on', async () => {
      const broker = await connect();
      const other = await connectBroker(url, { log: quiet, prefix });
      clients.push(other);
      const inbox = await openInbox(broker, 'juice.scheduler.tasks');
      proxy.inject(blockedFrame);
      await until(() => broker.states.at(-1) === 'blocked', 'it is blocked');
      expect(broker.isUp()).toBe(false);
      await expect(broker.publish('juice.tasks', 'task', {})).rejects.toMatchObject({ retryable: true });
      await other.publish('juice.tasks', 'task', 'from elsewhere');
      expect((await inbox.has(1)).body).toBe('from elsewhere');
      proxy.inject(unblockedFrame);
      await until(() => broker.isUp(), 'it is up again');
      await broker.publish('juice.tasks', 'task', 'again');
      expect((await inbox.has(2)).body).toBe('again');
    });

    test('without waiting for the first connection it connects when it can', async () => {
      proxy.refuse();
      const broker = await connect({ waitForConnection: false });
      expect(broker.isUp()).toBe(false);
      const inbox = await openInbox(broker, 'juice.scheduler.tasks');
      proxy.accept();
      await until(() => broker.isUp(), 'it is up');
      await broker.publish('juice.tasks', 'task', 'first');
      await inbox.has(1);
      expect(events.at(-1)).toBe('dependency.connected');
    });

    test('a consumer cancelled while the broker is away stays cancelled', async () => {
      const broker = await connect();
      const inbox = await openInbox(broker, 'juice.scheduler.tasks');
      proxy.refuse();
      await until(() => !broker.isUp(), 'it is down');
      await inbox.consumer.cancel();
      proxy.accept();
      await until(() => broker.isUp(), 'it is up again');
      await broker.publish('juice.tasks', 'task', 'for another');
      const other = await openInbox(broker, 'juice.scheduler.tasks');
      await other.has(1);
      expect(inbox.deliveries).toEqual([]);
    });

    test('closing ends in any state: away, opening, or with a peer that is silent', async () => {
      const away = await connect({ waitForConnection: false });
      await until(() => away.isUp(), 'it is up');
      proxy.refuse();
      await until(() => !away.isUp(), 'it is down');
      await away.close();
      proxy.accept();
      const silent = await connect({ heartbeatSeconds: 600 });
      proxy.silence();
      const unknown = silent.publish('juice.tasks', 'task', {});
      const closed = silent.close();
      await expect(unknown).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE' });
      await closed;
      const opening = await connect({ waitForConnection: false });
      await opening.close();
      await until(() => proxy.connections() === 0, 'no connection is left');
    });
  });
});
