import { setTimeout as delay } from 'node:timers/promises';
import { DependencyFailure, isEndState, type EventCursor, type LoggedEvent, type TaskId } from '@juice/contracts';
import { endFrame, eventFrame, heartbeatFrame } from './event-frames.ts';
import type { EventTail } from './event-tail.ts';

/** The part of the event log that a stream reads while it is behind. */
export interface ReadLog {
  read(wanted: {
    readonly tenantId: string;
    readonly taskId: TaskId | null;
    readonly after: EventCursor;
    readonly upTo?: EventCursor;
    readonly limit: number;
  }): Promise<readonly LoggedEvent[]>;
}

/** Where a stream's text goes. */
export interface StreamSink {
  /** Sends; false when no more should be sent until `drained`. */
  write(text: string): boolean;
  /** True when there is room again; false when the stream is closed, or has been too slow and therefore closed. */
  drained(): Promise<boolean>;
  readonly closed: AbortSignal;
}

export interface FollowLimits {
  /** Events are some hundred bytes each, and one page is what a connection may hold in memory. */
  readonly pageSize: number;
  /** Below the minute after which proxies take a silent connection for dead. */
  readonly heartbeatMs: number;
}

const usualLimits: FollowLimits = { pageSize: 100, heartbeatMs: 15_000 };
const awayPauseMs = 1_000;

/**
 * Sends what comes after a place until the sink is closed, or the task that is followed has ended.
 *
 * States: *behind* the tail: events are read from the log, a page at a time, as fast as the sink takes them → *live*, when
 * all up to the tail's position is sent: the tail is joined, in that same turn, and hands over what comes → *full*, when the sink has no
 * room: the tail is left → *behind*, when it has drained. Nothing is kept for a sink but the page it was sent last.
 */
export async function followLog(
  deps: { log: ReadLog; tail: EventTail; limits?: Partial<FollowLimits> },
  stream: { readonly tenantId: string; readonly taskId: TaskId | null; readonly sink: StreamSink },
  after: EventCursor,
): Promise<'ended' | 'closed'> {
  const { log, tail } = deps;
  const { pageSize, heartbeatMs } = { ...usualLimits, ...deps.limits };
  const { tenantId, taskId, sink } = stream;
  /** All of the stream's events up to here are sent. */
  let position = after;
  let isLive = false;
  let hasRoom = true;

  /** Whether the last of them is the task's end. */
  function send(events: readonly LoggedEvent[]): boolean {
    const last = events.at(-1);
    if (last === undefined) return false;
    const isEnd = taskId !== null && isEndState(last.status);
    position = last.cursor;
    hasRoom = sink.write(events.map(eventFrame).join('') + (isEnd ? endFrame(last) : ''));
    return isEnd;
  }

  const heartbeat = setInterval(() => {
    if (isLive && tail.position() > position) position = tail.position();
    if (hasRoom) sink.write(heartbeatFrame(position));
  }, heartbeatMs);

  /** Sends the next page up to where the tail is; whether the end of the task was met. */
  async function readOn(): Promise<boolean> {
    const upTo = tail.position();
    const events = await keepTrying(() => log.read({ tenantId, taskId, after: position, upTo, limit: pageSize }));
    if (send(events)) return true;
    if (events.length < pageSize) position = upTo;
    return false;
  }

  async function keepTrying(read: () => Promise<readonly LoggedEvent[]>): Promise<readonly LoggedEvent[]> {
    while (!sink.closed.aborted) {
      try {
        return await read();
      } catch (error: unknown) {
        if (!(error instanceof DependencyFailure)) throw error;
        await delay(awayPauseMs, undefined, { signal: sink.closed }).catch(() => undefined);
      }
    }
    return [];
  }

  /** Hears the tail until the sink is full or closed; whether the end of the task was met. */
  function listen(): Promise<boolean> {
    return new Promise((resolve) => {
      isLive = true;
      const settle = (isEnd: boolean): void => {
        isLive = false;
        leave();
        sink.closed.removeEventListener('abort', onClosed);
        resolve(isEnd);
      };
      const onClosed = (): void => settle(false);
      const hear = (event: LoggedEvent): void => {
        // A client may come from a process whose tail was further on than ours.
        if (event.cursor <= position || (taskId !== null && event.taskId !== taskId)) return;
        const isEnd = send([event]);
        if (isEnd || !hasRoom) settle(isEnd);
      };
      const leave = tail.join({ tenantId, hear });
      sink.closed.addEventListener('abort', onClosed);
    });
  }

  try {
    while (!sink.closed.aborted) {
      if (!hasRoom) hasRoom = await sink.drained();
      else if (await (position < tail.position() ? readOn() : listen())) return 'ended';
    }
    return 'closed';
  } finally {
    clearInterval(heartbeat);
  }
}
