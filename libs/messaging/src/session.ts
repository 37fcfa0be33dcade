import { connect, type Channel, type ChannelModel, type ConfirmChannel } from 'amqplib';
import type { Report } from '@juice/runtime';
import type { Consumer, QueueCount } from './broker.ts';
import { countMessages } from './count-messages.ts';
import type { PoisonView, Redriven } from './poison.ts';
import { peekPoison, redrivePoison } from './poison-queue.ts';
import { brokerFailure, translateAmqp } from './broker-failure.ts';
import { createPublisher, type Publisher } from './publisher.ts';
import { listen, subscribe, type ConsumerWish, type ListenerWish } from './subscription.ts';
import { declareQueues, exchanges, poisonExchange } from './topology.ts';

/** From the first packet to everything declared. */
const openDeadlineMs = 10_000;

export interface SessionSettings {
  readonly url: string;
  /** Shown in RabbitMQ's list of connections. */
  readonly connectionName: string;
  readonly prefix: string;
  /** Two of these without a sign of life end the session. */
  readonly heartbeatSeconds: number;
  readonly log: Report;
  /** Ends the opening; a session that is open is not touched by it. */
  readonly signal: AbortSignal;
  readonly onBlocked: (isBlocked: boolean) => void;
}

/**
 * One connection to RabbitMQ, from its opening to its end. It never repairs itself: whatever goes wrong (the socket, a
 * missed heartbeat, a channel, a consumer the broker cancelled) ends all of it, and the next session declares and
 * subscribes everything anew. One way to recover, used by every kind of trouble.
 */
export interface Session {
  readonly publisher: Publisher;
  consume(wish: ConsumerWish): Promise<Consumer>;
  listen(wish: ListenerWish): Promise<Consumer>;
  /** These three on a channel of their own, whose end is nobody else's. */
  countMessages(): Promise<readonly QueueCount[]>;
  peekPoison(limit: number): Promise<PoisonView>;
  redrivePoison(limit: number): Promise<Redriven>;
  /** Resolves, once, with why the session ended. */
  readonly ended: Promise<Error>;
  /** Ends it from our side because something about it is wrong. */
  end(reason: Error): void;
  /** Says goodbye; past the deadline the socket is closed anyway. */
  close(deadlineMs: number): Promise<void>;
}

/** Connects, declares the topology and opens the publisher's channel. Throws DependencyFailure. */
export async function openSession(settings: SessionSettings): Promise<Session> {
  const socket = new AbortController();
  const giveUp = (): void => socket.abort();
  settings.signal.addEventListener('abort', giveUp);
  let tooLate: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    tooLate = setTimeout(() => {
      reject(brokerFailure('connect', `not open after ${openDeadlineMs} ms`));
      socket.abort();
    }, openDeadlineMs);
  });
  try {
    const opening = open(settings, socket);
    // Whatever it says once the deadline has passed is no news.
    opening.catch(() => undefined);
    return await Promise.race([opening, deadline]);
  } catch (error: unknown) {
    socket.abort();
    throw translateAmqp('connect', error);
  } finally {
    clearTimeout(tooLate);
    settings.signal.removeEventListener('abort', giveUp);
  }
}

async function open(settings: SessionSettings, socket: AbortController): Promise<Session> {
  const socketOptions = {
    noDelay: true,
    // Node's own option, handed on to the socket: how one whose peer is silent is ended. amqplib has no way to.
    signal: socket.signal,
    clientProperties: { connection_name: settings.connectionName },
  };
  const model = await connect(withHeartbeat(settings.url, settings.heartbeatSeconds), socketOptions);
  let resolveEnded: ((reason: Error) => void) | undefined;
  const ended = new Promise<Error>((resolve) => {
    resolveEnded = resolve;
  });
  const end = (reason: Error): void => {
    resolveEnded?.(reason);
    socket.abort();
  };
  // An 'error' event nobody listens to would end the process.
  model.on('error', (error) => end(translateAmqp('connection', error)));
  model.on('close', (error) => end(translateAmqp('connection', error ?? new Error('closed'))));
  model.on('blocked', (reason) => {
    settings.log.warn('dependency.lost', { dependency: 'rabbitmq', reason: `blocked: ${reason}` });
    settings.onBlocked(true);
  });
  model.on('unblocked', () => {
    settings.log.info('dependency.connected', { dependency: 'rabbitmq', reason: 'unblocked' });
    settings.onBlocked(false);
  });

  let isClosing = false;
  const channelLost = (reason: Error): void => {
    if (!isClosing) end(reason);
  };
  const channels = new Set<Channel>();
  const keep = <Kind extends Channel>(channel: Kind): Kind => {
    channels.add(channel);
    channel.on('close', () => channels.delete(channel));
    return channel;
  };

  await declareTopology(model, settings.prefix);
  const channel = keep(await model.createConfirmChannel());
  channel.on('error', (error) => channelLost(translateAmqp('publish', error)));
  // A connection closes its channels before it says why: let it speak first.
  channel.on('close', () => queueMicrotask(() => channelLost(brokerFailure('publish', 'the channel was closed'))));

  /** What an operation is refused for comes as its own rejection too. */
  const openOwn = async (): Promise<ConfirmChannel> => {
    const own = keep(await model.createConfirmChannel());
    own.on('error', () => undefined);
    return own;
  };

  return {
    ended,
    end,
    publisher: createPublisher(channel, settings.prefix),
    consume: async (wish) =>
      subscribe(keep(await model.createChannel()), wish, {
        prefix: settings.prefix,
        log: settings.log,
        onLost: channelLost,
      }),
    listen: async (wish) =>
      listen(keep(await model.createChannel()), wish, { prefix: settings.prefix, onLost: channelLost }),
    countMessages: async () => countMessages(await openOwn(), settings.prefix),
    peekPoison: async (limit) => peekPoison(await openOwn(), settings.prefix, limit),
    redrivePoison: async (limit) => redrivePoison(await openOwn(), settings.prefix, limit),
    async close(deadlineMs) {
      isClosing = true;
      const timer = setTimeout(() => socket.abort(), deadlineMs);
      // Channels first: amqplib sends by turns, and the connection's goodbye would overtake acknowledgements of theirs.
      const goodbye = Promise.allSettled([...channels].map((open) => open.close())).then(() => model.close());
      // Settles when the peer has answered, or by the 'close' event that aborting the socket brings about.
      await Promise.race([goodbye.catch(() => undefined), ended]);
      clearTimeout(timer);
      socket.abort();
    },
  };
}

/** Idempotent, and the same for publishers and consumers: whoever comes first declares, nobody depends on who. */
async function declareTopology(model: ChannelModel, prefix: string): Promise<void> {
  const channel = await model.createChannel();
  // What an operation is refused for comes as its own rejection too.
  channel.on('error', () => undefined);
  for (const exchange of exchanges) await channel.assertExchange(prefix + exchange, 'topic', { durable: true });
  await channel.assertExchange(prefix + poisonExchange, 'fanout', { durable: true });
  for (const { queue, exchange, pattern, arguments: args } of declareQueues(prefix)) {
    await channel.assertQueue(prefix + queue, { durable: true, arguments: args });
    await channel.bindQueue(prefix + queue, prefix + exchange, pattern);
  }
  await channel.close();
}

/** The operator's own `?heartbeat=` stands. */
function withHeartbeat(url: string, seconds: number): string {
  if (/[?&]heartbeat=/.test(url)) return url;
  return `${url}${url.includes('?') ? '&' : '?'}heartbeat=${seconds}`;
}
