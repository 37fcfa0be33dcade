import { randomUUID } from 'node:crypto';
import type { Channel, ConsumeMessage } from 'amqplib';
import { InvariantBroken } from '@juice/contracts';
import type { Report } from '@juice/runtime';
import { decodeBody } from './body.ts';
import type { Consumer, Delivery, ExchangeName, QueueName } from './broker.ts';
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
  const { log } = deps;
  let inHand = 0;
  const lost = watchChannel(channel, 'consume', deps.onLost);

  function accept(message: ConsumeMessage): void {
    inHand += 1;
    const settle = once(() => {
      inHand -= 1;
      if (lost.isIgnored && inHand === 0) void closeQuietly(channel);
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
    if (message === null) lost.report(brokerFailure('consume', 'the broker cancelled the consumer'));
    else accept(message);
  });

  return {
    async cancel() {
      if (lost.isIgnored) return;
      await cancelQuietly(channel, consumerTag);
      lost.isIgnored = true;
      if (inHand === 0) await closeQuietly(channel);
    },
  };
}

/** Who wants to know that something was published; outlives connections. */
export interface ListenerWish {
  readonly exchange: ExchangeName;
  readonly pattern: string;
  readonly onPublished: () => void;
}

/**
 * Listens on a channel of its own, by a queue that is this connection's alone and gone with it. It holds one message: that
 * something was published is all there is to know. Its name is new each time, since the former one may not be gone yet.
 */
export async function listen(
  channel: Channel,
  { exchange, pattern, onPublished }: ListenerWish,
  deps: { readonly prefix: string; readonly onLost: (reason: Error) => void },
): Promise<Consumer> {
  const lost = watchChannel(channel, 'listen', deps.onLost);
  const queue = `${deps.prefix}juice.listener.${randomUUID()}`;
  const limits = { maxLength: 1, arguments: { 'x-overflow': 'drop-head' } };
  await channel.assertQueue(queue, { exclusive: true, autoDelete: true, durable: false, ...limits });
  await channel.bindQueue(queue, deps.prefix + exchange, pattern);
  const { consumerTag } = await channel.consume(
    queue,
    (message) => {
      if (message === null) lost.report(brokerFailure('listen', 'the broker cancelled the consumer'));
      else if (!lost.isIgnored) onPublished();
    },
    { noAck: true },
  );
  return {
    async cancel() {
      if (lost.isIgnored) return;
      lost.isIgnored = true;
      await cancelQuietly(channel, consumerTag);
      await closeQuietly(channel);
    },
  };
}

/** Tells, at most until `isIgnored` is set, why a consumer's channel was lost. */
function watchChannel(channel: Channel, operation: string, onLost: (reason: Error) => void) {
  const watch = {
    isIgnored: false,
    report(reason: Error): void {
      if (!watch.isIgnored) onLost(reason);
    },
  };
  channel.on('error', (error) => watch.report(translateAmqp(operation, error)));
  // A connection closes its channels before it says why: let it speak first.
  channel.on('close', () => queueMicrotask(() => watch.report(brokerFailure(operation, 'the channel was closed'))));
  return watch;
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

async function cancelQuietly(channel: Channel, consumerTag: string): Promise<void> {
  try {
    await channel.cancel(consumerTag);
  } catch {
    // The channel is gone, and the consumer with it: that is what was wanted.
  }
}

async function closeQuietly(channel: Channel): Promise<void> {
  try {
    await channel.close();
  } catch {
    // Closed already.
  }
}
