import { Router, type RequestHandler } from 'express';
import { switchRequest } from '@juice/contracts';
import { answering } from './answering.ts';
import { actorOf } from './caller.ts';
import type { Gates } from './gates.ts';
import { noQuery } from './no-query.ts';
import { readBodyAs } from './read-admin-request.ts';
import { named, wrongMethod } from './tasks-router.ts';
import type { SwitchBoard } from './turn-switch.ts';

/** Operators stop launching and intake, and drain schedulers. */
export function createSwitchesRouter(deps: {
  switchBoard: SwitchBoard;
  gates: Gates;
  readBody: RequestHandler;
}): Router {
  const { switchBoard, gates } = deps;

  const show = answering(async () => ({ ok: true, answer: await switchBoard.show() }));

  const turn = answering(async (request, response) => {
    const body = readBodyAs(switchRequest, request);
    if (!body.ok) return body;
    return switchBoard.turn(actorOf(request, response), String(request.params['switchName']), body.value);
  });

  const router = Router();
  router
    .route('/v1/admin/switches')
    .all(named('/v1/admin/switches'))
    .get(gates.admin, noQuery, show)
    .all(wrongMethod('GET', 'HEAD'));
  router
    .route('/v1/admin/switches/:switchName')
    .all(named('/v1/admin/switches/{switchName}'))
    .put(gates.admin, noQuery, deps.readBody, turn)
    .all(wrongMethod('PUT'));
  return router;
}
