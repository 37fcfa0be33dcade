import { taskStateName } from '@juice/contracts';
import type { Tracing } from '@juice/observability';
import type { ClaimedLane } from '@juice/persistence';
import type { AttemptOutcome, AttemptResult } from './outcome.ts';
import { callbackId } from './payload.ts';

/** An attempt as it was made. `traceparent`: what the receiver was sent. */
export interface TracedAttempt {
  readonly traceparent: string;
  readonly result: AttemptResult;
  readonly outcome: AttemptOutcome;
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * An attempt as a client's span, by OpenTelemetry's conventions for HTTP
 * (https://opentelemetry.io/docs/specs/semconv/http/http-spans/). Of the URL only the origin is told: where a receiver keeps
 * its secret, in the query or in the path, nobody knows but its owner.
 */
export function recordAttempt(tracing: Pick<Tracing, 'record'>, lane: ClaimedLane, attempt: TracedAttempt): void {
  const { traceparent, result, outcome, startMs, endMs } = attempt;
  const status = result.kind === 'answered' ? result.status : undefined;
  tracing.record({
    name: 'POST',
    kind: 'client',
    traceparent,
    parent: lane.traceparent,
    startMs,
    endMs,
    attributes: {
      'http.request.method': 'POST',
      'http.response.status_code': status,
      'http.request.resend_count': lane.tries === 0 ? undefined : lane.tries,
      ...addressOf(lane.url),
      'juice.task.id': String(lane.taskId),
      'juice.tenant.id': lane.tenantId,
      'juice.callback.id': callbackId(lane),
      'juice.callback.state': taskStateName(lane.state.status),
      'juice.callback.outcome': outcome.kind,
    },
    error: errorOf(outcome, status),
  });
}

/** What is no receiver's answer has our word for it. */
function errorOf({ kind, reason }: AttemptOutcome, status: number | undefined): string | null {
  if (kind === 'delivered') return null;
  return status === undefined ? reason : String(status);
}

function addressOf(url: string) {
  if (!URL.canParse(url)) return {};
  const { protocol, hostname, port } = new URL(url);
  const scheme = protocol.slice(0, -1);
  return {
    'url.scheme': scheme,
    'server.address': hostname,
    'server.port': port === '' ? (scheme === 'https' ? 443 : 80) : Number(port),
  };
}
