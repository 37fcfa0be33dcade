import type { ConfirmChannel } from 'amqplib';
import type { QueueCount } from './broker.ts';
import { onChannel } from './on-channel.ts';
import { declareQueues } from './topology.ts';

/** A passive declaration of each queue tells what is in it, and changes nothing. */
export async function countMessages(channel: ConfirmChannel, prefix: string): Promise<readonly QueueCount[]> {
  return onChannel(channel, 'count messages', async () => {
    const counts: QueueCount[] = [];
    for (const { queue } of declareQueues('')) {
      const { messageCount: messages, consumerCount: consumers } = await channel.checkQueue(prefix + queue);
      counts.push({ queue, messages, consumers });
    }
    return counts;
  });
}
