import type { IncomingMessage, RequestListener } from 'node:http';
import { beginFacts } from './request-facts.ts';
import { logRequest, type AnsweredReport } from './request-log.ts';

export interface BeginDeps {
  readonly answered: AnsweredReport;
  /** See Tracing. */
  readonly beginTrace: (parent: string | undefined) => string;
  readonly newRequestId: () => string;
  readonly monotonicMs: () => number;
  /** Once aborted, every answer asks its client to open its next connection elsewhere, and logs are followed no further. */
  readonly stopping: AbortSignal;
}

/** What comes before every route: the request has its id and its trace, and is reported when its response is closed. */
export function createBegin({ newRequestId, monotonicMs, answered, beginTrace, stopping }: BeginDeps): RequestListener {
  return (request, response) => {
    const given = headerOf(request, 'x-request-id') ?? '';
    const requestId = /^[A-Za-z0-9._:-]{1,128}$/.test(given) ? given : newRequestId();
    const parent = headerOf(request, 'traceparent');
    const traceparent = beginTrace(parent);
    const isLast = stopping.aborted;
    beginFacts(response, { requestId, startedMs: monotonicMs(), traceparent, parent, isLast, route: 'unknown' });
    response.once('close', () => logRequest(request, response, monotonicMs(), answered));
  };
}

/** One that is given several times is one text, joined by commas. */
function headerOf({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
