import type { ProblemDetail } from '@juice/contracts';
import { JuiceError, JuiceUnreachableError } from './errors.ts';
import { parseExactJson } from './exact-json.ts';
import { wait } from './wait.ts';

export interface ClientOptions {
  /** Where the service is: `https://juice.example.com`. */
  readonly url: string;
  /** Another fetch, such as one with a proxy. */
  readonly fetch?: typeof fetch;
  /** How often a request without an answer, or that was to come later (429, 503), is sent again; by default 4 times. */
  readonly retries?: number;
  /** How long an answer may take; by default 30 seconds. */
  readonly timeoutMs?: number;
}

/** How one call may be ended from outside. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface Asked extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>> | undefined;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Whether it does the same sent twice as sent once; by default it does. */
  readonly isRepeatable?: boolean;
}

export interface Answered {
  readonly data: unknown;
  readonly headers: Headers;
}

/** Sends a request; resolves with the data of its success. Throws JuiceError, JuiceUnreachableError, or the signal's reason. */
export type Call = (asked: Asked) => Promise<Answered>;

export const usualRetries = 4;
/** Of the delays between tries, where the service does not say: they double, and are spread so that clients do not come together. */
const firstDelayMs = 200;
const longestDelayMs = 10_000;
/** Who is to be left alone for longer than this is told so, and not kept waiting. */
const longestRetryAfterMs = 60_000;

/** Opens an answer that goes on; resolves with it when it has begun. One try; throws as a call does. */
export type Open = (
  asked: Asked & { readonly method: 'GET'; readonly isExpected: (response: Response) => boolean },
) => Promise<Response>;

export function createCall(options: ClientOptions, credentials: Readonly<Record<string, string>>): Call {
  const { retries = usualRetries, timeoutMs = 30_000 } = options;
  const send = createSend(options, credentials);

  async function sendOnce(asked: Asked): Promise<Answered> {
    const late = AbortSignal.timeout(timeoutMs);
    const answer = await send(asked, late, async (response) => ({ response, text: await response.text() }));
    return readAnswer(answer.response, answer.text);
  }

  return async (asked) => {
    for (let tries = 0; ; tries += 1) {
      try {
        return await sendOnce(asked);
      } catch (error: unknown) {
        const delayMs = tries < retries && asked.isRepeatable !== false ? delayBefore(error, tries) : null;
        if (delayMs === null) throw error;
        await wait(delayMs, asked.signal);
      }
    }
  };
}

/** The answer may go on for as long as it likes: only its beginning has to come in time. */
export function createOpen(options: ClientOptions, credentials: Readonly<Record<string, string>>): Open {
  const { timeoutMs = 30_000 } = options;
  const send = createSend(options, credentials);
  return async (asked) => {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new Error(`nothing came within ${timeoutMs} ms`)), timeoutMs);
    try {
      const response = await send(asked, late.signal, (begun) => Promise.resolve(begun));
      if (!response.ok) readAnswer(response, await response.text().catch(() => ''));
      if (!asked.isExpected(response)) throw strangerAnswered(response, '');
      return response;
    } finally {
      clearTimeout(timer);
    }
  };
}

type Send = <T>(asked: Asked, late: AbortSignal, read: (response: Response) => Promise<T>) => Promise<T>;

function createSend(options: ClientOptions, credentials: Readonly<Record<string, string>>): Send {
  const base = options.url.replace(/\/+$/, '');
  const send = options.fetch ?? fetch;
  return (asked, late, read) => {
    const { body, signal } = asked;
    const url = `${base}${asked.path}${writeQuery(asked.query)}`;
    return send(url, {
      method: asked.method,
      headers: {
        ...credentials,
        ...asked.headers,
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: signal === undefined ? late : AbortSignal.any([signal, late]),
    })
      .then(read)
      .catch((error: unknown) => {
        signal?.throwIfAborted();
        throw new JuiceUnreachableError(url, error);
      });
  };
}

/** Likewise for what goes on: whatever a service, or what is before it, says while it starts anew is to be asked again. */
export function delayBeforeReopening(error: unknown, tries: number): number | null {
  const isPassing = error instanceof JuiceError && error.status >= 500;
  return delayBefore(error, tries) ?? (isPassing ? ownDelay(tries) : null);
}

function ownDelay(tries: number): number {
  return Math.min(firstDelayMs * 2 ** tries, longestDelayMs) * (0.5 + Math.random() / 2);
}

/** How long to wait before the next try; null when there is to be none. */
function delayBefore(error: unknown, tries: number): number | null {
  const ownMs = ownDelay(tries);
  if (error instanceof JuiceUnreachableError) return ownMs;
  if (!(error instanceof JuiceError) || (error.status !== 429 && error.status !== 503)) return null;
  const { retryAfterMs } = error;
  if (retryAfterMs === null) return ownMs;
  return retryAfterMs > longestRetryAfterMs ? null : retryAfterMs + ownMs;
}

/** A proxy's page, say. */
function strangerAnswered({ status }: Response, text: string): JuiceError {
  const message = `HTTP ${status}, and not from Juice: ${text.slice(0, 200)}`;
  return new JuiceError({ status, code: 0, message, requestId: null, retryAfterMs: null });
}

interface Envelope {
  readonly status: number;
  readonly message: string;
  readonly data?: unknown;
  readonly details?: readonly ProblemDetail[];
  readonly requestId?: string;
}

function readAnswer(response: Response, text: string): Answered {
  const { headers } = response;
  const envelope = readEnvelope(text);
  if (envelope?.status === 0 && response.ok) return { data: envelope.data, headers };
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  throw new JuiceError({
    status: response.status,
    code: envelope?.status ?? 0,
    message: envelope?.message ?? `HTTP ${response.status}, and not from Juice: ${text.slice(0, 200)}`,
    details: envelope?.details,
    requestId: envelope?.requestId ?? headers.get('x-request-id'),
    retryAfterMs: Number.isFinite(seconds) ? seconds * 1000 : null,
  });
}

function readEnvelope(text: string): Envelope | null {
  try {
    const parsed = parseExactJson(text);
    const isEnvelope = typeof parsed === 'object' && parsed !== null && 'status' in parsed && 'message' in parsed;
    return isEnvelope ? (parsed as Envelope) : null;
  } catch (error: unknown) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function writeQuery(query: Asked['query'] = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value]) {
      if (one !== undefined) parameters.append(name, String(one));
    }
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`;
}
