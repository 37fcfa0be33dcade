import type { TaskEventData } from '@juice/contracts';
import { delayBeforeReopening, type CallOptions, type Open } from './call.ts';
import { JuiceUnreachableError } from './errors.ts';
import { parseExactJson } from './exact-json.ts';
import { bodyOf } from './follow-log.ts';
import { wait } from './wait.ts';

export interface EventsOptions extends CallOptions {
  /** The id of the event that was the last to be seen: what comes after it. */
  readonly lastEventId?: string | undefined;
  /** Without one: all that is kept, or (by default) what happens from now on. */
  readonly from?: 'start' | 'now' | undefined;
}

/** `reset`: events may be missing, and some may come that were seen before. */
export type TaskEvent =
  | { readonly id: string; readonly name: 'reset'; readonly data: null }
  | { readonly id: string; readonly name: string; readonly data: TaskEventData };

const usualRetryMs = 2_000;
/** Heartbeats come every 15 seconds: a connection that is silent for so long is dead, whatever the network thinks of it. */
const silentMs = 45_000;

/**
 * Every event once and a task's in their order, over broken connections and restarts of the service. One task's events end
 * with its end, others never. Once it has begun it goes on until its signal says otherwise; before, it throws JuiceError, or
 * JuiceUnreachableError after some tries in a row in vain. What is refused (a key that was revoked, say) ends it at any time.
 */
export async function* followEvents(
  of: { readonly open: Open; readonly path: string; readonly retries: number },
  { from, lastEventId, signal }: EventsOptions,
): AsyncGenerator<TaskEvent, void, undefined> {
  let last = lastEventId;
  let retryMs = usualRetryMs;
  let wasOpen = false;
  for (let tries = 0; ;) {
    try {
      const place = last === undefined ? { query: { from } } : { headers: { 'last-event-id': last } };
      const path = `${of.path}/events`;
      const response = await of.open({ method: 'GET', path, ...place, signal, isExpected: isEventStream });
      wasOpen = true;
      if (response.status === 204) return;
      for await (const frame of framesOf(response, signal)) {
        tries = 0;
        last = frame.id ?? last;
        retryMs = frame.retryMs ?? retryMs;
        if (frame.name === 'end') return;
        if (frame.name === 'reset') yield { id: last ?? '', name: 'reset', data: null };
        else if (frame.name !== null && frame.data !== '') {
          yield { id: last ?? '', name: frame.name, data: parseExactJson(frame.data) as TaskEventData };
        }
      }
      await wait(retryMs, signal);
    } catch (error: unknown) {
      const delayMs = wasOpen || tries < of.retries ? delayBeforeReopening(error, tries) : null;
      if (delayMs === null) throw error;
      tries += 1;
      await wait(error instanceof JuiceUnreachableError ? Math.max(delayMs, retryMs) : delayMs, signal);
    }
  }
}

function isEventStream({ status, headers }: Response): boolean {
  return status === 204 || headers.get('content-type')?.startsWith('text/event-stream') === true;
}

interface Frame {
  readonly id: string | null;
  /** null: no event, a heartbeat or the place where the stream begins. */
  readonly name: string | null;
  readonly data: string;
  readonly retryMs: number | null;
}

/** https://html.spec.whatwg.org/multipage/server-sent-events.html, as far as the service goes. A frame that is not whole is none. */
async function* framesOf(response: Response, signal: AbortSignal | undefined): AsyncGenerator<Frame> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const bytes of bodyOf(response, signal, silentMs)) {
    const parts = (text + decoder.decode(bytes, { stream: true }).replaceAll('\r', '')).split('\n\n');
    text = parts.pop() ?? '';
    for (const part of parts) yield readFrame(part);
  }
}

function readFrame(text: string): Frame {
  const fields = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name = '', value = ''] = /^([^:]*): ?(.*)$/.exec(line) ?? [];
    if (name !== '') fields.set(name, fields.has(name) ? `${fields.get(name)}\n${value}` : value);
  }
  const retry = fields.get('retry');
  return {
    id: fields.get('id') ?? null,
    name: fields.get('event') ?? null,
    data: fields.get('data') ?? '',
    retryMs: retry === undefined ? null : Number(retry),
  };
}
