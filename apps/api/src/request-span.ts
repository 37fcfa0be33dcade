import type { Tracing } from '@juice/observability';
import type { Answered } from './request-log.ts';

/** Asked for every few seconds by machines: no part of anything. */
const untraced = ['/livez', '/readyz', '/metrics'];
/** A path that leads nowhere may be as long as a URL. */
const longestPath = 256;

/**
 * A request as a server's span, by OpenTelemetry's conventions for HTTP
 * (https://opentelemetry.io/docs/specs/semconv/http/http-spans/): an error is only what is ours. Of the URL the path alone is told.
 */
export function recordRequest(tracing: Pick<Tracing, 'record'>, answered: Answered, nowMs: number): void {
  const { method, route, status, outcome, span } = answered;
  if (untraced.includes(route)) return;
  const isRoute = route !== 'unknown';
  const isAborted = outcome === 'aborted';
  tracing.record({
    name: isRoute ? `${nameOf(method)} ${route}` : nameOf(method),
    kind: 'server',
    traceparent: span.traceparent,
    parent: span.parent ?? null,
    startMs: nowMs - answered.durationMs,
    endMs: nowMs,
    attributes: {
      'http.request.method': method === 'other' ? '_OTHER' : method,
      'http.route': isRoute ? route : undefined,
      'http.response.status_code': isAborted ? undefined : status,
      'url.scheme': 'http',
      'url.path': span.path.slice(0, longestPath),
      'juice.request.id': answered.requestId,
      'juice.tenant.id': answered.tenantId,
      'juice.task.id': answered.taskId,
    },
    error: isAborted ? 'aborted' : outcome === 'failed' ? String(status) : null,
  });
}

/** Conventions have `HTTP` for a method that nobody knows. */
function nameOf(method: string): string {
  return method === 'other' ? 'HTTP' : method;
}
