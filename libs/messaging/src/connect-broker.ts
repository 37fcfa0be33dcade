import { setTimeout as wait } from 'node:timers/promises';
import {
  backoffDelayMs,
  connectBackoff,
  connectWithBackoff,
  hideCredentials,
  type BackoffLimits,
  type Report,
} from '@juice/runtime';
import { encodeBody } from './body.ts';
import type { Broker, Consumer } from './broker.ts';
import { brokerFailure } from './broker-failure.ts';
import { openSession, type Session } from './session.ts';
import { createStateListeners } from './state-listeners.ts';

export interface BrokerSettings {
  readonly log: Report;
  /** Shown in RabbitMQ's list of connections: the service's name. */
  readonly connectionName?: string;
  /**
   * Whether to wait for the first connection (the default): then this rejects with a DependencyFailure when there is none,
   * for `connectWithBackoff` to try again. Without, it resolves at once and connects in the background: for a service that
   * can begin without its broker.
   */
  readonly waitForConnection?: boolean;
  /** Put before every exchange's and queue's name: tests and several installations share a virtual host. */
  readonly prefix?: string;
  /** A silent peer is noticed after two of these. 5: a dead link must not hide longer than a sweep takes. */
  readonly heartbeatSeconds?: number;
  /** How long `close` waits for outstanding confirms, and again for the broker's goodbye. */
  readonly closeDeadlineMs?: number;
  readonly backoff?: BackoffLimits;
  readonly random?: () => number;
}

interface Subscription {
  readonly begin: (on: Session) => Promise<Consumer>;
  /** On the present session; settles when subscribed, with null when that failed. */
  running: Promise<Consumer | null>;
}

/**
 * Connects to RabbitMQ and stays connected: after a loss it tries again for ever, with backoff and jitter, and declares
 * and subscribes everything anew. Credentials never reach the log.
 *
 * States: *down* until a session is open → *up* (publishing, consuming) ⇄ *blocked* (the broker is short of memory or
 * disk; consuming goes on) → *down* when the session ends, whatever ended it → … until `close`.
 */
export async function connectBroker(url: string, settings: BrokerSettings): Promise<Broker> {
  const { log, prefix = '', waitForConnection = true, backoff = connectBackoff, random = Math.random } = settings;
  const closing = new AbortController();
  const subscriptions = new Set<Subscription>();
  const listeners = createStateListeners('down');
  let session: Session | null = null;

  const open = (): Promise<Session> =>
    openSession({
      url,
      prefix,
      log,
      signal: closing.signal,
      connectionName: settings.connectionName ?? 'juice',
      heartbeatSeconds: settings.heartbeatSeconds ?? 5,
      onBlocked: (isBlocked) => listeners.change(isBlocked ? 'blocked' : 'up'),
    });

  function establish(subscription: Subscription, on: Session): void {
    subscription.running = subscription.begin(on).catch((error: unknown) => {
      on.end(error instanceof Error ? error : brokerFailure('consume', String(error)));
      return null;
    });
  }

  function begin(opened: Session): void {
    session = opened;
    listeners.change('up');
    for (const subscription of subscriptions) establish(subscription, opened);
  }

  async function stayConnected(first: Session | null): Promise<void> {
    const target = hideCredentials(url);
    const connect = { dependency: 'rabbitmq', target, connect: open, log, backoff, random };
    let flaps = 0;
    for (let current = first; !closing.signal.aborted; current = null) {
      current ??= await connectWithBackoff({ ...connect, signal: closing.signal, isForever: true });
      const openedAt = performance.now();
      if (session !== current) begin(current);
      const reason = await current.ended;
      session = null;
      listeners.change('down');
      if (closing.signal.aborted) return;
      // A session that did not last counts as one more failure: a broker that accepts and drops is not hammered.
      flaps = performance.now() - openedAt < backoff.maxMs ? flaps + 1 : 1;
      const retryInMs = backoffDelayMs(flaps, backoff, random);
      log.warn('dependency.lost', { dependency: 'rabbitmq', target, retryInMs, error: reason });
      await wait(retryInMs, undefined, { signal: closing.signal });
    }
  }

  /** On the present session, if there is one, and on every later one. */
  async function subscribe(begin: Subscription['begin']): Promise<Consumer> {
    const subscription: Subscription = { begin, running: Promise.resolve(null) };
    subscriptions.add(subscription);
    if (session !== null) establish(subscription, session);
    await subscription.running;
    return {
      async cancel() {
        subscriptions.delete(subscription);
        await (await subscription.running)?.cancel();
      },
    };
  }

  const first = waitForConnection ? await open() : null;
  if (first !== null) begin(first);
  const staying = stayConnected(first).catch((error: unknown) => {
    if (!closing.signal.aborted) throw error;
  });

  function present(operation: string): Session {
    if (closing.signal.aborted) throw brokerFailure(operation, 'the broker was closed');
    if (session === null) throw brokerFailure(operation, 'not connected');
    return session;
  }

  return {
    async publish(exchange, routingKey, body) {
      const content = encodeBody(body);
      const on = present('publish');
      if (listeners.state() === 'blocked') throw brokerFailure('publish', 'the broker takes no messages now');
      await on.publisher.publish(exchange, routingKey, content);
    },
    consume: (queue, { prefetch }, onMessage) => subscribe((on) => on.consume({ queue, prefetch, onMessage })),
    listen: (exchange, pattern, onPublished) => subscribe((on) => on.listen({ exchange, pattern, onPublished })),
    peekPoison: async (limit) => present('peek poison').peekPoison(limit),
    redrivePoison: async (limit) => present('redrive poison').redrivePoison(limit),
    countMessages: async () => present('count messages').countMessages(),
    isUp: () => listeners.state() === 'up' && !closing.signal.aborted,
    onStateChange: listeners.add,
    async close() {
      closing.abort();
      const deadlineMs = settings.closeDeadlineMs ?? 5_000;
      const last = session;
      if (last !== null) {
        await Promise.race([last.publisher.flush(), wait(deadlineMs, undefined, { ref: false })]);
        await last.close(deadlineMs);
      }
      await staying;
    },
  };
}
