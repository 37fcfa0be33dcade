import { brokerContract } from '../testing/index.ts';
import { createMemoryHub } from './memory-broker.ts';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

brokerContract('memory', async () => {
  const hub = createMemoryHub({ log: quiet });
  return { connect: async () => hub.connect(), remove: async () => undefined };
});
