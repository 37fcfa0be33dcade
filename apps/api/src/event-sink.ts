import type { Response } from 'express';
import { setCommonHeaders } from './common-headers.ts';
import type { StreamSink } from './follow-log.ts';

/** A sink that can be ended from here. */
export interface EventSink extends StreamSink {
  /** What was sent goes out; then the connection is ended. */
  end(): void;
  /** It did not take what it was sent in time, and was cut off. */
  readonly isTooSlow: boolean;
}

const streamHeaders: readonly (readonly [string, string])[] = [
  ['content-type', 'text/event-stream; charset=utf-8'],
  // Neither kept, nor compressed or gathered on its way.
  ['cache-control', 'no-store, no-transform'],
  ['x-accel-buffering', 'no'],
];

/**
 * Answers 200 and makes the answer a stream. What the client does not take waits in the socket's own buffers, for `drainMs` at most; a client
 * that takes nothing for longer is cut off, and may come back to where it was.
 */
export function openEventSink(response: Response, drainMs: number): EventSink {
  const closed = new AbortController();
  let isTooSlow = false;
  response.once('close', () => closed.abort());
  response.statusCode = 200;
  setCommonHeaders(response);
  for (const [name, value] of streamHeaders) response.setHeader(name, value);
  response.flushHeaders();

  return {
    closed: closed.signal,
    get isTooSlow() {
      return isTooSlow;
    },
    write: (text) => !closed.signal.aborted && response.write(text),
    drained() {
      if (closed.signal.aborted || !response.writableNeedDrain) return Promise.resolve(!closed.signal.aborted);
      return new Promise((resolve) => {
        const settle = (isOpen: boolean): void => {
          clearTimeout(deadline);
          response.off('drain', onDrain);
          closed.signal.removeEventListener('abort', onClosed);
          resolve(isOpen);
        };
        const onDrain = (): void => settle(true);
        const onClosed = (): void => settle(false);
        const deadline = setTimeout(() => {
          isTooSlow = true;
          response.destroy();
        }, drainMs);
        response.on('drain', onDrain);
        closed.signal.addEventListener('abort', onClosed);
      });
    },
    end() {
      if (closed.signal.aborted) return;
      response.end();
      closed.abort();
    },
  };
}
