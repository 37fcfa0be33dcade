import { brokerContract, describeWithRabbit, removeTopology, uniquePrefix } from '../testing/index.ts';
import { connectBroker } from './connect-broker.ts';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

describeWithRabbit('RabbitMQ', (url) => {
  brokerContract('RabbitMQ', async () => {
    const prefix = uniquePrefix('contract');
    return {
      connect: () => connectBroker(url, { log: quiet, prefix }),
      remove: () => removeTopology(url, prefix),
    };
  });
});
