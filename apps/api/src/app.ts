import type { RequestListener } from 'node:http';
import cors from 'cors';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import { answerHealth, type HealthChecks } from '@juice/runtime';
import type { Audit } from './audit.ts';
import { createCallbacksRouter } from './callbacks-router.ts';
import type { CallbackRoutes } from './callback-routes.ts';
import { createBegin, type BeginDeps } from './begin-request.ts';
import { operatorSurface, tenantSurface } from './callback-surfaces.ts';
import { setCommonHeaders } from './common-headers.ts';
import { createAdminRouter, type Administration } from './admin-router.ts';
import { answerError, answerRefusal, tooLarge } from './answer.ts';
import type { AskLeader } from './ask-leader.ts';
import { createEventsRouter, type EventRoutes } from './events-router.ts';
import type { Gates } from './gates.ts';
import { createOwnPathsRouter, createSharedPathsRouter, type MoreTaskRoutes } from './more-task-routes.ts';
import { createOwnTenantRouter, type OperatorRules } from './own-tenant-router.ts';
import { createPoisonRouter } from './poison-router.ts';
import type { Poison } from './poison.ts';
import type { ReadStatus } from './read-status.ts';
import { createReferenceRouter } from './reference/reference-router.ts';
import { refuse } from './refusal.ts';
import { factsOf } from './request-facts.ts';
import { shortenValue } from './shorten-value.ts';
import { createSwitchesRouter } from './switches-router.ts';
import { addSubmitRoute, createTasksRouter, wrongMethod, type TaskRoutes } from './tasks-router.ts';
import { createUsageRouter, type UsageFinder } from './usage-router.ts';
import type { SwitchBoard } from './turn-switch.ts';

export interface AppDeps extends TaskRoutes, MoreTaskRoutes, EventRoutes, BeginDeps {
  readonly gates: Gates;
  readonly administration: Administration;
  readonly audit: Audit;
  readonly callbackRoutes: CallbackRoutes;
  readonly poison: Poison;
  readonly usage: UsageFinder;
  readonly switchBoard: SwitchBoard;
  readonly readStatus: ReadStatus;
  readonly leader: AskLeader;
  readonly operator: OperatorRules;
  /** Whose pages may call from a browser; none: the headers are not even sent. */
  readonly corsOrigins: readonly string[];
  readonly bodyLimitBytes: number;
  readonly batchLimitBytes: number;
  readonly health: HealthChecks;
}

/** Answers requests; `router` has all routes. */
export interface App extends RequestListener {
  readonly router: Express['router'];
}

/**
 * The HTTP application: every answer is JSON in the original's envelope (metrics apart), whatever was asked; every
 * request is one `http.answered` line. It never listens.
 */
export function createApp(deps: AppDeps): App {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  if (deps.corsOrigins.length > 0) app.use(allowOrigins(deps.corsOrigins));
  const { gates, administration, operator, leader, stopping } = deps;
  const readBody = readBytes(deps.bodyLimitBytes);
  addSubmitRoute(app, { ...deps, readBody });
  app.use(createSharedPathsRouter(deps, { gates, readBody }));
  app.use(createTasksRouter(deps, { gates, readBody }));
  app.use(createOwnPathsRouter(deps, { gates, readBody, readBatch: readBytes(deps.batchLimitBytes), stopping }));
  app.use(createEventsRouter(deps));
  for (const surface of [tenantSurface(gates.tenant, deps.audit), operatorSurface(gates.admin, deps.audit)])
    app.use(createCallbacksRouter(deps.callbackRoutes, { surface, readBody, stopping }));
  app.use(createOwnTenantRouter({ gates, readBody, administration, operator }));
  app.use(createAdminRouter({ ...administration, leader, readStatus: deps.readStatus, gates, readBody }));
  app.use(createPoisonRouter({ ...deps, readBody }));
  app.use(createUsageRouter({ gates, usage: deps.usage, now: administration.now }));
  app.use(createSwitchesRouter({ ...deps, readBody }));
  app.use(createReferenceRouter(operator.limits));
  for (const path of ['/livez', '/readyz', '/metrics']) {
    app.route(path).get(health(path, deps.health)).all(wrongMethod('GET', 'HEAD'));
  }
  app.use(unknownRoute);
  const onError: ErrorRequestHandler = (error: unknown, _request, response, _next) => answerError(response, error);
  app.use(onError);
  const begin = createBegin(deps);
  const listener: RequestListener = (request, response) => {
    begin(request, response);
    app(request, response);
  };
  return Object.assign(listener, { router: app.router });
}

function allowOrigins(origins: readonly string[]): RequestHandler {
  const allow = cors({
    origin: origins.includes('*') ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    exposedHeaders: [
      ...['etag', 'retry-after', 'x-request-id', 'idempotency-replayed'],
      ...['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset', 'ratelimit-policy'],
    ],
    maxAge: 600,
  });
  return (request, response, next) => {
    // What a browser asks beforehand is answered by the package.
    if (request.method === 'OPTIONS') setCommonHeaders(response);
    allow(request, response, next);
  };
}

function readBytes(limit: number): RequestHandler {
  const read = express.raw({ type: () => true, limit });
  return (request, response, next) => {
    if (Number(request.headers['content-length'] ?? 0) <= limit) return void read(request, response, next);
    answerRefusal(response, tooLarge(limit));
    // Whoever sends it all the same hears the answer only if that is taken in.
    request.resume();
  };
}

function health(path: string, checks: HealthChecks): RequestHandler {
  return async (_request, response) => {
    factsOf(response).route = path;
    const answer = await answerHealth(path, checks);
    if (answer === null) return refuseRoute(path, response);
    setCommonHeaders(response);
    response.statusCode = answer.status;
    response.setHeader('content-type', answer.contentType);
    response.setHeader('content-length', Buffer.byteLength(answer.body));
    response.end(answer.body);
  };
}

const unknownRoute: RequestHandler = (request, response) => refuseRoute(request.path, response);

function refuseRoute(path: string, response: Parameters<RequestHandler>[1]): void {
  const message = `the path must be one of this API, not ${shortenValue(path)}`;
  answerRefusal(response, refuse('no-route', { member: 'path', code: 'BAD_REQUEST', message }));
}
