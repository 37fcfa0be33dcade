import { setTimeout as wait } from 'node:timers/promises';
import { taskStateName, type StatusEvent, type TaskId } from '@juice/contracts';
import type { Log } from '@juice/observability';

export interface AnnouncementStore {
  clearOutbox(published: readonly { taskId: TaskId; seq: number }[]): Promise<void>;
  outboxLeftovers(beforeMs: number, limit: number): Promise<readonly StatusEvent[]>;
}

export interface Announcements {
  /** Takes events of a stored frame; they are published in this order. */
  announce(events: readonly StatusEvent[]): void;
  /** Publishes what an earlier leader, or a full memory, left in the outboxes. */
  sweep(): Promise<void>;
  /** Publishes until stopped. */
  run(): Promise<void>;
  /** Stops when what is at hand is published, or at once when the broker is away; the outboxes keep the rest. */
  stop(): void;
  readonly backlog: number;
}

const eventsPerBatch = 200;
/** Beyond this, events stay in their outboxes alone and are found by the sweep: a broker outage must not fill memory. */
const mostHeld = 50_000;
const retryMs = 500;
/** Younger leftovers are on their way. */
const leftoverAgeMs = 10_000;

/**
 * Status events from the outboxes to the bus, beside the frames: a broker outage stops neither launches nor
 * acknowledgements. An event is in its task's document until it was published and confirmed; a crash between the two
 * publishes it twice, and readers tell by `taskId` and `seq`.
 */
export function createAnnouncements(deps: {
  publish: (exchange: 'juice.events', routingKey: string, body: unknown) => Promise<void>;
  store: AnnouncementStore;
  log: Log;
  now: () => number;
}): Announcements {
  const { publish, store, log, now } = deps;
  let held: StatusEvent[] = [];
  let stopped = false;
  let wake: (() => void) | null = null;

  function announce(events: readonly StatusEvent[]): void {
    if (held.length + events.length > mostHeld) return;
    for (const event of events) held.push(event);
    wake?.();
  }

  async function publishBatch(batch: readonly StatusEvent[]): Promise<boolean> {
    try {
      await Promise.all(batch.map((event) => publish('juice.events', routingKeyOf(event), bodyOf(event))));
      await store.clearOutbox(lastOfEachTask(batch));
      return true;
    } catch (error: unknown) {
      log.warn('call.failed', { operation: 'announce', events: batch.length, error });
      return false;
    }
  }

  return {
    announce,
    get backlog() {
      return held.length;
    },
    async sweep() {
      if (held.length > 0) return;
      announce(await store.outboxLeftovers(now() - leftoverAgeMs, 5_000));
    },
    async run() {
      while (!(stopped && held.length === 0)) {
        if (held.length === 0) {
          await new Promise<void>((resolve) => (wake = resolve));
          wake = null;
          continue;
        }
        const batch = held.slice(0, eventsPerBatch);
        if (await publishBatch(batch)) held = held.slice(batch.length);
        else if (stopped) return;
        else await wait(retryMs);
      }
    },
    stop() {
      stopped = true;
      wake?.();
    },
  };
}

function routingKeyOf(event: StatusEvent): string {
  // Dots separate the words of a topic.
  return `task.${taskStateName(event.status)}.${event.tenantId.replaceAll('.', '_')}`;
}

function bodyOf(event: StatusEvent): unknown {
  return { ...event, taskId: String(event.taskId) };
}

function lastOfEachTask(batch: readonly StatusEvent[]): { taskId: TaskId; seq: number }[] {
  const last = new Map<TaskId, number>();
  for (const { taskId, seq } of batch) last.set(taskId, Math.max(seq, last.get(taskId) ?? 0));
  return [...last].map(([taskId, seq]) => ({ taskId, seq }));
}
