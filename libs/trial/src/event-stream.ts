import { setTimeout as pause } from 'node:timers/promises';
import { parseExactJson, type TaskEventData } from '@juice/contracts';

/** One frame of a stream of server-sent events, as it came. */
export interface StreamFrame {
  readonly id: string | null;
  readonly event: string | null;
  /** Parsed; null when there was none, which to a client is no event. */
  readonly data: unknown;
}

/** A client's end of a stream. */
export interface EventStreamClient {
  readonly status: number;
  readonly headers: Headers;
  /** What has come so far; of an answer that is no stream, nothing. */
  readonly frames: readonly StreamFrame[];
  /** The transitions among them. */
  events(): readonly TaskEventData[];
  /** What a client that comes again gives as Last-Event-ID; null before there was an id. */
  lastEventId(): string | null;
  /** The body of an answer that is no stream. */
  readonly text: string;
  /** Resolves when the other end has ended the stream, or it broke off, or it was closed here. */
  readonly ended: Promise<'ended' | 'broken' | 'closed'>;
  close(): void;
}

/** Opens a stream and reads it until either end closes it. Rejects when there is no answer at all. */
export async function openEventStream(
  url: string,
  options: { readonly tenantId: string; readonly lastEventId?: string | null },
): Promise<EventStreamClient> {
  const { tenantId, lastEventId = null } = options;
  const closing = new AbortController();
  const headers = { 'x-tenant-id': tenantId, ...(lastEventId !== null && { 'last-event-id': lastEventId }) };
  const response = await fetch(url, { headers, signal: closing.signal });
  const frames: StreamFrame[] = [];
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const text = isStream ? '' : await response.text();
  const ended = isStream
    ? read(response, frames).catch(() => (closing.signal.aborted ? ('closed' as const) : ('broken' as const)))
    : Promise.resolve('ended' as const);
  return {
    ...{ status: response.status, headers: response.headers, frames, text, ended },
    events: () => eventsOf(frames),
    lastEventId: () => frames.findLast(({ id }) => id !== null)?.id ?? lastEventId,
    close: () => closing.abort(),
  };
}

async function read(response: Response, frames: StreamFrame[]): Promise<'ended'> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body ?? []) {
    const parts = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n\n');
    rest = parts.pop() ?? '';
    frames.push(...parts.map(parseFrame));
  }
  return 'ended';
}

function parseFrame(text: string): StreamFrame {
  const field = (name: string): string | null => {
    const line = text.split('\n').findLast((one) => one.startsWith(`${name}:`));
    return line === undefined ? null : line.slice(name.length + 1).replace(/^ /, '');
  };
  const data = field('data');
  return { id: field('id'), event: field('event'), data: data === null ? null : parseExactJson(data) };
}

/** A client that comes again whenever its stream is over, with the id it was given last. */
export interface EventFollower {
  /** What it was shown, over all its connections. */
  frames(): readonly StreamFrame[];
  events(): readonly TaskEventData[];
  /** How often it has connected. */
  readonly connections: number;
  /** Breaks the present connection off, as a network does. */
  breakOff(): void;
  /** Resolves when it is gone. */
  stop(): Promise<void>;
}

/** How soon it comes again: a person's client waits longer. */
const comeAgainMs = 20;

/** Follows a stream wherever `url` says it is by then, until stopped; an answer that is no stream is asked for again. */
export function followEvents(url: () => string, tenantId: string): EventFollower {
  const stopping = new AbortController();
  const past: StreamFrame[] = [];
  let lastEventId: string | null = null;
  let connections = 0;
  let present: EventStreamClient | null = null;

  async function followOnce(): Promise<void> {
    const client = await openEventStream(url(), { tenantId, lastEventId });
    connections += 1;
    present = client;
    if (stopping.signal.aborted) client.close();
    await client.ended;
    present = null;
    past.push(...client.frames);
    lastEventId = client.lastEventId();
  }

  async function follow(): Promise<void> {
    while (!stopping.signal.aborted) {
      // Nobody there, or nobody any more: it comes again.
      await followOnce().catch(() => undefined);
      await pause(comeAgainMs, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const following = follow();
  const frames = (): readonly StreamFrame[] => [...past, ...(present?.frames ?? [])];
  return {
    frames,
    events: () => eventsOf(frames()),
    get connections() {
      return connections;
    },
    breakOff: () => present?.close(),
    async stop() {
      stopping.abort();
      present?.close();
      await following;
    },
  };
}

function eventsOf(frames: readonly StreamFrame[]): readonly TaskEventData[] {
  return frames.filter(({ event }) => event?.startsWith('task.') === true).map(({ data }) => data as TaskEventData);
}
