import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { deliveryLimit, maxBodyBytes, type Broker, type BrokerState } from '../src/index.ts';
import { openInbox } from './inbox.ts';
import { until } from './until.ts';

/** A broker with empty queues of its own, for one test. */
export interface BrokerUnderTest {
  /** Another client of it. */
  connect(): Promise<Broker>;
  /** Removes what the test left. */
  remove(): Promise<void>;
}

/**
 * What everyone may rely on who uses the messaging port, whatever is behind it. Anything only RabbitMQ has (lost
 * connections, blocked publishers, bodies of others) is in its own integration tests.
 */
export function brokerContract(name: string, make: () => Promise<BrokerUnderTest>): void {
  describe(`broker contract: ${name}`, () => {
    let subject: BrokerUnderTest;
    let broker: Broker;
    const clients: Broker[] = [];

    async function connect(): Promise<Broker> {
      const client = await subject.connect();
      clients.push(client);
      return client;
    }

    beforeEach(async () => {
      subject = await make();
      broker = await connect();
    });

    afterEach(async () => {
      await Promise.all(clients.splice(0).map((client) => client.close()));
      await subject.remove();
    });

    test('a message arrives with its exact body, and once acknowledged it is gone', async () => {
      const body = { v: 1, taskIds: ['1'], exact: 9_223_372_036_854_775_807n, words: 'zażółć ✓', none: null, n: 1.5 };
      await broker.publish('juice.tasks', 'task', body);
      const inbox = await openInbox(broker, 'juice.scheduler.tasks');
      const delivery = await inbox.has(1);
      expect(delivery.body).toEqual(body);
      expect(delivery.redelivered).toBe(false);
      delivery.ack();
      await broker.close();
      const other = await connect();
      await other.publish('juice.tasks', 'task', 'the next');
      expect((await (await openInbox(other, 'juice.scheduler.tasks')).has(1)).body).toBe('the next');
    });

    test('every exchange fills its own queue, in order', async () => {
      const tasks = await openInbox(broker, 'juice.scheduler.tasks', { settle: ({ ack }) => ack() });
      const commands = await openInbox(broker, 'juice.scheduler.commands', { settle: ({ ack }) => ack() });
      const events = await openInbox(broker, 'juice.callback.events', { settle: ({ ack }) => ack() });
      await broker.publish('juice.commands', 'kill', 'command');
      await broker.publish('juice.events', 'task.RUNNING.tenant.with.dots', 'event');
      const numbers = Array.from({ length: 50 }, (_, n) => n);
      await Promise.all(numbers.map((n) => broker.publish('juice.tasks', 'task', n)));
      await Promise.all([tasks.has(50), commands.has(1), events.has(1)]);
      expect(tasks.bodies()).toEqual(numbers);
      expect(commands.bodies()).toEqual(['command']);
      expect(events.bodies()).toEqual(['event']);
    });

    test('a publish that reaches no queue rejects', async () => {
      const lost = broker.publish('juice.events', 'nobody.listens', {});
      await expect(lost).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE', dependency: 'rabbitmq', retryable: true });
      await broker.publish('juice.events', 'task.RUNNING.t', {});
    });

    test('a body that is too large rejects, and trying again would not help', async () => {
      const large = broker.publish('juice.tasks', 'task', 'x'.repeat(maxBodyBytes));
      await expect(large).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE', retryable: false });
    });

    test('a consumer never has more than its prefetch in hand', async () => {
      const numbers = [1, 2, 3, 4, 5];
      await Promise.all(numbers.map((n) => broker.publish('juice.tasks', 'task', n)));
      const inbox = await openInbox(broker, 'juice.scheduler.tasks', { prefetch: 2 });
      await inbox.has(2);
      // Whatever else were on its way would be here before what is published and consumed elsewhere meanwhile.
      await broker.publish('juice.commands', 'kill', {});
      await (await openInbox(broker, 'juice.scheduler.commands')).has(1);
      expect(inbox.bodies()).toEqual([1, 2]);
      inbox.deliveries[0]?.ack();
      await inbox.has(3);
      for (let settled = 1; settled < 5; settled += 1) (await inbox.has(settled + 1)).ack();
      expect(inbox.bodies()).toEqual(numbers);
    });

    test('two consumers share a queue', async () => {
      const first = await openInbox(broker, 'juice.scheduler.tasks', { prefetch: 1 });
      const second = await openInbox(await connect(), 'juice.scheduler.tasks', { prefetch: 1 });
      await broker.publish('juice.tasks', 'task', 'a');
      await broker.publish('juice.tasks', 'task', 'b');
      await Promise.all([first.has(1), second.has(1)]);
      expect([...first.bodies(), ...second.bodies()].toSorted()).toEqual(['a', 'b']);
    });

    test('how much each queue has, and how many take it, is told', async () => {
      await openInbox(broker, 'juice.callback.events');
      await broker.publish('juice.tasks', 'task', 1);
      await broker.publish('juice.tasks', 'task', 2);
      const all = [
        { queue: 'juice.callback.events', messages: 0, consumers: 1 },
        { queue: 'juice.poison', messages: 0, consumers: 0 },
        { queue: 'juice.scheduler.commands', messages: 0, consumers: 0 },
        { queue: 'juice.scheduler.tasks', messages: 2, consumers: 0 },
      ];
      const count = async () =>
        (await broker.countMessages()).toSorted((a, b) => (a.queue < b.queue ? -1 : 1)).map((one) => ({ ...one }));
      await until(async () => JSON.stringify(await count()) === JSON.stringify(all), 'the messages are counted');
      expect(await count()).toEqual(all);
      await broker.close();
      await expect(broker.countMessages()).rejects.toMatchObject({ dependency: 'rabbitmq' });
    });

    test('a rejected message goes to poison with its body', async () => {
      const poison = await openInbox(broker, 'juice.poison');
      await openInbox(broker, 'juice.scheduler.tasks', { settle: ({ reject }) => reject() });
      await broker.publish('juice.tasks', 'task', { cannot: 'be used' });
      expect((await poison.has(1)).body).toEqual({ cannot: 'be used' });
    });

    test('a handler that throws, or rejects, has its message rejected', async () => {
      const poison = await openInbox(broker, 'juice.poison');
      await broker.consume('juice.scheduler.tasks', { prefetch: 1 }, () => {
        throw new Error('a bug');
      });
      await broker.consume('juice.scheduler.commands', { prefetch: 1 }, async () => Promise.reject(new Error('a bug')));
      await broker.publish('juice.tasks', 'task', 'sync');
      await broker.publish('juice.commands', 'kill', 'async');
      await poison.has(2);
      expect(poison.bodies().toSorted()).toEqual(['async', 'sync']);
    });

    test('a requeued message is delivered again, before those behind it', async () => {
      await broker.publish('juice.tasks', 'task', 'first');
      await broker.publish('juice.tasks', 'task', 'second');
      const inbox = await openInbox(broker, 'juice.scheduler.tasks', { prefetch: 1 });
      (await inbox.has(1)).requeue();
      const again = await inbox.has(2);
      expect(again).toMatchObject({ body: 'first', redelivered: true });
      again.ack();
      expect((await inbox.has(3)).body).toBe('second');
    });

    test('a message that is requeued past the delivery limit goes to poison', async () => {
      const poison = await openInbox(broker, 'juice.poison');
      const inbox = await openInbox(broker, 'juice.scheduler.tasks', { settle: ({ requeue }) => requeue() });
      await broker.publish('juice.tasks', 'task', 'again and again');
      expect((await poison.has(1)).body).toBe('again and again');
      expect(inbox.deliveries).toHaveLength(deliveryLimit + 1);
    });

    test('what a client had in hand when it went away is delivered to another', async () => {
      const dying = await connect();
      const inbox = await openInbox(dying, 'juice.scheduler.tasks');
      await broker.publish('juice.tasks', 'task', 'kept');
      await broker.publish('juice.tasks', 'task', 'done');
      (await inbox.has(2)).ack();
      await dying.close();
      const heir = await openInbox(broker, 'juice.scheduler.tasks');
      expect(await heir.has(1)).toMatchObject({ body: 'kept', redelivered: true });
      // Too late, and no harm.
      inbox.deliveries[0]?.ack();
      expect(heir.deliveries).toHaveLength(1);
    });

    test('a cancelled consumer takes nothing more and settles what it has', async () => {
      const inbox = await openInbox(broker, 'juice.scheduler.tasks');
      await broker.publish('juice.tasks', 'task', 'in hand');
      const inHand = await inbox.has(1);
      await inbox.consumer.cancel();
      await inbox.consumer.cancel();
      await broker.publish('juice.tasks', 'task', 'later');
      inHand.ack();
      const next = await openInbox(broker, 'juice.scheduler.tasks');
      expect((await next.has(1)).body).toBe('later');
      await broker.close();
      const other = await openInbox(await connect(), 'juice.scheduler.tasks');
      expect((await other.has(1)).body).toBe('later');
      expect(inbox.bodies()).toEqual(['in hand']);
    });

    test('the first settlement counts', async () => {
      const poison = await openInbox(broker, 'juice.poison');
      const inbox = await openInbox(broker, 'juice.scheduler.tasks', {
        settle(delivery) {
          delivery.ack();
          delivery.reject();
          delivery.requeue();
        },
      });
      await broker.publish('juice.tasks', 'task', 1);
      await broker.publish('juice.tasks', 'task', 2);
      await inbox.has(2);
      expect(inbox.bodies()).toEqual([1, 2]);
      expect(poison.deliveries).toEqual([]);
    });

    describe('who listens', () => {
      test('hears of what is published and matches, as often as others do, and takes nothing from anybody', async () => {
        const events = await openInbox(broker, 'juice.callback.events', { settle: ({ ack }) => ack() });
        const heard = { all: 0, others: 0, elsewhere: 0 };
        const other = await connect();
        await broker.listen('juice.events', '#', () => (heard.all += 1));
        await other.listen('juice.events', 'task.*.acme', () => (heard.others += 1));
        await other.listen('juice.commands', '#', () => (heard.elsewhere += 1));
        await broker.publish('juice.events', 'task.RUNNING.globex', 1);
        await until(() => heard.all > 0, 'the first is heard of');
        await broker.publish('juice.events', 'task.RUNNING.acme', 2);
        await until(() => heard.all > 1 && heard.others > 0, 'the second is heard of by both');
        await events.has(2);
        expect(events.bodies()).toEqual([1, 2]);
        expect(heard).toEqual({ all: 2, others: 1, elsewhere: 0 });
      });

      test('hears nothing more once that is cancelled', async () => {
        const heard = { first: 0, second: 0 };
        const first = await broker.listen('juice.events', 'task.#', () => (heard.first += 1));
        await broker.listen('juice.events', 'task.#', () => (heard.second += 1));
        await first.cancel();
        await first.cancel();
        await broker.publish('juice.events', 'task.RUNNING.acme', {});
        await until(() => heard.second > 0, 'it is heard of');
        expect(heard.first).toBe(0);
      });
    });

    describe('poison', () => {
      /** Rejects these, one after the other, so that their order is known. */
      const spoil = async (...bodies: unknown[]) => {
        let rejected = 0;
        const settle = ({ reject }: { reject: () => void }) => {
          rejected += 1;
          reject();
        };
        const inbox = await openInbox(broker, 'juice.scheduler.tasks', { settle });
        for (const body of bodies) {
          const before = rejected;
          await broker.publish('juice.tasks', 'task', body);
          await until(() => rejected > before, 'it is rejected');
        }
        await inbox.consumer.cancel();
        await until(async () => (await broker.peekPoison(1)).count === bodies.length, 'all are poison');
      };

      /** Looks until so many are there: what was looked at is given back a moment after that. */
      const lookAt = async (count: number, limit: number): Promise<Awaited<ReturnType<Broker['peekPoison']>>> => {
        let view = await broker.peekPoison(limit);
        await until(async () => {
          if (view.count === count) return true;
          view = await broker.peekPoison(limit);
          return view.count === count;
        }, `${count} are there`);
        return view;
      };

      test('there is none', async () => {
        expect(await broker.peekPoison(10)).toEqual({ count: 0, messages: [] });
        expect(await broker.redrivePoison(10)).toEqual({ redriven: 0, left: 0 });
      });

      test('is looked at, the oldest first, as often as one likes, and stays where it is', async () => {
        await spoil('first', 'second', { third: 'x'.repeat(5_000) });
        for (let looks = 0; looks < 3; looks += 1) {
          const { messages } = await lookAt(3, 2);
          expect(messages).toMatchObject([
            { queue: 'juice.scheduler.tasks', reason: 'rejected', bytes: 7, start: '"first"' },
            { queue: 'juice.scheduler.tasks', reason: 'rejected', start: '"second"' },
          ]);
          expect(Math.abs((messages[0]?.atMs ?? 0) - Date.now())).toBeLessThan(60_000);
        }
        const third = (await lookAt(3, 10)).messages[2];
        expect(third?.bytes).toBeGreaterThan(5_000);
        expect(third?.start).toMatch(/^\{"third":"x{900,}$/);
        const poison = await openInbox(broker, 'juice.poison');
        await poison.has(3);
        expect(poison.bodies().slice(0, 2)).toEqual(['first', 'second']);
      });

      test('goes back to the queue it came from, the oldest first, and is poison no more', async () => {
        await spoil('first', 'second', 'third');
        expect(await broker.redrivePoison(2)).toEqual({ redriven: 2, left: 0 });
        const again = await openInbox(broker, 'juice.scheduler.tasks', { settle: ({ ack }) => ack() });
        await again.has(2);
        expect(again.bodies()).toEqual(['first', 'second']);
        expect(await lookAt(1, 10)).toMatchObject({ messages: [{ start: '"third"' }] });
      });

      test('that is rejected again is poison again, and does not go round in circles', async () => {
        await spoil('never right');
        const settle = ({ reject }: { reject: () => void }) => reject();
        const inbox = await openInbox(broker, 'juice.scheduler.tasks', { settle });
        expect(await broker.redrivePoison(1_000)).toEqual({ redriven: 1, left: 0 });
        await inbox.has(1);
        await until(async () => (await broker.peekPoison(1)).count === 1, 'it is poison again');
        expect(inbox.deliveries).toHaveLength(1);
      });
    });

    test('once closed it is down, says so, and publishes nothing', async () => {
      const states: BrokerState[] = [];
      broker.onStateChange((state) => states.push(state));
      const silent: BrokerState[] = [];
      broker.onStateChange((state) => silent.push(state))();
      expect(broker.isUp()).toBe(true);
      await broker.close();
      await broker.close();
      expect(broker.isUp()).toBe(false);
      expect(states).toEqual(['down']);
      expect(silent).toEqual([]);
      for (const asked of [broker.peekPoison(1), broker.redrivePoison(1)])
        await expect(asked).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE', retryable: true });
      const late = broker.publish('juice.tasks', 'task', {});
      await expect(late).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE', dependency: 'rabbitmq', retryable: true });
    });

    test('publishes that are under way when it closes are confirmed', async () => {
      const numbers = Array.from({ length: 200 }, (_, n) => n);
      const publishing = Promise.all(numbers.map((n) => broker.publish('juice.tasks', 'task', n)));
      await broker.close();
      await publishing;
      const inbox = await openInbox(await connect(), 'juice.scheduler.tasks', { prefetch: 500 });
      await inbox.has(200);
      expect(inbox.bodies()).toEqual(numbers);
    });
  });
}
