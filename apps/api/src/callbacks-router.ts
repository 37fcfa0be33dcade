import { Router, type Request, type RequestHandler, type Response } from 'express';
import {
  callbackIdRight,
  InvariantBroken,
  parseCallbackId,
  replaysQuery,
  replayWordRequest,
  type CallbackId,
  type DeadGroupsQuery,
  type DeadQuery,
  type ReplayRequest,
} from '@juice/contracts';
import type { z } from 'zod';
import { answering, type Outcome } from './answering.ts';
import { askerOf, tenantMeant, type Asker } from './asker.ts';
import type { Acted, AuditedAction } from './audit.ts';
import type { CallbackRoutes } from './callback-routes.ts';
import { noQuery } from './no-query.ts';
import { readBodyAs, readOptionalBodyAs, readQueryAs } from './read-admin-request.ts';
import type { Read } from './read-request.ts';
import { refuse, type Refusal } from './refusal.ts';
import { factsOf } from './request-facts.ts';
import { keyedRequest, readKeyOf } from './request-key.ts';
import { overOf } from './request-over.ts';
import { shortenValue } from './shorten-value.ts';
import { named, wrongMethod } from './tasks-router.ts';
import { viewChoice } from './view-replay.ts';
import { choiceOf } from './find-dead.ts';

interface EndpointRequest {
  readonly tenant?: string | undefined;
  readonly endpoint: string;
  readonly reason?: string | undefined;
}
interface PageRequest {
  readonly tenant?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

/** A way to the same routes: a tenant's, about its own callbacks; or operators', about everybody's. */
export interface CallbackSurface {
  readonly base: '/v1/callbacks' | '/v1/admin/callbacks';
  readonly gate: RequestHandler;
  readonly requests: {
    readonly dead: z.ZodType<DeadQuery>;
    readonly groups: z.ZodType<DeadGroupsQuery>;
    readonly replay: z.ZodType<ReplayRequest>;
    readonly endpoints: z.ZodType<PageRequest>;
    readonly pause: z.ZodType<EndpointRequest>;
    readonly resume: z.ZodType<EndpointRequest>;
    readonly test: z.ZodType<{ readonly tenant?: string | undefined; readonly url: string }>;
  };
  /** Does something that is kept in the audit trail. */
  readonly audited: <Answer>(
    request: Request,
    response: Response,
    what: AuditedAction,
    act: () => Promise<Acted<Answer>>,
  ) => Promise<Acted<Answer>>;
}

/** Dead callbacks, replays, endpoints and tests of receivers: parse, call, respond. */
export function createCallbacksRouter(
  routes: CallbackRoutes,
  deps: {
    readonly surface: CallbackSurface;
    readonly readBody: RequestHandler;
    /** Once aborted, nothing is waited for any more. */
    readonly stopping: AbortSignal;
  },
): Router {
  const { readBody, stopping } = deps;
  const { base, gate, requests, audited } = deps.surface;
  const router = Router();

  function add(path: string, { get, isPlain = false, post }: Methods): void {
    const at = `${base}${path}`;
    const handled = (act: Act): RequestHandler =>
      answering((request, response) => act(askerOf(response), request, response));
    const route = router.route(at).all(named(at.replaceAll(/:(\w+)/g, '{$1}')));
    if (get !== undefined) route.get(gate, ...(isPlain ? [noQuery] : []), handled(get));
    if (post !== undefined) route.post(gate, noQuery, readBody, handled(post));
    route.all(wrongMethod(...(get === undefined ? [] : ['GET', 'HEAD']), ...(post === undefined ? [] : ['POST'])));
  }

  const get = (path: string, act: Act): void => add(path, { get: act });
  /** Without parameters. */
  const getPlain = (path: string, act: Act): void => add(path, { get: act, isPlain: true });
  const post = (path: string, act: Act): void => add(path, { post: act });

  get('/dead', async (asker, request) => {
    const query = readQueryAs(requests.dead, request.query);
    return query.ok ? routes.findDead.list(asker, query.value) : query;
  });

  get('/dead-groups', async (asker, request) => {
    const query = readQueryAs(requests.groups, request.query);
    return query.ok ? routes.findDead.groups(asker, query.value) : query;
  });

  const listReplays: Act = async (asker, request) => {
    const query = readQueryAs(replaysQuery, request.query);
    return query.ok ? routes.replays.list(asker, query.value) : query;
  };

  const createReplay: Act = async (asker, request, response) => {
    const body = readBodyAs(requests.replay, request);
    if (!body.ok) return body;
    if (body.value.dryRun === true) return routes.replays.tell(asker, body.value);
    const key = readKeyOf(request);
    if (!key.ok) return key;
    const of = { tenantId: asker.tenantId ?? '', route: `POST ${base}/replays`, body: body.value };
    const keyed = key.value === null ? null : keyedRequest(key.value, of);
    const { ids, filter, group, reason, ratePerSecond } = body.value;
    const choice = viewChoice(choiceOf(asker, { ...filter, ...(group !== undefined && { group }) }));
    const detail = { ...choice, ...(ids !== undefined && { ids: ids.length }), ratePerSecond, reason };
    const what = { action: 'replay.created', tenantId: choice.tenant ?? null, target: 'callbacks', detail } as const;
    return audited(request, response, what, () => routes.replays.create(asker, body.value, keyed));
  };
  add('/replays', { get: listReplays, post: createReplay });

  getPlain('/replays/:replayId', async (asker, request) =>
    routes.replays.show(asker, String(request.params['replayId'])),
  );

  for (const [action, kept] of [
    ['pause', 'replay.paused'],
    ['resume', 'replay.resumed'],
    ['cancel', 'replay.cancelled'],
  ] as const) {
    post(`/replays/:replayId/${action}`, async (asker, request, response) => {
      const body = readOptionalBodyAs(replayWordRequest, request);
      if (!body.ok) return body;
      const replayId = String(request.params['replayId']);
      const reason = body.value.reason ?? null;
      const what = { action: kept, tenantId: null, target: shortenTarget(replayId), detail: { reason } };
      return audited(request, response, what, () => routes.replays.change(asker, replayId, { action, reason }));
    });
  }

  get('/endpoints', async (asker, request) => {
    const query = readQueryAs(requests.endpoints, request.query);
    return query.ok ? routes.endpoints.list(asker, query.value) : query;
  });

  for (const [action, kept] of [
    ['pause', 'endpoint.paused'],
    ['resume', 'endpoint.resumed'],
  ] as const) {
    post(`/endpoints/${action}`, async (asker, request, response) => {
      const body = readBodyAs(requests[action], request);
      if (!body.ok) return body;
      const reason = body.value.reason ?? null;
      const endpoint = { tenantId: tenantNamed(asker, body.value), origin: body.value.endpoint };
      const { tenantId, origin } = endpoint;
      const what = { action: kept, tenantId, target: origin, detail: { reason } };
      return audited(request, response, what, () =>
        action === 'pause' ? routes.endpoints.pause(asker, endpoint, reason) : routes.endpoints.resume(asker, endpoint),
      );
    });
  }

  post('/test', async (asker, request, response) => {
    const body = readBodyAs(requests.test, request);
    if (!body.ok) return body;
    const { url } = body.value;
    const tenantId = tenantNamed(asker, body.value);
    // Without what may be a secret in its query.
    const target = URL.canParse(url) ? new URL(url).origin : 'no-url';
    const what = { action: 'callback.tested', tenantId, target, detail: {} } as const;
    return audited(request, response, what, () => routes.testReceiver(tenantId, url, overOf(response, stopping)));
  });

  getPlain(
    '/:callbackId',
    ofCallback((asker, id) => routes.showCallback(asker.tenantId, id)),
  );
  getPlain(
    '/:callbackId/explain',
    ofCallback((asker, id) => routes.explainCallback(asker.tenantId, id)),
  );
  return router;
}

type Act = (asker: Asker, request: Request, response: Response) => Promise<Outcome>;

/** What a path has; `isPlain`: its GET has no parameters. */
interface Methods {
  readonly get?: Act;
  readonly isPlain?: boolean;
  readonly post?: Act;
}

/** An operator's request must name the tenant, or it is refused by its schema before. */
function tenantNamed(asker: Asker, given: { readonly tenant?: string | undefined }): string {
  const tenantId = tenantMeant(asker, given);
  if (tenantId === null) throw new InvariantBroken('a request about one tenant that names none');
  return tenantId;
}

function ofCallback(act: (asker: Asker, id: CallbackId) => Promise<Outcome>): Act {
  return async (asker, request, response) => {
    const id = readCallbackId(request.params['callbackId']);
    if (!id.ok) return id;
    factsOf(response).taskId = id.value.taskId;
    return act(asker, id.value);
  };
}

function readCallbackId(parameter: unknown): Read<CallbackId> {
  const id = typeof parameter === 'string' ? parseCallbackId(parameter) : null;
  return id === null ? noCallbackId(parameter) : { ok: true, value: id };
}

function noCallbackId(parameter: unknown): Refusal {
  const value = shortenValue(parameter);
  const message = `callbackId in the path must be ${callbackIdRight}, not ${value}`;
  return refuse('invalid', { member: 'callbackId', code: 'DATA_FORMAT', message, value });
}

/** What is kept of a path that anybody may have made up. */
function shortenTarget(replayId: string): string {
  return replayId.slice(0, 64);
}
