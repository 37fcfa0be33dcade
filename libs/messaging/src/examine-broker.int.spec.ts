import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect, type ChannelModel } from 'amqplib';
import { describeWithRabbit, removeTopology, uniquePrefix } from '../testing/index.ts';
import { connectBroker } from './connect-broker.ts';
import { openExamination, type BrokerExamination } from './examine-broker.ts';

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };

describeWithRabbit('RabbitMQ, examined', (url) => {
  describe('RabbitMQ, examined', () => {
    let prefix: string;
    let raw: ChannelModel;
    let examination: BrokerExamination;

    beforeEach(async () => {
      prefix = uniquePrefix('examined');
      raw = await connect(url);
      examination = await openExamination(url, { prefix, signal: AbortSignal.timeout(30_000) });
    });

    afterEach(async () => {
      await examination.close();
      await raw.close();
      await removeTopology(url, prefix);
    });

    test('says which broker it is', () => {
      expect(examination).toMatchObject({ product: 'RabbitMQ', version: expect.stringMatching(/^\d+\.\d+\./) });
    });

    test('what is not there is missing, and is not made', async () => {
      for (let round = 0; round < 2; round += 1) {
        const facts = await examination.examineTopology();
        expect(facts).toMatchObject({ present: [], different: [] });
        expect(facts.missing).toHaveLength(8);
      }
    });

    test('what a service has declared is as it should be', async () => {
      const broker = await connectBroker(url, { log: silent, prefix });
      await broker.close();
      const facts = await examination.examineTopology();
      expect(facts).toMatchObject({ missing: [], different: [] });
      expect(facts.present).toHaveLength(8);
    });

    test('what is there with other properties is named, and the rest is looked at', async () => {
      const channel = await raw.createChannel();
      await channel.assertQueue(`${prefix}juice.scheduler.tasks`, { durable: true });
      await channel.assertExchange(`${prefix}juice.events`, 'direct', { durable: true });
      const facts = await examination.examineTopology();
      expect(facts.different.map(({ name }) => name)).toEqual([
        `exchange ${prefix}juice.events`,
        `queue ${prefix}juice.scheduler.tasks`,
      ]);
      expect(facts.different[0]?.detail).toContain('exists with other properties');
      expect(facts.missing).toHaveLength(6);
    });
  });
});
