import { once } from 'node:events';
import http, { type Agent, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import https from 'node:https';

/** Rings once after the delay, unless cancelled by the function it returns. */
export type SetAlarm = (delayMs: number, ring: () => void) => () => void;

export const setTimeoutAlarm: SetAlarm = (delayMs, ring) => {
  const timer = setTimeout(ring, delayMs);
  return () => clearTimeout(timer);
};

export interface PostRequest {
  readonly url: URL;
  readonly agent: Agent;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Uint8Array;
  readonly signal?: AbortSignal | undefined;
  /** From now until `use` has settled; then the connection is destroyed and the promise rejected. */
  readonly timeoutMs: number;
  readonly setAlarm: SetAlarm;
}

/**
 * Posts once and gives the response to `use` as soon as its head is there. Never follows a redirect, never repeats.
 * Rejects with whatever broke the connection.
 */
export async function post<T>(request: PostRequest, use: (response: IncomingMessage) => T | Promise<T>): Promise<T> {
  const { url, agent, headers, body, signal, timeoutMs, setAlarm } = request;
  const outgoing = (url.protocol === 'https:' ? https : http).request(url, {
    method: 'POST',
    agent,
    headers: { ...headers, 'Content-Length': body.length },
    ...(signal === undefined ? {} : { signal }),
  });
  // What goes wrong before the head is seen by `once`, afterwards by whoever reads the response.
  outgoing.on('error', () => undefined);
  const cancel = setAlarm(timeoutMs, () => outgoing.destroy(new Error(`no answer within ${timeoutMs} ms`)));
  try {
    outgoing.end(body);
    const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
    return await use(response);
  } finally {
    cancel();
  }
}

/** More than any message of a master; a proxy's error page may be longer, and its end is not missed. */
const maxTextBytes = 64 * 1024;

/** The body of a response as text, cut off after 64 KB. */
export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxTextBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, maxTextBytes).toString();
}
