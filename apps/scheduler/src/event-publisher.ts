import { taskStateName, type StatusEvent, type TaskId } from '@juice/contracts';
import type { Log } from '@juice/observability';
import type { Wait } from './wait.ts';

export interface EventPublisher {
  /** Takes events that are in the log; those that are at hand already are not taken twice. */
  offer(events: readonly StatusEvent[]): void;
  /** Publishes until stopped. */
  run(): Promise<void>;
  /** Ends it when all at hand is published, or at once when the broker is away; the outboxes keep the rest. */
  stop(): void;
  readonly backlog: number;
}

const eventsPerBatch = 200;
/** Beyond this, events stay in their outboxes alone and are found by the sweep: a broker outage must not fill memory. */
const mostHeld = 50_000;
const retryMs = 500;

/**
 * Status events to the bus, and then out of the outboxes: the log has them, and now the bus has them too. A crash between the
 * two publishes an event twice, and readers tell by `taskId` and `seq`.
 */
export function createEventPublisher(deps: {
  publish: (exchange: 'juice.events', routingKey: string, body: unknown) => Promise<void>;
  clearOutbox: (published: readonly { taskId: TaskId; seq: number }[]) => Promise<void>;
  wait: Wait;
  logger: Log;
}): EventPublisher {
  const { publish, clearOutbox, logger } = deps;
  const stopping = new AbortController();
  const held = new Map<string, StatusEvent>();
  let wake: (() => void) | null = null;

  async function publishBatch(batch: readonly StatusEvent[]): Promise<boolean> {
    try {
      await Promise.all(batch.map((event) => publish('juice.events', routingKeyOf(event), bodyOf(event))));
      await clearOutbox(batch);
      return true;
    } catch (error: unknown) {
      logger.warn('call.failed', { operation: 'announce', events: batch.length, error });
      return false;
    }
  }

  return {
    offer(events) {
      for (const event of events) if (held.size < mostHeld) held.set(keyOf(event), event);
      wake?.();
    },
    get backlog() {
      return held.size;
    },
    async run() {
      while (!(stopping.signal.aborted && held.size === 0)) {
        if (held.size === 0) {
          await new Promise<void>((resolve) => (wake = resolve));
          wake = null;
          continue;
        }
        const batch = firstOf(held.values(), eventsPerBatch);
        if (await publishBatch(batch)) for (const event of batch) held.delete(keyOf(event));
        else if (stopping.signal.aborted) return;
        else await deps.wait(retryMs, stopping.signal);
      }
    },
    stop() {
      stopping.abort();
      wake?.();
    },
  };
}

function firstOf<T>(items: Iterable<T>, count: number): T[] {
  const taken: T[] = [];
  for (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}

function keyOf({ taskId, seq }: StatusEvent): string {
  return `${taskId}_${seq}`;
}

function routingKeyOf(event: StatusEvent): string {
  // Dots separate the words of a topic.
  return `task.${taskStateName(event.status)}.${event.tenantId.replaceAll('.', '_')}`;
}

function bodyOf(event: StatusEvent): unknown {
  return { ...event, taskId: String(event.taskId) };
}
