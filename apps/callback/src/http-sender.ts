import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import { hostOf } from '@juice/destinations';
import got, { RequestError, TimeoutError, type HandlerFunction, type Options, type Request } from 'got';
import { ForbiddenTarget, type GuardedAgents } from './guard-dial.ts';

/**
 * Sends one POST and says what came of it. The only importer of got. It never throws for what the receiver or the
 * network does, never tries again on its own (one attempt is one record), never follows a redirect and never reads more
 * of an answer than is kept.
 */
export interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** How far an attempt got before it failed. */
export type SendPhase = 'lookup' | 'connect' | 'tls' | 'response';

/**
 * `answered`: a status line and headers came. They are the answer, whatever becomes of the body after them: it is read
 * only for the log, up to a limit, and at most until the deadline.
 * `failed`: no answer. `code` is Node's (ECONNREFUSED, ENOTFOUND, CERT_HAS_EXPIRED, …); TIMEOUT when a limit of ours ran out.
 */
export type PostResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Buffer;
      readonly isBodyWhole: boolean;
      readonly timings: Timings;
    }
  | { readonly kind: 'failed'; readonly phase: SendPhase; readonly code: string; readonly timings: Timings }
  | { readonly kind: 'forbidden'; readonly timings: Timings }
  | { readonly kind: 'stopped' };

/** Milliseconds each phase took; null where it was not gone through (a kept-alive connection is not dialled again). */
export interface Timings {
  readonly lookupMs: number | null;
  readonly connectMs: number | null;
  readonly tlsMs: number | null;
  readonly firstByteMs: number | null;
  readonly totalMs: number;
}

export type Send = (post: Post) => Promise<PostResult>;

export interface SenderLimits {
  /** From the first step to the last byte of the answer. */
  readonly totalMs: number;
  /** For each of: resolving the name, connecting, the TLS handshake. */
  readonly connectMs: number;
}

/** What is kept of an answer's body: enough to see what went wrong. */
export const keptBodyBytes = 16 * 1024;

/** What is kept of an answer's headers: what explains it, nothing that could be a secret (no cookies). */
const keptHeaders = ['content-encoding', 'content-type', 'location', 'retry-after', 'server', 'x-request-id'];

/** How often a kept-alive connection may turn out to be dead before the failure counts: as many as an endpoint may have. */
const staleSocketTries = 5;

export function createHttpSender(deps: {
  agents: GuardedAgents;
  limits: SenderLimits;
  /** Gives up what is under way, and whatever is begun later. */
  abandoning: AbortSignal;
}): Send {
  const { agents, limits, abandoning } = deps;
  // One listener for all: got would add one for each request and, where a stream ended well, never remove it.
  const underWay = new Set<{ destroy(error: Error): unknown }>();
  abandoning.addEventListener('abort', () => {
    for (const stream of underWay) stream.destroy(new Error('we are stopping'));
  });
  const { connectMs } = limits;
  const client = got.extend({
    method: 'POST',
    headers: { 'accept-encoding': 'identity' },
    handlers: [withFewOptions],
    request: (url, options) => requestNatively(url, options, agents),
    timeout: { lookup: connectMs, connect: connectMs, secureConnect: connectMs },
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    decompress: false,
  });

  async function postOnce(post: Post, totalMs: number): Promise<PostResult & { wasStale?: boolean }> {
    const startedAt = performance.now();
    const stream = client.stream(post.url, { headers: post.headers, body: post.body });
    underWay.add(stream);
    let request: http.ClientRequest | null = null;
    let switched: http.IncomingMessage | undefined;
    stream.once('request', (made: http.ClientRequest) => {
      request = made;
      // Where nobody listens for it, Node ends the request without a word, and got waits for ever.
      made.once('upgrade', (answer, socket) => {
        switched = answer;
        socket.destroy();
        stream.destroy(new Error('an offer of another protocol'));
      });
    });
    // What is read below takes the first error; what a destroyed stream may still say is of no interest.
    stream.on('error', () => undefined);
    const isReused = (): boolean => request?.reusedSocket === true;
    const timings = (): Timings =>
      readTimings(stream.timings?.phases, { url: post.url, isReused: isReused(), startedAt });
    const chunks: Buffer[] = [];
    try {
      const isBodyWhole = await readInto(chunks, stream, totalMs);
      return answered(stream.response, chunks, isBodyWhole, timings());
    } catch (error: unknown) {
      if (abandoning.aborted) return { kind: 'stopped' };
      const response = stream.response ?? switched;
      if (response !== undefined) return answered(response, chunks, false, timings());
      if (rootOf(error) instanceof ForbiddenTarget) return { kind: 'forbidden', timings: timings() };
      const code = codeOf(error);
      const wasStale = isReused() && (code === 'ECONNRESET' || code === 'EPIPE');
      return { kind: 'failed', phase: phaseOf(error, stream.timings, post.url), code, timings: timings(), wasStale };
    } finally {
      underWay.delete(stream);
    }
  }

  return async (post) => {
    if (abandoning.aborted) return { kind: 'stopped' };
    const deadline = performance.now() + limits.totalMs;
    // A receiver may close an idle connection in the instant we send on it. That says nothing about the receiver: the
    // same attempt goes on over the next connection, within the same deadline.
    for (let tries = 1; ; tries += 1) {
      const { wasStale = false, ...result } = await postOnce(
        post,
        Math.max(1, Math.ceil(deadline - performance.now())),
      );
      if (!wasStale || tries >= staleSocketTries) return result;
    }
  };
}

/**
 * What got tells Node of a request: nothing but what is used below. The object that got would make has three dozen members, nearly all
 * undefined: it takes V8 60 us to make, a tenth of a callback, and Node copies it twice.
 */
const withFewOptions: HandlerFunction = (options, next) => {
  type Native = ReturnType<Options['createNativeRequestOptions']>;
  options.createNativeRequestOptions = () => ({ method: options.method, headers: options.headers }) as Native;
  return next(options);
};

/** As got would ask; of the URL, too, only what Node reads. */
function requestNatively(
  url: URL,
  { method, headers }: http.RequestOptions,
  agents: GuardedAgents,
): http.ClientRequest {
  const { protocol, port, pathname, search } = url;
  const target = { protocol, hostname: hostOf(url), port, path: pathname + search, method, headers };
  return protocol === 'https:'
    ? https.request({ ...target, agent: agents.https })
    : http.request({ ...target, agent: agents.http });
}

/** The total limit of an attempt ran out. */
class DeadlinePassed extends Error {}

/**
 * Reads an answer's body as far as it is kept; whether that is all of it. Rejects with what got says, the chunks having been kept, or
 * with DeadlinePassed after so long: that is told here, not by got, so that an attempt ends whatever becomes of its connection.
 */
function readInto(chunks: Buffer[], stream: Request, withinMs: number): Promise<boolean> {
  let kept = 0;
  let timer: NodeJS.Timeout | undefined;
  // By its events: most answers have no body, and an iterator would be made for each.
  const read = new Promise<boolean>((resolve, reject) => {
    timer = setTimeout(() => {
      reject(new DeadlinePassed());
      stream.destroy();
    }, withinMs);
    stream.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      kept += chunk.length;
      if (kept <= keptBodyBytes) return;
      // And the connection with it: nobody reads an endless body to its end.
      stream.destroy();
      resolve(false);
    });
    stream.once('end', () => resolve(true));
    stream.once('error', reject);
    stream.once('close', () => reject(new Error('the answer was not read to its end')));
  });
  return read.finally(() => clearTimeout(timer));
}

function answered(
  response: Pick<http.IncomingMessage, 'statusCode' | 'headers'> | undefined,
  chunks: readonly Buffer[],
  isBodyWhole: boolean,
  timings: Timings,
): PostResult {
  const headers: Record<string, string> = {};
  for (const name of keptHeaders) {
    const value = response?.headers[name];
    if (typeof value === 'string') headers[name] = value.slice(0, 1024);
  }
  const body = Buffer.concat(chunks).subarray(0, keptBodyBytes);
  return { kind: 'answered', status: response?.statusCode ?? 0, headers, body, isBodyWhole, timings };
}

type Phases = { dns?: number; tcp?: number; tls?: number; firstByte?: number };

function readTimings(
  phases: Phases | undefined,
  { url, isReused, startedAt }: { url: URL; isReused: boolean; startedAt: number },
): Timings {
  const dialled = isReused ? undefined : phases;
  return {
    // got has the time of a look-up also for a literal, which needs none.
    lookupMs: isIP(hostOf(url)) === 0 ? (dialled?.dns ?? null) : null,
    connectMs: dialled?.tcp ?? null,
    tlsMs: dialled?.tls ?? null,
    firstByteMs: phases?.firstByte ?? null,
    totalMs: Math.round(performance.now() - startedAt),
  };
}

type Reached = { connect?: number; secureConnect?: number };

function phaseOf(error: unknown, reached: Reached | undefined, url: URL): SendPhase {
  if (error instanceof TimeoutError && error.event === 'lookup') return 'lookup';
  const root = rootOf(error);
  if (root instanceof Error && 'syscall' in root && root.syscall === 'getaddrinfo') return 'lookup';
  if (reached?.connect === undefined) return 'connect';
  return url.protocol === 'https:' && reached.secureConnect === undefined ? 'tls' : 'response';
}

function codeOf(error: unknown): string {
  if (error instanceof TimeoutError || error instanceof DeadlinePassed) return 'TIMEOUT';
  return error instanceof RequestError ? error.code : 'UNKNOWN';
}

/** got wraps what Node threw. */
function rootOf(error: unknown): unknown {
  return error instanceof RequestError && error.cause !== undefined ? rootOf(error.cause) : error;
}
