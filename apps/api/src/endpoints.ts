import { pageLimit, type EndpointAnswer, type EndpointsAnswer } from '@juice/contracts';
import { endpointOf, unknownEndpoint, type EndpointChange, type EndpointStore } from '@juice/persistence';
import type { Acted } from './audit.ts';
import { tenantMeant, type Asker } from './asker.ts';
import { readPlaceCursor, writePlaceCursor } from './place-cursor.ts';
import { refuse, type Refusal } from './refusal.ts';
import { viewEndpoint } from './view-endpoint.ts';

/** A tenant's receivers at one origin. */
export interface NamedEndpoint {
  readonly tenantId: string;
  readonly origin: string;
}

/** How endpoints stand, and what people say to them. The workers heed a change within two seconds. Throws DependencyFailure. */
export interface Endpoints {
  list(
    asker: Asker,
    query: {
      readonly tenant?: string | undefined;
      readonly cursor?: string | undefined;
      readonly limit?: number | undefined;
    },
  ): Promise<{ readonly ok: true; readonly answer: EndpointsAnswer } | Refusal>;
  pause(asker: Asker, named: NamedEndpoint, reason: string | null): Promise<Acted<EndpointAnswer>>;
  /** Whatever kept it from being called ends. What an operator has paused, operators alone resume. */
  resume(asker: Asker, named: NamedEndpoint): Promise<Acted<EndpointAnswer>>;
}

export function createEndpoints(deps: {
  endpoints: Pick<EndpointStore, 'endpointsAfter' | 'pauseEndpoint' | 'resumeEndpoint'>;
  now: () => number;
}): Endpoints {
  const { endpoints, now } = deps;
  return {
    async list(asker, { cursor, limit = pageLimit.default, tenant }) {
      const after = readPlaceCursor(cursor, /^\S+ \S+$/);
      if (!after.ok) return after;
      const found = await endpoints.endpointsAfter(tenantMeant(asker, { tenant }), after.value, limit + 1);
      const page = found.slice(0, limit);
      const last = page.at(-1);
      const answer = {
        endpoints: page.map((endpoint) => viewEndpoint(endpoint, now())),
        ...(found.length > limit && last !== undefined && { nextCursor: writePlaceCursor(last.endpoint) }),
      };
      return { ok: true, answer };
    },
    async pause({ tenantId, by }, named, reason) {
      const pause = { by, reason, atMs: now(), isOperators: tenantId === null };
      return answerOf(await endpoints.pauseEndpoint(nameOf(named), pause));
    },
    async resume({ tenantId }, named) {
      const resuming = { atMs: now(), isOperators: tenantId === null };
      const unknown = { kind: 'changed', endpoint: unknownEndpoint(nameOf(named)) } as const;
      return answerOf((await endpoints.resumeEndpoint(nameOf(named), resuming)) ?? unknown);
    },
  };

  function answerOf({ kind, endpoint }: EndpointChange): Acted<EndpointAnswer> {
    const answer = viewEndpoint(endpoint, now());
    return kind === 'changed' ? { ok: true, answer } : keptByOperator(answer);
  }
}

function keptByOperator({ endpoint, summary }: EndpointAnswer): Refusal {
  const message = `endpoint must be one that no operator has paused: ${endpoint} is ${summary}`;
  return refuse('conflict', { member: 'endpoint', code: 'NO_PERMISSION', message, value: endpoint });
}

function nameOf({ tenantId, origin }: NamedEndpoint): string {
  return endpointOf(tenantId, origin);
}
