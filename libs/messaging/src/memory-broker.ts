import type { Report } from '@juice/runtime';
import { encodeBody } from './body.ts';
import type { Broker, QueueName } from './broker.ts';
import { brokerFailure } from './broker-failure.ts';
import { createMemoryQueue, type Death, type MemoryConsumer, type MemoryQueue } from './memory-queue.ts';
import { startOf } from './poison.ts';
import type { ListenerWish } from './subscription.ts';
import { createStateListeners } from './state-listeners.ts';
import { declareQueues, deliveryLimit, matchesPattern, poisonLimit } from './topology.ts';

/** Messages a queue holds. A hint more or less: the sweep finds what a dropped one was about. */
const queueLimit = 1_000_000;

/** A broker in memory; every `connect` is a client of its own. */
export interface MemoryHub {
  connect(): Broker;
}

/**
 * The messaging port in memory, for standalone and for tests: same topology, same contract (`brokerContract`) as
 * RabbitMQ, bodies through the same JSON. It forgets on exit, which is allowed: no message is ever the only copy.
 * Deliveries are made in a later turn of the event loop, never within `publish` or a settlement.
 */
export function createMemoryHub({ log }: { log: Report }): MemoryHub {
  const poisoned = createMemoryQueue({
    name: 'juice.poison',
    log,
    capacity: poisonLimit,
    deliveryLimit: Infinity,
    poison: () => undefined,
  });
  const bindings = declareQueues('')
    .filter(({ queue }) => queue !== 'juice.poison')
    .map(({ queue: name, exchange, pattern }) => {
      const poison = (bytes: Buffer, reason: Death['reason']): void =>
        poisoned.add(bytes, { queue: name, reason, atMs: Date.now() });
      const queue = createMemoryQueue({ name, log, capacity: queueLimit, deliveryLimit, poison });
      return { name, exchange, pattern, queue };
    });
  const queues = new Map<QueueName, MemoryQueue>([
    ['juice.poison', poisoned],
    ...bindings.map(({ name, queue }) => [name, queue] as const),
  ]);
  const listeners = new Set<ListenerWish>();
  return {
    connect: () =>
      connectTo({
        queues,
        poisoned,
        listeners,
        route: (exchange, routingKey) =>
          bindings
            .filter((bound) => bound.exchange === exchange && matchesPattern(bound.pattern, routingKey))
            .map(({ queue }) => queue),
      }),
  };
}

/** A hub with a single client. */
export function createMemoryBroker(deps: { log: Report }): Broker {
  return createMemoryHub(deps).connect();
}

function connectTo(hub: {
  readonly queues: ReadonlyMap<QueueName, MemoryQueue>;
  readonly poisoned: MemoryQueue;
  readonly listeners: Set<ListenerWish>;
  readonly route: (exchange: string, routingKey: string) => readonly MemoryQueue[];
}): Broker {
  const consumers: { readonly queue: MemoryQueue; readonly consumer: MemoryConsumer }[] = [];
  const listening: ListenerWish[] = [];
  const listeners = createStateListeners('up');
  function requireUp(operation: string): void {
    if (listeners.state() !== 'up') throw brokerFailure(operation, 'the broker was closed');
  }
  return {
    async publish(exchange, routingKey, body) {
      const bytes = encodeBody(body);
      requireUp('publish');
      const targets = hub.route(exchange, routingKey);
      const heard = [...hub.listeners].filter(
        (wish) => wish.exchange === exchange && matchesPattern(wish.pattern, routingKey),
      );
      if (targets.length + heard.length === 0)
        throw brokerFailure('publish', `no queue is bound to ${exchange} for ${routingKey}`);
      for (const queue of targets) queue.add(bytes);
      for (const wish of heard) setImmediate(() => hub.listeners.has(wish) && wish.onPublished());
    },
    async consume(name, { prefetch }, onMessage) {
      const queue = hub.queues.get(name);
      if (queue === undefined) throw brokerFailure('consume', `there is no queue ${name}`, { retryable: false });
      const consumer = queue.consume({ queue: name, prefetch, onMessage });
      consumers.push({ queue, consumer });
      return { cancel: async () => queue.cancel(consumer) };
    },
    async listen(exchange, pattern, onPublished) {
      const wish = { exchange, pattern, onPublished };
      hub.listeners.add(wish);
      listening.push(wish);
      return { cancel: async () => void hub.listeners.delete(wish) };
    },
    async peekPoison(limit) {
      requireUp('peek poison');
      const messages = hub.poisoned.peek(limit).map(({ bytes, death }) => ({
        ...{ queue: death?.queue ?? null, reason: death?.reason ?? null, atMs: death?.atMs ?? null },
        ...{ bytes: bytes.length, start: startOf(bytes) },
      }));
      return { count: hub.poisoned.size, messages };
    },
    async redrivePoison(limit) {
      requireUp('redrive poison');
      const { taken, left } = hub.poisoned.takeDead(limit);
      for (const { bytes, death } of taken) hub.queues.get(death.queue)?.add(bytes);
      return { redriven: taken.length, left };
    },
    async countMessages() {
      requireUp('count messages');
      return [...hub.queues].map(([queue, { size, consumers: taking }]) => ({
        ...{ queue, messages: size, consumers: taking },
      }));
    },
    isUp: () => listeners.state() === 'up',
    onStateChange: listeners.add,
    async close() {
      listeners.change('down');
      for (const { queue, consumer } of consumers.splice(0)) queue.drop(consumer);
      for (const wish of listening.splice(0)) hub.listeners.delete(wish);
    },
  };
}
