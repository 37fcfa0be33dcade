import type { ConfirmChannel } from 'amqplib';
import type { ExchangeName } from './broker.ts';
import { brokerFailure, translateAmqp } from './broker-failure.ts';

/** A broker that confirms later than this is as good as down: the sweep is faster. */
const confirmDeadlineMs = 10_000;
/** Unconfirmed messages at a time; bounds what a slow broker costs in memory. */
const maxOutstanding = 10_000;

export interface Publisher {
  /** Resolves when confirmed and routed; rejects with a DependencyFailure. */
  publish(exchange: ExchangeName, routingKey: string, content: Buffer): Promise<void>;
  /** Resolves when no publish is outstanding any more, however it ended. */
  flush(): Promise<void>;
}

interface Outstanding {
  isReturned: boolean;
  readonly done: Promise<void>;
}

/**
 * Publishes on a confirm channel: persistent, and `mandatory`, because a broker also confirms a message that reaches no
 * queue. Such a message is sent back ('return') before it is confirmed; the message id tells which one it was.
 */
export function createPublisher(channel: ConfirmChannel, prefix: string): Publisher {
  const outstanding = new Map<string, Outstanding>();
  let published = 0;

  channel.on('return', ({ properties }) => {
    const entry = outstanding.get(String(properties.messageId));
    if (entry !== undefined) entry.isReturned = true;
  });

  function send(messageId: string, exchange: ExchangeName, routingKey: string, content: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(brokerFailure('publish', `not confirmed within ${confirmDeadlineMs} ms`));
      }, confirmDeadlineMs);
      const settle = (error: unknown): void => {
        clearTimeout(timer);
        if (error !== null) reject(translateAmqp('publish', error));
        else if (outstanding.get(messageId)?.isReturned !== true) resolve();
        else reject(brokerFailure('publish', `no queue is bound to ${exchange} for ${routingKey}`));
      };
      const options = { persistent: true, mandatory: true, messageId, contentType: 'application/json' };
      try {
        channel.publish(prefix + exchange, routingKey, content, options, (error: unknown) => settle(error ?? null));
      } catch (error: unknown) {
        // The channel is closing or closed.
        settle(error);
      }
    });
  }

  return {
    async publish(exchange, routingKey, content) {
      if (outstanding.size >= maxOutstanding) {
        throw brokerFailure('publish', `${maxOutstanding} messages are not confirmed yet`);
      }
      published += 1;
      const messageId = String(published);
      const done = send(messageId, exchange, routingKey, content);
      outstanding.set(messageId, { isReturned: false, done });
      try {
        await done;
      } finally {
        outstanding.delete(messageId);
      }
    },
    async flush() {
      await Promise.allSettled([...outstanding.values()].map(({ done }) => done));
    },
  };
}
