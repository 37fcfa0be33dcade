import { describeCause, type EndpointAnswer, type EndpointCondition } from '@juice/contracts';
import type { Endpoint } from '@juice/persistence';

/** How an endpoint stands: what keeps it from being called, if anything does. */
export function viewEndpoint(endpoint: Endpoint, nowMs: number): EndpointAnswer {
  const [tenant = '', origin = ''] = endpoint.endpoint.split(' ');
  return {
    ...{ tenant, endpoint: origin, ...standing(endpoint, nowMs) },
    ...(endpoint.changedAtMs > 0 && { changedAt: iso(endpoint.changedAtMs) }),
  };
}

type Standing = Pick<EndpointAnswer, 'condition' | 'summary' | 'until' | 'pausedBy' | 'pausedAt' | 'reason'>;

/** In the order in which the callback workers ask. */
function standing({ paused, gone, waitUntilMs, breaker }: Endpoint, nowMs: number): Standing {
  if (paused !== null) {
    const { by, atMs, reason, isOperators } = paused;
    const [who, until] = isOperators ? [`an operator (${by})`, 'an operator resumes it'] : [by, 'it is resumed'];
    const why = reason === null ? '' : `: ${reason}`;
    return {
      ...told('paused', `paused by ${who} at ${iso(atMs)}${why}; nothing is sent until ${until}`),
      ...{ pausedBy: by, pausedAt: iso(atMs), ...(reason !== null && { reason }) },
    };
  }
  if (gone !== null) {
    const summary = `it said at ${iso(gone.atMs)} that it is gone (410); nothing is sent until it is resumed`;
    return { ...told('gone', summary), reason: gone.reason };
  }
  if (waitUntilMs !== null && waitUntilMs > nowMs) {
    const until = iso(waitUntilMs);
    return { ...told('waiting', `it asked (Retry-After) not to be called before ${until}`), until };
  }
  if (breaker === null) return told('free', 'it is called');
  const { reason, untilMs } = breaker;
  const why = describeCause(reason);
  if (untilMs > nowMs) {
    const until = iso(untilMs);
    return { ...told('open', `it failed too often (${why}), and is tried again at ${until}`), until, reason };
  }
  return {
    ...told('half-open', `it failed too often (${why}), and one callback is sent to see whether it is well`),
    reason,
  };
}

function told(condition: EndpointCondition, summary: string): Pick<Standing, 'condition' | 'summary'> {
  return { condition, summary };
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
