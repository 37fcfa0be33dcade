import type { ServerResponse } from 'node:http';
import { encodeEvent, encodeRecord, type ContentType, type Event } from '@juice/mesos';

/** The open subscriptions: who is written to in which format. */
export interface EventStreams {
  /** Answers 200 and keeps the response open. `onEnd` is called once, when the connection ends, whoever ends it. */
  open(stream: { streamId: string; response: ServerResponse; contentType: ContentType; onEnd: () => void }): void;
  send(streamId: string, event: Event): void;
  end(streamId: string, abrupt: boolean): void;
  endAll(): void;
}

export function createEventStreams(): EventStreams {
  const streams = new Map<string, { readonly response: ServerResponse; readonly contentType: ContentType }>();

  function end(streamId: string, abrupt: boolean): void {
    const stream = streams.get(streamId);
    streams.delete(streamId);
    if (abrupt) stream?.response.destroy();
    else stream?.response.end();
  }

  return {
    open({ streamId, response, contentType, onEnd }) {
      streams.set(streamId, { response, contentType });
      response.once('close', () => {
        streams.delete(streamId);
        onEnd();
      });
      response.writeHead(200, { 'Content-Type': contentType, 'Mesos-Stream-Id': streamId });
      response.flushHeaders();
    },
    send(streamId, event) {
      const stream = streams.get(streamId);
      if (stream === undefined) return;
      // Events of one input leave in one packet.
      if (stream.response.writableCorked === 0) {
        stream.response.cork();
        process.nextTick(() => stream.response.uncork());
      }
      stream.response.write(encodeRecord(encodeEvent(event, stream.contentType)));
    },
    end,
    endAll() {
      for (const streamId of [...streams.keys()]) end(streamId, true);
    },
  };
}
