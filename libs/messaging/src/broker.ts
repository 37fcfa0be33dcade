import type { PoisonView, Redriven } from './poison.ts';

/** Where messages are published: topic exchanges. */
export type ExchangeName = 'juice.tasks' | 'juice.commands' | 'juice.events';

/** Where messages are consumed. `juice.poison` is an alert for people, not work for a service. */
export type QueueName = 'juice.scheduler.tasks' | 'juice.scheduler.commands' | 'juice.callback.events' | 'juice.poison';

export interface QueueCount {
  readonly queue: QueueName;
  /** That nobody has in hand. */
  readonly messages: number;
  readonly consumers: number;
}

/** `blocked`: connected, but the broker takes no messages (its memory or disk is short). */
export type BrokerState = 'up' | 'blocked' | 'down';

/**
 * The messaging port. A message is a hint that makes the truth in MongoDB arrive sooner: it may be lost or repeated, and
 * every queue has a sweep behind it. So nothing here waits for a broker that is away, and nothing is kept for it.
 */
export interface Broker {
  /**
   * Sends one message. Resolves when the broker has confirmed it and it reached at least one queue. Rejects with a
   * DependencyFailure: at once while the broker is down or blocks; when no queue is bound for it; when it was not
   * confirmed in time or the connection broke, in which case it may have arrived all the same. `retryable` is false only
   * for a body that is too large.
   */
  publish(exchange: ExchangeName, routingKey: string, body: unknown): Promise<void>;

  /**
   * Consumes a queue with at most `prefetch` messages unsettled at a time. Resolves when consuming has begun, or at once
   * while the broker is down: it is established as soon as the broker is there, and again after every reconnection, until
   * cancelled. The handler may be called before this has resolved. Every delivery must be settled once: `ack`, `reject` or `requeue`. A handler that throws or rejects is a bug:
   * it is logged and its message rejected.
   *
   * When a dependency of the consumer's own has failed it *cancels* and consumes again later. It does not requeue in a
   * loop: a requeue counts towards the delivery limit, so that innocent messages would end in `juice.poison`.
   */
  consume(
    queue: QueueName,
    options: { readonly prefetch: number },
    onMessage: (delivery: Delivery) => void | Promise<void>,
  ): Promise<Consumer>;

  /**
   * Calls `onPublished` after something was published whose key matches (`*`: one word, `#`: any number), beside the queues
   * that carry it; one call may stand for several. For those who only want to know that it is worth looking: nothing is kept
   * while this client is away. Established like `consume`, until cancelled.
   */
  listen(exchange: ExchangeName, pattern: string, onPublished: () => void): Promise<Consumer>;

  /**
   * Shows how much poison there is, and the oldest of it, and leaves it there. For people: at most `limit` messages, a round trip
   * each. Rejects with a DependencyFailure, at once while the broker is down.
   */
  peekPoison(limit: number): Promise<PoisonView>;

  /**
   * Puts up to `limit` of the oldest poison back into the queues that it came from; what comes from nowhere that is known stays, and is passed over. Each is
   * confirmed there before it is taken out here, so that none is lost, and one may be in both after a crash. Rejects as
   * `peekPoison` does; some may have gone back by then.
   */
  redrivePoison(limit: number): Promise<Redriven>;

  /** How much each queue has, and who takes it: for people. Rejects with a DependencyFailure, at once while the broker is down. */
  countMessages(): Promise<readonly QueueCount[]>;

  /** Whether messages can be published now. */
  isUp(): boolean;

  /** Calls `listener` with every later change of state. Returns a function that ends this. */
  onStateChange(listener: (state: BrokerState) => void): () => void;

  /** Takes no more publishes, waits for outstanding confirms (up to a deadline), and disconnects. Unsettled deliveries return to their queues. */
  close(): Promise<void>;
}

/**
 * One message in hand. The first settlement counts, later ones do nothing. Settling after the connection broke does
 * nothing either: the broker has given the message back to its queue and delivers it again.
 */
export interface Delivery {
  /** The body as parsed exact JSON: integers beyond 2^53 are bigints. */
  readonly body: unknown;
  /** It was (or may have been) delivered before. */
  readonly redelivered: boolean;
  /** Done with: the broker forgets it. */
  ack(): void;
  /** Cannot be used, now or later: it goes to `juice.poison`. */
  reject(): void;
  /** Back to the queue, to be delivered again at once; past the delivery limit it goes to `juice.poison`. */
  requeue(): void;
}

export interface Consumer {
  /**
   * Stops taking messages. Once resolved the handler is not called again; messages in hand can still be settled. What
   * else was on its way goes back to the queue.
   */
  cancel(): Promise<void>;
}
