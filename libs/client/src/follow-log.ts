import type { LogStream, TaskDetail } from '@juice/contracts';
import { delayBeforeReopening, type CallOptions, type Open } from './call.ts';
import { JuiceError, JuiceUnreachableError } from './errors.ts';
import { wait } from './wait.ts';
import { hasEnded } from './wait-for-task.ts';

export interface LogOptions extends CallOptions {
  /** By default `stdout`. */
  readonly stream?: LogStream | undefined;
  /** Whose output; by default that of the last attempt. */
  readonly attempt?: number | undefined;
  /** The first byte; negative: so many of the last ones. By default 0. */
  readonly offset?: number | undefined;
  /** The most bytes; by default all that there are. */
  readonly length?: number | undefined;
  /** Goes on with what is written, until the attempt has ended. */
  readonly follow?: boolean | undefined;
}

/**
 * What a task has written, in pieces of text as they come, over broken connections too. Throws JuiceError (410 when the agent has removed it),
 * JuiceUnreachableError after some tries in a row in vain, or the reason of its signal.
 */
export async function* readLog(
  of: {
    readonly open: Open;
    readonly path: string;
    readonly look: () => Promise<TaskDetail>;
    readonly retries: number;
  },
  { stream = 'stdout', follow = false, signal, length, ...from }: LogOptions,
): AsyncGenerator<string, void, undefined> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const query = { ...from, length };
  let isLast = !follow;
  for (let tries = 0; ;) {
    try {
      const asked = { ...query, ...(!isLast && { follow: 'true' }) };
      const path = `${of.path}/logs/${stream}`;
      const response = await of.open({ method: 'GET', path, query: asked, signal, isExpected: isLog });
      tries = 0;
      query.attempt = Number(response.headers.get('x-log-attempt'));
      query.offset = Number(response.headers.get('x-log-offset'));
      for await (const bytes of bodyOf(response, signal)) {
        query.offset += bytes.length;
        if (query.length !== undefined) query.length -= bytes.length;
        yield decoder.decode(bytes, { stream: true });
      }
      // What ends in order may have ended because the service stops.
      if (isLast || query.length === 0) break;
      isLast = isOver(await of.look(), query.attempt);
      if (!isLast) await wait(pauseMs, signal);
    } catch (error: unknown) {
      if (follow && error instanceof JuiceError && error.status === notThere && !hasEnded(await of.look())) {
        // It has not been launched yet.
        await wait(pauseMs, signal);
        continue;
      }
      const delayMs = tries < of.retries ? delayBeforeReopening(error, tries) : null;
      if (delayMs === null) throw error;
      tries += 1;
      await wait(delayMs, signal);
    }
  }
  yield decoder.decode();
}

const notThere = 404;
const pauseMs = 1_000;

function isLog({ headers }: Response): boolean {
  return headers.has('x-log-attempt') && headers.has('x-log-offset');
}

/** The pieces of a body, until nothing has come for so long. A connection that breaks throws as one that could not be made. */
export async function* bodyOf(
  response: Response,
  signal: AbortSignal | undefined,
  silentMs: number | null = null,
): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  try {
    for (;;) {
      const timer = silentMs === null ? undefined : setTimeout(() => void reader.cancel(), silentMs);
      const { done, value } = await reader
        .read()
        .catch((error: unknown) => {
          signal?.throwIfAborted();
          throw new JuiceUnreachableError(response.url, error);
        })
        .finally(() => clearTimeout(timer));
      if (done) return;
      yield value;
    }
  } finally {
    // Who reads no further is not to be sent any more.
    await reader.cancel().catch(() => undefined);
  }
}

function isOver(task: TaskDetail, attempt: number): boolean {
  return hasEnded(task) || task.attempts.length > attempt || task.attempts[attempt - 1]?.endedAt !== undefined;
}
