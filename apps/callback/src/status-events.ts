import { DependencyFailure, statusEventMessage, type StatusEvent, type TaskId } from '@juice/contracts';
import type { Log } from '@juice/observability';

/** What is needed of the broker. */
export interface EventSource {
  consume(
    queue: 'juice.callback.events',
    options: { readonly prefetch: number },
    onMessage: (message: EventDelivery) => void,
  ): Promise<{ cancel(): Promise<void> }>;
}

interface EventDelivery {
  readonly body: unknown;
  ack(): void;
  reject(): void;
}

/**
 * Reads status events and passes those on that left something to call back. An event is a hint, acknowledged when it is
 * received; the sweep finds what a lost one meant. A newer version is read for what we know of it; what cannot be read goes
 * to the poison queue.
 */
export interface StatusEvents {
  /** Consumes, if it does not yet; a broker that is away is no trouble: it is tried again at the next call. */
  resume(): Promise<void>;
  /** Leaves events to other workers, until resumed: we could do nothing with them. */
  pause(): Promise<void>;
}

/** Hints cost nothing to hold; enough that the broker's round trip does not slow them down. */
const prefetch = 200;

export function createStatusEvents(deps: {
  source: EventSource;
  onEvent: (taskId: TaskId, tenantId: string) => void;
  log: Log;
}): StatusEvents {
  const { source, onEvent, log } = deps;
  let consumer: { cancel(): Promise<void> } | null = null;
  let isWanted = false;
  /** One change of mind after the other. */
  let settled: Promise<void> = Promise.resolve();

  function receive(message: EventDelivery): void {
    const event = readEvent(message.body);
    if (event === null) {
      message.reject();
      log.warn('message.rejected', { queue: 'juice.callback.events', outcome: whyUnread(message.body) });
      return;
    }
    message.ack();
    if (event.callback) onEvent(event.taskId, event.tenantId);
  }

  async function settle(): Promise<void> {
    try {
      if (isWanted && consumer === null) {
        consumer = await source.consume('juice.callback.events', { prefetch }, receive);
      } else if (!isWanted && consumer !== null) {
        const cancelled = consumer;
        consumer = null;
        await cancelled.cancel();
      }
    } catch (error: unknown) {
      // Without the broker, or a cancellation it has seen to itself by going away: the sweep does the work alone.
      if (!(error instanceof DependencyFailure)) throw error;
    }
  }

  function want(wanted: boolean): Promise<void> {
    isWanted = wanted;
    settled = settled.then(settle, settle);
    return settled;
  }

  return { resume: () => want(true), pause: () => want(false) };
}

/** null for what is no event, or one of a newer version that has what we look for no more. */
export function readEvent(body: unknown): StatusEvent | null {
  const parsed = statusEventMessage.safeParse(body);
  return parsed.success ? parsed.data : null;
}

function whyUnread(body: unknown): 'newer version' | 'unreadable' {
  const { v } = Object(body) as { v?: unknown };
  return typeof v === 'number' && v > 1 ? 'newer version' : 'unreadable';
}
