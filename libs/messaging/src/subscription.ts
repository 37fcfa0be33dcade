import type { Channel, ConsumeMessage } from 'amqplib';
import { InvariantBroken } from '@juice/contracts';
import type { Report } from '@juice/runtime';
import { decodeBody } from './body.ts';
import type { Consumer, Delivery, QueueName } from './broker.ts';
import { brokerFailure, translateAmqp } from './broker-failure.ts';

/** What a consumer asked for; outlives connections. */
export interface ConsumerWish {
  readonly queue: QueueName;
  readonly prefetch: number;
  readonly onMessage: (delivery: Delivery) => void | Promise<void>;
}

/**
 * Begins to consume on a channel of the consumer's own, so that its prefetch is its own too (never the channel-wide kind: quorum
 * queues answer that by closing the connection). `onLost` is called once when the channel dies or the broker cancels the
 * consumer (its queue was deleted); not when it is cancelled here.
 */
export async function subscribe(
  channel: Channel,
  wish: ConsumerWish,
  deps: { readonly prefix: string; readonly log: Report; readonly onLost: (reason: Error) => void },
): Promise<Consumer> {
  const { log, onLost } = deps;
  let isCancelled = false;
  let inHand = 0;
  const lost = (reason: Error): void => {
    if (!isCancelled) onLost(reason);
  };
  channel.on('error', (error) => lost(translateAmqp('consume', error)));
  // A connection closes its channels before it says why: let it speak first.
  channel.on('close', () => queueMicrotask(() => lost(brokerFailure('consume', 'the channel was closed'))));

  function accept(message: ConsumeMessage): void {
    inHand += 1;
    const settle = once(() => {
      inHand -= 1;
      if (isCancelled && inHand === 0) void closeQuietly(channel);
    });
    const decoded = decodeBody(message.content);
    if (decoded.ok) {
      void hand(wish, log, toDelivery(channel, message, decoded.body, settle));
      return;
    }
    const { queue } = wish;
    log.warn('message.rejected', { queue, reason: decoded.problem, bytes: message.content.length });
    settle(() => channel.reject(message, false));
  }

  await channel.prefetch(wish.prefetch, false);
  const { consumerTag } = await channel.consume(deps.prefix + wish.queue, (message) => {
    if (message === null) lost(brokerFailure('consume', 'the broker cancelled the consumer'));
    else accept(message);
  });

  return {
    async cancel() {
      if (isCancelled) return;
      try {
        await channel.cancel(consumerTag);
      } catch {
        // The channel is gone, and the consumer with it: that is what was wanted.
      }
      isCancelled = true;
      if (inHand === 0) await closeQuietly(channel);
    },
  };
}

/** Hands a delivery to its handler; one that throws has the message rejected (see Broker.consume). */
export async function hand({ queue, onMessage }: ConsumerWish, log: Report, delivery: Delivery): Promise<void> {
  try {
    await onMessage(delivery);
  } catch (error: unknown) {
    log.error('message.rejected', { queue, reason: 'the handler failed', error });
    delivery.reject();
  }
}

function toDelivery(
  channel: Channel,
  message: ConsumeMessage,
  body: unknown,
  settle: (how: () => void) => void,
): Delivery {
  return {
    body,
    redelivered: message.fields.redelivered,
    ack: () => settle(() => channel.ack(message)),
    // `basic.reject`, not `basic.nack`: from RabbitMQ 4.3 on only a reject counts towards the delivery limit.
    reject: () => settle(() => channel.reject(message, false)),
    requeue: () => settle(() => channel.reject(message, true)),
  };
}

/** The first settlement is sent and counted; the rest are ignored. */
function once(afterwards: () => void): (how: () => void) => void {
  let isSettled = false;
  return (how) => {
    if (isSettled) return;
    isSettled = true;
    try {
      how();
    } catch (error: unknown) {
      // The channel is closed: the broker has the message again. Anything else would be ours.
      if (!(error instanceof Error) || error.name !== 'IllegalOperationError') {
        throw new InvariantBroken('a message could not be settled', { cause: error });
      }
    }
    afterwards();
  };
}

async function closeQuietly(channel: Channel): Promise<void> {
  try {
    await channel.close();
  } catch {
    // Closed already.
  }
}
