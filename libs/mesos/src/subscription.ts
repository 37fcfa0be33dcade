import type { Agent, IncomingMessage } from 'node:http';
import { ProtocolViolation } from '@juice/contracts';
import { classifyAnswer, type CallAnswer } from './answers.ts';
import { streamIsOver } from './call-lane.ts';
import { createTurns } from './call-turns.ts';
import { encodeCall, type ContentType } from './codec.ts';
import type { Draft, FrameworkCall, StreamEvent } from './conversation.ts';
import { readEvents } from './event-stream.ts';
import { createPipeline } from './pipeline.ts';
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
   * arrive in order is awaited in order. Waits for its turn as long as the master answers those before it. Sends nothing
   * once the stream is over, and rejects only for a call that cannot be written (InvariantBroken).
   *
   * An ACKNOWLEDGE never holds up another call. It may reach the master twice, which has no effect the second time; no
   * other call is ever repeated.
   */
  call(call: Draft<FrameworkCall>): Promise<CallAnswer>;
  /** Calls that wait for their turn. */
  callsWaiting(): number;
  /**
   * Drops the stream at once, which ends `events`; the framework lives on at the master until its failover timeout. Calls
   * in flight are still answered, those waiting are not sent.
   */
  close(): void;
}

export interface SubscriptionParts {
  readonly url: URL;
  readonly agent: Agent;
  readonly response: IncomingMessage;
  readonly signal: AbortSignal | undefined;
  /** Aborts when another master leads: the stream then breaks, with that as the reason. */
  readonly replaced: AbortSignal | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly ca: string | undefined;
  readonly contentType: ContentType;
  readonly setAlarm: SetAlarm;
  readonly firstEventMs: number;
  readonly missedHeartbeats: number;
  readonly callTimeoutMs: number;
  readonly maxCallsInFlight: number;
  readonly maxCallsWaiting: number;
  readonly maxRecordBytes: number | undefined;
}

/** Throws ProtocolViolation when the response lacks what makes it a subscription. */
export function createSubscription(parts: SubscriptionParts): Subscription {
  const { url, agent, response, setAlarm, contentType } = parts;
  const streamId = streamIdOf(response);
  const headers = { ...parts.headers, 'Mesos-Stream-Id': streamId };
  const bounds = { timeoutMs: parts.callTimeoutMs, maxWaiting: parts.maxCallsWaiting, setAlarm };
  const acknowledgements = createPipeline({ url, headers, ca: parts.ca, ...bounds });
  // A call in flight when the stream ends (TEARDOWN, for one) is still to be answered.
  const others = createTurns({ limit: parts.maxCallsInFlight, ...bounds, send, onClosed: () => agent.destroy() });
  let isClosed = false;
  let isOver = false;

  function end(): void {
    isOver = true;
    acknowledgements.end();
    others.end();
  }
  response.once('close', end);

  async function send(body: Uint8Array): Promise<CallAnswer> {
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
      if (isOver) return streamIsOver;
      return call.type === 'ACKNOWLEDGE' ? acknowledgements.call(body) : others.call(body);
    },
    callsWaiting: () => acknowledgements.waiting() + others.waiting(),
    close() {
      isClosed = true;
      end();
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
