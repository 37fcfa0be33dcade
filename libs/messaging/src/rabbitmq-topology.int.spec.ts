import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect, type ChannelModel } from 'amqplib';
import { describeWithRabbit, openInbox, removeTopology, uniquePrefix, until } from '../testing/index.ts';
import type { Broker } from './broker.ts';
import { maxBodyBytes } from './body.ts';
import { connectBroker } from './connect-broker.ts';

describeWithRabbit('RabbitMQ, topology and bodies', (url) => {
  describe('RabbitMQ, topology and bodies', () => {
    const clients: Broker[] = [];
    const rejected: Record<string, unknown>[] = [];
    let prefix: string;
    let raw: ChannelModel;

    beforeEach(async () => {
      prefix = uniquePrefix('topology');
      raw = await connect(url);
      rejected.length = 0;
    });

    afterEach(async () => {
      await Promise.all(clients.splice(0).map((client) => client.close()));
      await raw.close();
      await removeTopology(url, prefix);
    });

    async function connectClient(): Promise<Broker> {
      const note = (event: string, fields: Record<string, unknown> = {}): void => {
        if (event === 'message.rejected') rejected.push(fields);
      };
      const backoff = { firstMs: 1, maxMs: 20 };
      const broker = await connectBroker(url, { log: { info: note, warn: note, error: note }, prefix, backoff });
      clients.push(broker);
      return broker;
    }

    test('any number of clients may declare it, also at the same time', async () => {
      const [first, second] = await Promise.all([connectClient(), connectClient(), connectClient()]);
      const inbox = await openInbox(second as Broker, 'juice.scheduler.tasks');
      await (first as Broker).publish('juice.tasks', 'task', 1);
      await inbox.has(1);
    });

    test('a queue of the same name with other properties is refused for good', async () => {
      const channel = await raw.createChannel();
      await channel.assertQueue(`${prefix}juice.scheduler.tasks`, { durable: false, autoDelete: true });
      await expect(connectClient()).rejects.toMatchObject({
        code: 'DEPENDENCY_FAILURE',
        retryable: false,
        message: expect.stringContaining('exists with other properties'),
      });
    });

    test('poison of nobody’s is shown as it is, and left where it is', async () => {
      const broker = await connectClient();
      const channel = await raw.createConfirmChannel();
      channel.publish(`${prefix}juice.poison`, '', Buffer.from([0xff, 0xfe, 0x00]));
      await channel.waitForConfirms();
      const unknown = { queue: null, reason: null, atMs: null, bytes: 3, start: '//4A' };
      expect(await broker.peekPoison(10)).toEqual({ count: 1, messages: [unknown] });
      expect(await broker.redrivePoison(10)).toEqual({ redriven: 0, left: 1 });
      await until(async () => (await broker.peekPoison(10)).count === 1, 'it is there again');
    });

    test('poison of nobody’s does not keep from going back what is behind it', async () => {
      const broker = await connectClient();
      const channel = await raw.createConfirmChannel();
      for (const body of ['nobody’s', 'nor this']) channel.publish(`${prefix}juice.poison`, '', Buffer.from(body));
      await channel.waitForConfirms();
      const inbox = await openInbox(broker, 'juice.scheduler.tasks', { settle: ({ reject }) => reject() });
      for (const body of ['first', 'second']) await broker.publish('juice.tasks', 'task', body);
      await inbox.has(2);
      await inbox.consumer.cancel();
      await until(async () => (await broker.peekPoison(1)).count === 4, 'all are poison');
      expect(await broker.redrivePoison(1)).toEqual({ redriven: 1, left: 2 });
      expect(await broker.redrivePoison(10)).toEqual({ redriven: 1, left: 2 });
      const again = await openInbox(broker, 'juice.scheduler.tasks', { settle: ({ ack }) => ack() });
      await again.has(2);
      await until(async () => (await broker.peekPoison(1)).count === 2, 'the others are there again');
    });

    test('poison that is looked at again and again is not lost to the limit of the queue', async () => {
      const broker = await connectClient();
      const channel = await raw.createConfirmChannel();
      channel.publish(`${prefix}juice.poison`, '', Buffer.from('old'), { headers: { kept: 1 } });
      await channel.waitForConfirms();
      for (let looks = 0; looks < 510; looks += 1) await broker.peekPoison(1);
      await until(async () => (await broker.peekPoison(1)).count === 1, 'it is there');
      const message = await channel.get(`${prefix}juice.poison`);
      if (message === false) throw new Error('it is gone');
      const { kept, 'x-delivery-count': looks = 0 } = message.properties.headers as Record<string, number>;
      expect(kept).toBe(1);
      expect(looks).toBeLessThan(100);
    }, 60_000);

    test.each([
      ['not JSON', Buffer.from('{"v":')],
      ['not UTF-8', Buffer.from([0x22, 0xff, 0x22])],
      [`more than ${maxBodyBytes} bytes`, Buffer.from(`"${'x'.repeat(maxBodyBytes)}"`)],
    ])('a body that is %s goes to poison and never reaches the handler', async (reason, body) => {
      const broker = await connectClient();
      const inbox = await openInbox(broker, 'juice.scheduler.tasks');
      const channel = await raw.createChannel();
      channel.publish(`${prefix}juice.tasks`, 'task', body);
      channel.publish(`${prefix}juice.tasks`, 'task', Buffer.from('"fine"'));
      expect((await inbox.has(1)).body).toBe('fine');
      expect(rejected).toEqual([{ queue: 'juice.scheduler.tasks', reason, bytes: body.length }]);
      let poison = await channel.get(`${prefix}juice.poison`);
      for (; poison === false; poison = await channel.get(`${prefix}juice.poison`));
      expect(poison.content.equals(body)).toBe(true);
      expect(poison.properties.headers?.['x-first-death-queue']).toBe(`${prefix}juice.scheduler.tasks`);
    });

    test('messages are persistent and say that they are JSON', async () => {
      const broker = await connectClient();
      await broker.publish('juice.commands', 'kill', { id: 2n ** 60n });
      const channel = await raw.createChannel();
      const message = await channel.get(`${prefix}juice.scheduler.commands`);
      if (message === false) throw new Error('confirmed, but not there');
      expect(message.properties).toMatchObject({ deliveryMode: 2, contentType: 'application/json' });
      expect(message.content.toString()).toBe('{"id":1152921504606846976}');
      channel.ack(message);
    });

    test('a queue that is deleted under its consumer comes back, and the consumer with it', async () => {
      const broker = await connectClient();
      const inbox = await openInbox(broker, 'juice.scheduler.tasks');
      const channel = await raw.createChannel();
      const states: string[] = [];
      broker.onStateChange((state) => states.push(state));
      await channel.deleteQueue(`${prefix}juice.scheduler.tasks`);
      await until(() => states.length === 2, 'it is up again');
      await broker.publish('juice.tasks', 'task', 'here again');
      expect((await inbox.has(1)).body).toBe('here again');
    });

    test('an exchange that is deleted comes back: the publish that found out rejects', async () => {
      const broker = await connectClient();
      const channel = await raw.createChannel();
      await channel.deleteExchange(`${prefix}juice.tasks`);
      await expect(broker.publish('juice.tasks', 'task', {})).rejects.toMatchObject({ code: 'DEPENDENCY_FAILURE' });
      await until(() => broker.isUp(), 'it is up again');
      await broker.publish('juice.tasks', 'task', {});
    });

    test('refused credentials and an unknown virtual host are final; the password is not told', async () => {
      const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
      const wrong = new URL(url);
      wrong.password = 'hunter2';
      await expect(connectBroker(wrong.href, { log })).rejects.toMatchObject({
        retryable: false,
        message: expect.not.stringContaining('hunter2'),
      });
      const elsewhere = new URL(url);
      elsewhere.pathname = '/nowhere';
      await expect(connectBroker(elsewhere.href, { log })).rejects.toMatchObject({ retryable: false });
      await expect(connectBroker('amqp://127.0.0.1:1', { log })).rejects.toMatchObject({ retryable: true });
    });
  });
});
