import type { ExchangeName, QueueName } from './broker.ts';

/**
 * How often a message is delivered again before it counts as poison. RabbitMQ's own default from 4.0 on; 3.10 has none,
 * and would loop. Generous, because one crash of a consumer counts against every message it had in hand.
 */
export const deliveryLimit = 20;

/** Poison is for people to look at: the newest are enough, and an unattended heap must not fill the broker. */
export const poisonLimit = 100_000;

export interface QueueDeclaration {
  readonly queue: QueueName;
  /** The binding that fills it. */
  readonly exchange: ExchangeName | 'juice.poison';
  readonly pattern: string;
  readonly arguments: Readonly<Record<string, string | number>>;
}

/** Where rejected and over-delivered messages go. Fanout: whatever key they had, they arrive. */
export const poisonExchange = 'juice.poison';

export const exchanges: readonly ExchangeName[] = ['juice.tasks', 'juice.commands', 'juice.events'];

/**
 * Every queue with its binding. Quorum queues are replicated and durable, and only they count deliveries. The limit and
 * the dead-letter exchange are explicit, so that RabbitMQ 3.10 (no limit of its own) and 4.x (20, then *dropped* without
 * an exchange) do the same.
 *
 * A queue's arguments cannot be changed once it exists: another declaration is refused (406) and closes the channel. To
 * change them give the queue a new name, or use a policy.
 */
export function declareQueues(prefix: string): readonly QueueDeclaration[] {
  const work = {
    'x-queue-type': 'quorum',
    'x-delivery-limit': deliveryLimit,
    'x-dead-letter-exchange': prefix + poisonExchange,
  };
  return [
    { queue: 'juice.scheduler.tasks', exchange: 'juice.tasks', pattern: '#', arguments: work },
    { queue: 'juice.scheduler.commands', exchange: 'juice.commands', pattern: '#', arguments: work },
    { queue: 'juice.callback.events', exchange: 'juice.events', pattern: 'task.#', arguments: work },
    {
      queue: 'juice.poison',
      exchange: 'juice.poison',
      pattern: '',
      // No dead-letter exchange: poison has nowhere else to go. The limit is for people who get and requeue to look.
      arguments: {
        'x-queue-type': 'quorum',
        'x-delivery-limit': 1_000,
        'x-max-length': poisonLimit,
        'x-overflow': 'drop-head',
      },
    },
  ];
}

/** Whether a topic pattern matches a routing key: `*` is one word, `#` any number of them, words are parted by dots. */
export function matchesPattern(pattern: string, routingKey: string): boolean {
  const match = (patterns: readonly string[], words: readonly string[]): boolean => {
    const [head, ...rest] = patterns;
    if (head === undefined) return words.length === 0;
    if (head === '#') return match(rest, words) || (words.length > 0 && match(patterns, words.slice(1)));
    return words.length > 0 && (head === '*' || head === words[0]) && match(rest, words.slice(1));
  };
  const split = (text: string): readonly string[] => (text === '' ? [] : text.split('.'));
  return match(split(pattern), split(routingKey));
}
