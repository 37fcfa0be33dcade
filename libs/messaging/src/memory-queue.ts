import type { Report } from '@juice/runtime';
import { decodeBody } from './body.ts';
import type { Delivery, QueueName } from './broker.ts';
import { hand, type ConsumerWish } from './subscription.ts';

/** Messages handed out in one turn of the event loop, so that a long queue does not keep it. */
const perTurn = 256;

export interface MemoryMessage {
  readonly bytes: Buffer;
  deliveries: number;
  /** Of poison: where it comes from, and why. */
  readonly death: Death | null;
}

export interface DeadMessage {
  readonly bytes: Buffer;
  readonly death: Death;
}

export interface Death {
  readonly queue: QueueName;
  readonly reason: 'rejected' | 'delivery_limit';
  readonly atMs: number;
}

export interface MemoryConsumer {
  readonly wish: ConsumerWish;
  readonly inHand: Set<MemoryMessage>;
}

export interface MemoryQueue {
  add(bytes: Buffer, death?: Death): void;
  /** The oldest, which stay where they are. */
  peek(limit: number): readonly MemoryMessage[];
  /** Takes the oldest out of which it is known where they come from; of the others that it met it leaves all where they are. */
  takeDead(limit: number): { readonly taken: readonly DeadMessage[]; readonly left: number };
  readonly size: number;
  readonly consumers: number;
  consume(wish: ConsumerWish): MemoryConsumer;
  /** Hands the consumer nothing more; what it has in hand it may still settle. */
  cancel(consumer: MemoryConsumer): void;
  /** The consumer is gone: what it had in hand goes back, to where it was. */
  drop(consumer: MemoryConsumer): void;
}

/** One queue in memory: consumers by turns, prefetch, redelivery up to a limit, then poison. */
export function createMemoryQueue(deps: {
  readonly name: QueueName;
  readonly log: Report;
  /** Messages it holds; past it the oldest are dropped. */
  readonly capacity: number;
  readonly deliveryLimit: number;
  readonly poison: (bytes: Buffer, reason: Death['reason']) => void;
}): MemoryQueue {
  const { log, poison } = deps;
  const messages = createLine<MemoryMessage>();
  /** In the order of their turns. */
  let consumers: MemoryConsumer[] = [];
  let isAwake = false;

  function wake(): void {
    if (isAwake) return;
    isAwake = true;
    setImmediate(() => {
      isAwake = false;
      for (let count = 0; messages.size() > 0; count += 1) {
        if (count === perTurn) return wake();
        const consumer = takeTurn();
        if (consumer === undefined) return;
        deliver(consumer, messages.take());
      }
    });
  }

  function takeTurn(): MemoryConsumer | undefined {
    const index = consumers.findIndex(({ inHand, wish }) => inHand.size < wish.prefetch);
    const [found] = index === -1 ? [] : consumers.splice(index, 1);
    if (found !== undefined) consumers.push(found);
    return found;
  }

  function deliver(consumer: MemoryConsumer, message: MemoryMessage): void {
    message.deliveries += 1;
    consumer.inHand.add(message);
    const settle = (how: () => void): void => {
      if (!consumer.inHand.delete(message)) return;
      how();
      wake();
    };
    const decoded = decodeBody(message.bytes);
    const delivery: Delivery = {
      // It was written by encodeBody, and so can be read.
      body: decoded.ok ? decoded.body : undefined,
      redelivered: message.deliveries > 1,
      ack: () => settle(() => undefined),
      reject: () => settle(() => poison(message.bytes, 'rejected')),
      requeue: () => settle(() => giveBack(message)),
    };
    void hand(consumer.wish, log, delivery);
  }

  function giveBack(message: MemoryMessage): void {
    if (message.deliveries > deps.deliveryLimit) poison(message.bytes, 'delivery_limit');
    else messages.putBack(message);
  }

  function cancel(consumer: MemoryConsumer): void {
    consumers = consumers.filter((other) => other !== consumer);
  }

  return {
    cancel,
    get consumers() {
      return consumers.length;
    },
    get size() {
      return messages.size();
    },
    peek: (limit) => messages.peek(limit),
    takeDead(limit) {
      const taken: DeadMessage[] = [];
      const left: MemoryMessage[] = [];
      for (let met = messages.size(); met > 0 && taken.length < limit; met -= 1) {
        const message = messages.take();
        if (message.death === null) left.push(message);
        else taken.push({ bytes: message.bytes, death: message.death });
      }
      for (const message of left.toReversed()) messages.putBack(message);
      return { taken, left: left.length };
    },
    add(bytes, death) {
      messages.add({ bytes, deliveries: 0, death: death ?? null });
      if (messages.size() > deps.capacity) messages.take();
      wake();
    },
    consume(wish) {
      const consumer: MemoryConsumer = { wish, inHand: new Set() };
      consumers.push(consumer);
      wake();
      return consumer;
    },
    drop(consumer) {
      cancel(consumer);
      const left = [...consumer.inHand].toReversed();
      consumer.inHand.clear();
      for (const message of left) giveBack(message);
      wake();
    },
  };
}

/** First in, first out, with a way back to the front; constant time however long (an array's `shift` is not). */
function createLine<Item>() {
  /** What was put back: the next to be taken is the last. */
  const front: Item[] = [];
  let items: Item[] = [];
  let taken = 0;
  return {
    size: () => front.length + items.length - taken,
    add: (item: Item) => void items.push(item),
    putBack: (item: Item) => void front.push(item),
    peek: (limit: number): readonly Item[] => [...front.toReversed(), ...items.slice(taken)].slice(0, limit),
    /** Only when it is not empty. */
    take(): Item {
      const returned = front.pop();
      if (returned !== undefined) return returned;
      const next = items[taken] as Item;
      taken += 1;
      if (taken * 2 >= items.length) {
        items = items.slice(taken);
        taken = 0;
      }
      return next;
    },
  };
}
