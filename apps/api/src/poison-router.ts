import { Router, type RequestHandler } from 'express';
import { poisonQuery, redriveRequest } from '@juice/contracts';
import { answering } from './answering.ts';
import type { Audit } from './audit.ts';
import { actorOf } from './caller.ts';
import type { Gates } from './gates.ts';
import { noQuery } from './no-query.ts';
import type { Poison } from './poison.ts';
import { readBodyAs, readQueryAs } from './read-admin-request.ts';
import { named, wrongMethod } from './tasks-router.ts';

/** Operators look at messages that could not be used, and put them back. */
export function createPoisonRouter(deps: {
  poison: Poison;
  gates: Gates;
  audit: Audit;
  readBody: RequestHandler;
}): Router {
  const { poison, gates, audit } = deps;

  const show = answering(async (request) => {
    const query = readQueryAs(poisonQuery, request.query);
    return query.ok ? poison.show(query.value) : query;
  });

  const redrive = answering(async (request, response) => {
    const body = readBodyAs(redriveRequest, request);
    if (!body.ok) return body;
    const what = { action: 'poison.redriven', tenantId: null, target: 'juice.poison', detail: body.value } as const;
    return audit(actorOf(request, response), what, () => poison.redrive(body.value));
  });

  const router = Router();
  router
    .route('/v1/admin/poison')
    .all(named('/v1/admin/poison'))
    .get(gates.admin, show)
    .all(wrongMethod('GET', 'HEAD'));
  router
    .route('/v1/admin/poison/redrive')
    .all(named('/v1/admin/poison/redrive'))
    .post(gates.admin, noQuery, deps.readBody, redrive)
    .all(wrongMethod('POST'));
  return router;
}
