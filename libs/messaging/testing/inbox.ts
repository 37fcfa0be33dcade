import type { Broker, Consumer, Delivery, QueueName } from '../src/index.ts';
import { until } from './until.ts';

export interface Inbox {
  /** Every delivery so far, in order; none is settled by itself. */
  readonly deliveries: Delivery[];
  readonly bodies: () => unknown[];
  readonly consumer: Consumer;
  /** Waits until there have been this many deliveries; returns the last. */
  has(count: number): Promise<Delivery>;
}

/** Consumes a queue into a list. */
export async function openInbox(
  broker: Broker,
  queue: QueueName,
  { prefetch = 100, settle = () => undefined }: { prefetch?: number; settle?: (delivery: Delivery) => void } = {},
): Promise<Inbox> {
  const deliveries: Delivery[] = [];
  const consumer = await broker.consume(queue, { prefetch }, (delivery) => {
    deliveries.push(delivery);
    settle(delivery);
  });
  return {
    deliveries,
    consumer,
    bodies: () => deliveries.map(({ body }) => body),
    async has(count) {
      await until(() => deliveries.length >= count, `${queue} has delivered ${count} (now ${deliveries.length})`);
      return deliveries[count - 1] as Delivery;
    },
  };
}
