import type { ServerResponse } from 'node:http';
import { encodeEvent, encodeRecord, type ContentType } from '@juice/mesos';
import type { SendEffect } from '../cluster/cluster-state.ts';
import { encodeGarbledUpdate } from './garbled-update.ts';

/** The open subscriptions: who is written to in which format. */
export interface EventStreams {
  /** Answers 200 and keeps the response open. `onEnd` is called once, when the connection ends, whoever ends it. */
  open(stream: { streamId: string; response: ServerResponse; contentType: ContentType; onEnd: () => void }): void;
  send(effect: SendEffect): void;
  end(streamId: string, abrupt: boolean): void;
  endAll(): void;
}

interface Stream {
  readonly response: ServerResponse;
  readonly contentType: ContentType;
  /** Records of this turn, not yet written. */
  readonly records: Uint8Array[];
}

export function createEventStreams(): EventStreams {
  const streams = new Map<string, Stream>();

  function end(streamId: string, abrupt: boolean): void {
    const stream = streams.get(streamId);
    streams.delete(streamId);
    if (stream === undefined) return;
    if (abrupt) {
      stream.response.destroy();
      return;
    }
    flush(stream);
    stream.response.end();
  }

  return {
    open({ streamId, response, contentType, onEnd }) {
      streams.set(streamId, { response, contentType, records: [] });
      response.once('close', () => {
        streams.delete(streamId);
        onEnd();
      });
      response.writeHead(200, { 'Content-Type': contentType, 'Mesos-Stream-Id': streamId });
      response.flushHeaders();
    },
    send(effect) {
      const stream = streams.get(effect.streamId);
      if (stream === undefined) return;
      // Events of one turn leave in one chunk.
      if (stream.records.length === 0) process.nextTick(flush, stream);
      stream.records.push(encodeRecord(encode(effect, stream.contentType)));
    },
    end,
    endAll() {
      for (const streamId of [...streams.keys()]) end(streamId, true);
    },
  };
}

function encode(effect: SendEffect, contentType: ContentType): Uint8Array {
  return effect.kind === 'event'
    ? encodeEvent(effect.event, contentType)
    : encodeGarbledUpdate(effect.status, contentType);
}

function flush({ response, records }: Stream): void {
  if (records.length === 0 || response.destroyed) return;
  response.write(Buffer.concat(records));
  records.length = 0;
}
