import { DependencyFailure, type StatusEvent, type TaskId } from '@juice/contracts';
import type { Log } from '@juice/observability';
import { createEventPublisher } from './event-publisher.ts';
import { createEventRecorder, type RecorderLog } from './event-recorder.ts';
import type { Wait } from './wait.ts';

export interface AnnouncementStore {
  clearOutbox(published: readonly { taskId: TaskId; seq: number }[]): Promise<void>;
  readOutboxes(ids: readonly TaskId[]): Promise<readonly StatusEvent[]>;
  outboxPage(
    fromMs: number,
    limit: number,
  ): Promise<{ readonly events: readonly StatusEvent[]; readonly next: number | null }>;
}

export interface Announcements {
  /** Takes events of a stored frame. */
  announce(events: readonly StatusEvent[]): void;
  /** Looks into the outboxes of tasks that somebody else has written to. */
  look(taskIds: readonly TaskId[]): void;
  /** Records and publishes until stopped; rejects when a newer epoch writes the event log. */
  run(): Promise<void>;
  /** Stops when what is at hand has arrived, or at once where that cannot be; the outboxes keep the rest. */
  stop(): void;
  /** Events at hand that are not in the log, and those that are not on the bus. */
  describe(): { readonly unlogged: number; readonly unannounced: number };
}

/** How long the kill of a waiting task, which the api writes, takes at most to be seen when its message is lost. */
const sweepMs = 5_000;
/** Tasks at a time: few, so that what frames announce meanwhile does not wait behind them for long. */
const sweepPage = 500;
/**
 * While the broker is away outboxes fill, and all of them are looked through in every sweep, since what the log lacks may be in
 * any. After so much of a pause for each page (one takes some twenty milliseconds), that is a twentieth of our time at most.
 */
const pausePerPageMs = 400;
const longestPauseMs = 300_000;

/**
 * Status events from the outboxes to the event log and, once they are there, to the bus, beside the frames: an outage of
 * either stops neither launches nor acknowledgements, and one of the bus does not stop the log. An event stays in its
 * task's outbox until both have it. What frames announce is at hand; what an earlier leader left, what the api wrote and what found no room
 * is found by the sweep.
 */
export function createAnnouncements(deps: {
  epoch: number;
  publish: (exchange: 'juice.events', routingKey: string, body: unknown) => Promise<void>;
  store: AnnouncementStore;
  eventLog: RecorderLog;
  wait: Wait;
  /** A look failed by a bug. */
  onFailure: (error: unknown) => void;
  log: Log;
  now: () => number;
}): Announcements {
  const { store, eventLog, wait, log, now } = deps;
  const stopping = new AbortController();
  const publisher = createEventPublisher({
    publish: deps.publish,
    clearOutbox: (published) => store.clearOutbox(published),
    wait,
    logger: log,
  });
  const recorder = createEventRecorder({
    log: eventLog,
    epoch: deps.epoch,
    readOutboxes: (ids) => store.readOutboxes(ids),
    recorded: (events) => publisher.offer(events),
    wait,
    logger: log,
    now,
  });

  /** What cannot be read now is found by a later sweep. */
  async function tolerating<T>(operation: string, read: () => Promise<T>): Promise<T | null> {
    try {
      return await read();
    } catch (error: unknown) {
      if (!(error instanceof DependencyFailure)) throw error;
      log.warn('dependency.unreachable', { dependency: error.dependency, operation, error });
      return null;
    }
  }

  /** Looks through every outbox, and says how long to pause. */
  async function sweep(): Promise<number> {
    let pages = 0;
    for (let from: number | null = 0; from !== null && !stopping.signal.aborted; pages += 1) {
      const page = await store.outboxPage(from, sweepPage);
      await recorder.offer(page.events);
      from = page.next;
    }
    return Math.min(Math.max(sweepMs, pages * pausePerPageMs), longestPauseMs);
  }

  async function sweepForever(): Promise<void> {
    while (!stopping.signal.aborted) {
      const pauseMs = await tolerating('sweep outboxes', sweep);
      await wait(pauseMs ?? sweepMs, stopping.signal);
    }
  }

  return {
    announce: (events) => void recorder.offer(events),
    look(taskIds) {
      const look = async (): Promise<void> => recorder.offer(await store.readOutboxes(taskIds));
      tolerating('read outboxes', look).catch(deps.onFailure);
    },
    async run() {
      // The publisher ends after the recorder, which it gets its events from; a sweep is left where it is.
      const recording = recorder.run().finally(() => publisher.stop());
      const over = new Promise<void>((resolve) => stopping.signal.addEventListener('abort', () => resolve()));
      await Promise.all([recording, publisher.run(), Promise.race([sweepForever(), over])]);
    },
    stop() {
      stopping.abort();
      recorder.stop();
    },
    describe: () => ({ unlogged: recorder.backlog, unannounced: recorder.backlog + publisher.backlog }),
  };
}
