import type { ConfirmChannel, GetMessage } from 'amqplib';
import type { QueueName } from './broker.ts';
import { onChannel } from './on-channel.ts';
import { brokerFailure, translateAmqp } from './broker-failure.ts';
import { redrivable, startOf, type PoisonMessage, type PoisonView, type Redriven } from './poison.ts';
import { poisonExchange } from './topology.ts';

/** A broker that confirms later than this is as good as down. */
const confirmDeadlineMs = 10_000;
/**
 * The queue drops a message that was given back a thousand times (see topology.ts): one that was looked at so often is put in
 * anew, at the end.
 */
const mostLooks = 500;

/**
 * Looks at the oldest poison on a channel of its own, and gives all of it back, where it was. While it looks others do not see these
 * messages.
 */
export async function peekPoison(channel: ConfirmChannel, prefix: string, limit: number): Promise<PoisonView> {
  const queue = `${prefix}juice.poison`;
  return onChannel(channel, 'peek poison', async () => {
    const { messageCount: count } = await channel.checkQueue(queue);
    const found: GetMessage[] = [];
    while (found.length < limit) {
      const message = await channel.get(queue, { noAck: false });
      if (message === false) break;
      found.push(message);
    }
    for (const message of found)
      if (looksAt(message) >= mostLooks) await move(channel, message, { exchange: prefix + poisonExchange, key: '' });
    if (found.length > 0) await giveBack(channel, queue, count);
    return { count, messages: found.map((message) => view(message, prefix)) };
  });
}

/**
 * Puts the oldest poison back into the queues that it came from, each message confirmed there before it is taken out here: a crash
 * in between leaves it in both. What comes from nowhere that is known is passed over, and does not count towards the limit. At most as
 * many are looked at as there are now, so that what is rejected again does not go round in circles.
 */
export async function redrivePoison(channel: ConfirmChannel, prefix: string, limit: number): Promise<Redriven> {
  const queue = `${prefix}juice.poison`;
  return onChannel(channel, 'redrive poison', async () => {
    const { messageCount } = await channel.checkQueue(queue);
    let [redriven, left] = [0, 0];
    while (redriven < limit && redriven + left < messageCount) {
      const message = await channel.get(queue, { noAck: false });
      if (message === false) break;
      const { queue: origin } = view(message, prefix);
      if (origin === null) left += 1;
      else {
        // By its name over the default exchange: to that queue, and to nobody else who listens.
        await move(channel, message, { exchange: '', key: prefix + origin });
        redriven += 1;
      }
    }
    if (left > 0) await giveBack(channel, queue, messageCount - redriven);
    return { redriven, left };
  });
}

/** Round trips after which it is left to the broker: a moment of a second, if others take what was given back. */
const mostAsks = 200;

/**
 * Gives back all that is unsettled, and resolves when at least so many are there again: a quorum queue takes a moment, in which who
 * looks next would not see them.
 */
async function giveBack(channel: ConfirmChannel, queue: string, least: number): Promise<void> {
  channel.nackAll(true);
  for (let asks = 0; asks < mostAsks; asks += 1) {
    const { messageCount } = await channel.checkQueue(queue);
    if (messageCount >= least) return;
  }
}

async function move(
  channel: ConfirmChannel,
  message: GetMessage,
  to: { readonly exchange: string; readonly key: string },
): Promise<void> {
  let isReturned = false;
  const onReturn = (): void => void (isReturned = true);
  channel.on('return', onReturn);
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(brokerFailure('publish', `not confirmed within ${confirmDeadlineMs} ms`)),
        confirmDeadlineMs,
      );
      // Back in a work queue its deaths are over; put in anew it keeps them.
      const headers = to.exchange === '' ? {} : { headers: withoutCount(message) };
      const options = { persistent: true, mandatory: true, contentType: 'application/json', ...headers };
      channel.publish(to.exchange, to.key, message.content, options, (error: unknown) => {
        clearTimeout(timer);
        if (error === null || error === undefined) resolve();
        else reject(translateAmqp('publish', error));
      });
    });
  } finally {
    channel.off('return', onReturn);
  }
  if (isReturned) throw brokerFailure('publish', `there is no queue ${to.key}`);
  channel.ack(message);
}

type Headers = Readonly<Record<string, unknown>>;

function headersOf({ properties }: GetMessage): Headers {
  return (properties.headers ?? {}) as Headers;
}

function withoutCount(message: GetMessage): Record<string, unknown> {
  const { 'x-delivery-count': _, ...headers } = headersOf(message);
  return headers;
}

function looksAt(message: GetMessage): number {
  const count = headersOf(message)['x-delivery-count'];
  return typeof count === 'number' ? count : 0;
}

interface Death {
  readonly queue?: unknown;
  readonly reason?: unknown;
  readonly time?: { readonly value?: unknown };
}

function view(message: GetMessage, prefix: string): PoisonMessage {
  const deaths = headersOf(message)['x-death'];
  const death = (Array.isArray(deaths) ? deaths[0] : undefined) as Death | undefined;
  // AMQP has seconds; amqplib reads them as a bare number within { '!': 'timestamp', value }.
  const seconds = death?.time?.value;
  return {
    queue: originOf(death?.queue, prefix),
    reason: typeof death?.reason === 'string' ? death.reason : null,
    atMs: typeof seconds === 'number' ? seconds * 1000 : null,
    bytes: message.content.length,
    start: startOf(message.content),
  };
}

function originOf(queue: unknown, prefix: string): QueueName | null {
  return redrivable.find((name) => prefix + name === queue) ?? null;
}
