import { setTimeout as delay } from 'node:timers/promises';
import { DependencyFailure, type EventCursor, type EventName, type LoggedEvent } from '@juice/contracts';

/** The end of the event log, as it grows. */
export interface TailLog {
  readOn(
    after: EventCursor,
    limit: number,
  ): Promise<{ readonly events: readonly LoggedEvent[]; readonly upTo: EventCursor; readonly hasMore: boolean }>;
  latest(): Promise<EventCursor>;
}

/** Tells that there may be something new; nothing when the broker is away. */
export interface EventHints {
  listen(exchange: 'juice.events', pattern: string, onPublished: () => void): Promise<{ cancel(): Promise<void> }>;
}

export interface TailListener {
  readonly tenantId: string;
  /** Called in the order of places. Must not wait. */
  hear(event: LoggedEvent): void;
}

/**
 * The one reader of a process: it reads the log's end for all who follow it here, whatever their number, and hands each
 * tenant's events to those who listen for them. One query at a time, instead of one for each connection or tenant; what it reads in vain is
 * events of tenants that nobody follows here, which are small and come in large pages.
 *
 * It reads while anybody holds it: when a message says that something was published, and every second whatever happens.
 */
export interface EventTail {
  /** Begins to read if nobody has yet; resolves when `position` is known. The result lets go. Throws DependencyFailure. */
  hold(): Promise<() => void>;
  /** Up to where has been read: what there is before it, listeners have heard. Only while held. */
  position(): EventCursor;
  /**
   * Hands over what comes after the position, in the order of places, until it is ended by what this returns. Whoever has all up
   * to the position when joining misses nothing.
   */
  join(listener: TailListener): () => void;
}

export interface TailLimits {
  /** How often the log is looked at without a message. */
  readonly pollMs: number;
  /** After a message: what is published together is read together. */
  readonly gatherMs: number;
}

const usualLimits: TailLimits = { pollMs: 1_000, gatherMs: 20 };
const pageSize = 1_000;

interface Reading {
  position: EventCursor;
  readonly listeners: Map<string, Set<TailListener>>;
  isOver: boolean;
  /** Something was published since it was last asked. */
  isRung: boolean;
  wake: () => void;
}

export function createEventTail(deps: {
  log: TailLog;
  hints: EventHints;
  logger: { warn(event: EventName, fields: Readonly<Record<string, unknown>>): void };
  limits?: Partial<TailLimits>;
}): EventTail {
  const { log, hints, logger } = deps;
  const { pollMs, gatherMs } = { ...usualLimits, ...deps.limits };
  let holders = 0;
  let starting: Promise<Reading> | null = null;
  let current: Reading | null = null;

  async function start(): Promise<Reading> {
    const position = await log.latest();
    const reading: Reading = {
      ...{ position, listeners: new Map() },
      ...{ isOver: false, isRung: false, wake: () => undefined },
    };
    void readOn(reading);
    return reading;
  }

  async function readOn(reading: Reading): Promise<void> {
    const hearing = await listenFor(reading);
    let isAway = false;
    while (!reading.isOver) {
      try {
        const page = await log.readOn(reading.position, pageSize);
        isAway = false;
        handOver(reading, page);
        if (page.hasMore) continue;
      } catch (error: unknown) {
        if (!(error instanceof DependencyFailure)) throw error;
        if (!isAway)
          logger.warn('dependency.unreachable', { dependency: error.dependency, operation: 'follow', error });
        isAway = true;
      }
      await nextTime(reading);
    }
    await hearing?.cancel();
  }

  async function nextTime(reading: Reading): Promise<void> {
    if (!reading.isRung) {
      const timer = setTimeout(() => reading.wake(), pollMs);
      await new Promise<void>((resolve) => (reading.wake = resolve));
      clearTimeout(timer);
    }
    if (reading.isOver) return;
    await delay(gatherMs);
    reading.isRung = false;
  }

  async function listenFor(reading: Reading): Promise<{ cancel(): Promise<void> } | null> {
    try {
      return await hints.listen('juice.events', 'task.#', () => ring(reading));
    } catch (error: unknown) {
      if (!(error instanceof DependencyFailure)) throw error;
      return null;
    }
  }

  function letGo(): void {
    holders -= 1;
    if (holders > 0 || current === null) return;
    current.isOver = true;
    ring(current);
    current = null;
    starting = null;
  }

  function reading(): Reading {
    if (current === null) throw new RangeError('nobody holds the tail');
    return current;
  }

  return {
    async hold() {
      holders += 1;
      const begun = (starting ??= start());
      try {
        current = await begun;
      } catch (error: unknown) {
        if (starting === begun) starting = null;
        holders -= 1;
        throw error;
      }
      let isHeld = true;
      return () => {
        if (isHeld) letGo();
        isHeld = false;
      };
    },
    position: () => reading().position,
    join(listener) {
      const { listeners } = reading();
      const { tenantId } = listener;
      const others = listeners.get(tenantId) ?? new Set();
      listeners.set(tenantId, others.add(listener));
      return () => {
        others.delete(listener);
        if (others.size === 0 && listeners.get(tenantId) === others) listeners.delete(tenantId);
      };
    },
  };
}

function ring(reading: Reading): void {
  reading.isRung = true;
  reading.wake();
}

function handOver(reading: Reading, page: Awaited<ReturnType<TailLog['readOn']>>): void {
  for (const event of page.events) {
    for (const listener of reading.listeners.get(event.tenantId) ?? []) listener.hear(event);
  }
  reading.position = page.upTo;
}
