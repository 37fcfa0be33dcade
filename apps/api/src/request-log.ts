import type { IncomingMessage, ServerResponse } from 'node:http';
import { factsOf } from './request-facts.ts';

/** How a request ended, once: for one log line and the metrics. */
export interface Answered {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly method: string;
  readonly route: string;
  /** 499, as proxies write it, when the client left before it had its answer. */
  readonly status: number;
  readonly durationMs: number;
  readonly requestId: string;
  readonly outcome: 'ok' | 'refused' | 'failed' | 'aborted';
  readonly tenantId: string | undefined;
  readonly keyId: string | undefined;
  readonly taskId: string | undefined;
  readonly traceId: string | undefined;
  readonly errorCode: number | undefined;
  readonly error: unknown;
  /** The span that it was; told of it alone. */
  readonly span: { readonly traceparent: string; readonly parent: string | undefined; readonly path: string };
}

export type AnsweredReport = (answered: Answered) => void;

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
/** Asked for every few seconds by machines: worth a line only to who looks closely. */
const routine = ['/livez', '/readyz', '/metrics'];

/** Reports a request whose response is closed. Neither its body nor its query is in the report. */
export function logRequest(
  { method = '', url = '' }: IncomingMessage,
  response: ServerResponse,
  nowMs: number,
  report: AnsweredReport,
): void {
  const facts = factsOf(response);
  const isAnswered = response.writableFinished || (facts.isStream === true && response.headersSent);
  const status = isAnswered ? response.statusCode : 499;
  const outcome = outcomeOf(status);
  report({
    level: levelOf(outcome, status, facts.route),
    method: methods.includes(method) ? method : 'other',
    route: facts.route,
    status,
    durationMs: Math.round((nowMs - facts.startedMs) * 100) / 100,
    requestId: facts.requestId,
    outcome,
    tenantId: facts.tenantId,
    keyId: facts.keyId,
    taskId: facts.taskId === undefined ? undefined : String(facts.taskId),
    traceId: facts.traceId,
    errorCode: facts.errorCode,
    error: facts.error,
    span: { traceparent: facts.traceparent, parent: facts.parent, path: url.split('?', 1)[0] ?? '' },
  });
}

function outcomeOf(status: number): Answered['outcome'] {
  if (status === 499) return 'aborted';
  if (status >= 500) return 'failed';
  return status >= 400 ? 'refused' : 'ok';
}

function levelOf(outcome: Answered['outcome'], status: number, route: string): Answered['level'] {
  if (routine.includes(route)) return 'debug';
  if (outcome === 'failed') return status === 503 ? 'warn' : 'error';
  return 'info';
}
