import type { IncomingMessage } from 'node:http';
import { DependencyFailure, ProtocolViolation } from '@juice/contracts';
import { readEvent, type ContentType } from './codec.ts';
import type { StreamEvent } from './conversation.ts';
import type { SetAlarm } from './post.ts';
import { createRecordReader } from './recordio.ts';

export interface EventStreamOptions {
  readonly contentType: ContentType;
  readonly maxRecordBytes: number;
  /** How long to wait for the first bytes. */
  readonly firstEventMs: number;
  /** How many heartbeat intervals of silence are one too many. */
  readonly missedHeartbeats: number;
  readonly setAlarm: SetAlarm;
  /** True once we have dropped the stream ourselves: it then ends instead of failing. */
  readonly isClosed: () => boolean;
  /** Aborted when the stream was broken off because another master leads. */
  readonly replaced: AbortSignal | null;
}

/** What every master uses, and what is assumed of one that does not say. */
const usualHeartbeatSeconds = 15;

/**
 * The events of one SUBSCRIBE response, SUBSCRIBED (or ERROR) first. Ends when the master ends the stream or we closed it.
 * Throws DependencyFailure (retryable) when it breaks off or falls silent, ProtocolViolation when it cannot be read; an
 * update alone that cannot be read is an event of its own, for on the next stream it would come again.
 *
 * It reads only as fast as it is asked: while the consumer is busy the socket is paused, so no more than a socket's buffers
 * and one chunk's records wait in memory. The watchdog therefore runs only while bytes are being waited for; a slow
 * consumer is not a silent master. Any byte counts as life.
 */
export async function* readEvents(response: IncomingMessage, options: EventStreamOptions): AsyncGenerator<StreamEvent> {
  const reader = createRecordReader(options);
  const chunks = response[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let patienceMs = options.firstEventMs;
  let isFirst = true;
  try {
    for (;;) {
      const next = await nextWithin(patienceMs);
      if (next.done === true) break;
      for (const record of reader.push(next.value)) {
        const event = readEvent(record, options.contentType);
        if (isFirst) checkFirst(event);
        isFirst = false;
        if (event.type === 'SUBSCRIBED') patienceMs = silenceMs(event.subscribed.heartbeat_interval_seconds, options);
        yield event;
      }
    }
    if (!reader.isAtBoundary()) throw new Error('the stream ended inside a record');
  } catch (error: unknown) {
    if (error instanceof ProtocolViolation) throw error;
    if (!options.isClosed()) throw options.replaced?.aborted === true ? options.replaced.reason : broken(error);
  } finally {
    response.destroy();
  }

  async function nextWithin(limitMs: number): Promise<IteratorResult<Buffer>> {
    const cancel = options.setAlarm(limitMs, () => response.destroy(new Error(`silent for ${limitMs} ms`)));
    try {
      return await chunks.next();
    } finally {
      cancel();
    }
  }
}

function silenceMs(heartbeatSeconds = usualHeartbeatSeconds, options: EventStreamOptions): number {
  return Math.max(heartbeatSeconds, 1) * 1000 * options.missedHeartbeats;
}

function checkFirst(event: StreamEvent): void {
  if (event.type === 'SUBSCRIBED' || event.type === 'ERROR') return;
  throw new ProtocolViolation({ peer: 'mesos', detail: `a stream begins with ${event.type}` });
}

function broken(cause: unknown): DependencyFailure {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new DependencyFailure({ dependency: 'mesos', operation: 'events', retryable: true, detail, cause });
}
