import type { Agent, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { ProtocolViolation } from '@juice/contracts';
import { classifyAnswer, type CallAnswer } from './answers.ts';
import { encodeCall, type ContentType } from './codec.ts';
import type { Draft, FrameworkCall, StreamEvent } from './conversation.ts';
import { readEvents } from './event-stream.ts';
import { post, readText, type SetAlarm } from './post.ts';
import { defaultMaxRecordBytes } from './recordio.ts';

/** One subscription, from the 200 of SUBSCRIBE to the end of its stream. Once over it stays over. */
export interface Subscription {
  readonly streamId: string;
  /** Base URL of the master that leads, for instance `http://10.0.0.1:5050`. */
  readonly master: string;
  /** To be read once, from the start and without long pauses: see readEvents for how it ends and fails. */
  readonly events: AsyncIterable<StreamEvent>;
  /**
   * Sends one call and resolves with what the master made of it; see CallAnswer. Calls overtake each other: what must
   * arrive in order is awaited in order. Never repeats a call, sends nothing once the stream is over, and rejects only for a
   * call that cannot be written (InvariantBroken).
   */
  call(call: Draft<FrameworkCall>): Promise<CallAnswer>;
  /** Drops the stream at once, which ends `events`; the framework lives on at the master until its failover timeout. Calls in flight are still answered. */
  close(): void;
}

export interface SubscriptionParts {
  readonly url: URL;
  readonly agent: Agent;
  readonly response: IncomingMessage;
  readonly signal: AbortSignal | undefined;
  /** Aborts when another master leads: the stream then breaks, with that as the reason. */
  readonly replaced: AbortSignal | null;
  readonly headers: OutgoingHttpHeaders;
  readonly contentType: ContentType;
  readonly setAlarm: SetAlarm;
  readonly firstEventMs: number;
  readonly missedHeartbeats: number;
  readonly callTimeoutMs: number;
  readonly maxRecordBytes: number | undefined;
}

/** Throws ProtocolViolation when the response lacks what makes it a subscription. */
export function createSubscription(parts: SubscriptionParts): Subscription {
  const { url, agent, response, setAlarm, contentType } = parts;
  const streamId = streamIdOf(response);
  let isClosed = false;
  let isOver = false;
  let callsInFlight = 0;

  response.once('close', () => {
    isOver = true;
    releaseSockets();
  });

  /** A call in flight when the stream ends (TEARDOWN, for one) is still to be answered. */
  function releaseSockets(): void {
    if (isOver && callsInFlight === 0) agent.destroy();
  }

  async function send(body: Uint8Array): Promise<CallAnswer> {
    const headers = { ...parts.headers, 'Mesos-Stream-Id': streamId };
    try {
      return await post({ url, agent, headers, body, timeoutMs: parts.callTimeoutMs, setAlarm }, async (answer) => {
        const status = answer.statusCode ?? 0;
        return classifyAnswer(status, await readText(answer));
      });
    } catch (error: unknown) {
      return { kind: 'unknown', detail: error instanceof Error ? error.message : String(error) };
    }
  }

  return {
    streamId,
    master: url.origin,
    events: readEvents(response, {
      contentType: contentTypeOf(response),
      maxRecordBytes: parts.maxRecordBytes ?? defaultMaxRecordBytes,
      firstEventMs: parts.firstEventMs,
      missedHeartbeats: parts.missedHeartbeats,
      setAlarm,
      isClosed: () => isClosed || parts.signal?.aborted === true,
      replaced: parts.replaced,
    }),
    async call(call) {
      const body = encodeCall(call, contentType);
      if (isOver) return { kind: 'subscription-lost', detail: 'the stream is over' };
      callsInFlight++;
      try {
        return await send(body);
      } finally {
        callsInFlight--;
        releaseSockets();
      }
    },
    close() {
      isClosed = true;
      isOver = true;
      response.destroy();
    },
  };
}

function streamIdOf(response: IncomingMessage): string {
  const value = response.headers['mesos-stream-id'];
  if (typeof value === 'string' && value !== '') return value;
  throw new ProtocolViolation({ peer: 'mesos', detail: 'SUBSCRIBE was answered without a Mesos-Stream-Id' });
}

/** The master picks one of those we accept. */
function contentTypeOf(response: IncomingMessage): ContentType {
  const value = response.headers['content-type']?.split(';', 1)[0]?.trim();
  if (value === 'application/json' || value === 'application/x-protobuf') return value;
  throw new ProtocolViolation({ peer: 'mesos', detail: `SUBSCRIBE was answered in ${value ?? 'no content type'}` });
}
