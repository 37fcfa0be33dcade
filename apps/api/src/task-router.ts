import { Router, type Request, type RequestHandler, type Response } from 'express';
import { pageLimit, taskCallbacksQuery, type TaskId } from '@juice/contracts';
import { answering, type Outcome } from './answering.ts';
import { tenantOf } from './caller.ts';
import type { ExplainTask } from './explain-task.ts';
import type { Gates } from './gates.ts';
import { noQuery } from './no-query.ts';
import { readQueryAs } from './read-admin-request.ts';
import { readJson, readTaskIdOfPath } from './read-request.ts';
import { readSubmission } from './read-submission.ts';
import { factsOf } from './request-facts.ts';
import type { RerunTask } from './rerun-task.ts';
import type { ShowCallbacks } from './show-callbacks.ts';
import type { ShowTask } from './show-task.ts';
import { named, requireJson, wrongMethod } from './tasks-router.ts';

/** The routes of one task. Behind all others below /v1/tasks: what is none of those words is an id. */
export function createTaskRouter(deps: {
  gates: Gates;
  readBody: RequestHandler;
  showTask: ShowTask;
  explainTask: ExplainTask;
  showCallbacks: ShowCallbacks;
  rerunTask: RerunTask;
}): Router {
  const { gates } = deps;

  const show = ofTask((taskId, _request, response) => deps.showTask(tenantOf(response).tenantId, taskId));

  const why = ofTask((taskId, _request, response) => deps.explainTask(tenantOf(response).tenantId, taskId));

  const callbacks = ofTask(async (taskId, request, response) => {
    const query = readQueryAs(taskCallbacksQuery, request.query);
    if (!query.ok) return query;
    const { cursor: before = null, limit = pageLimit.default } = query.value;
    return deps.showCallbacks(tenantOf(response).tenantId, taskId, { before, limit });
  });

  const rerun = ofTask(async (taskId, request, response) => {
    const body = hasBody(request) ? readJson(request.body) : { ok: true as const, value: {} };
    if (!body.ok) return body;
    const submission = readSubmission(request, response, body.value);
    return submission.ok ? deps.rerunTask({ ...submission.value, taskId }) : submission;
  });

  const router = Router();
  router
    .route('/v1/tasks/:taskId')
    .all(named('/v1/tasks/{taskId}'))
    .get(gates.tenant, noQuery, show)
    .all(wrongMethod('GET', 'HEAD'));
  router
    .route('/v1/tasks/:taskId/why')
    .all(named('/v1/tasks/{taskId}/why'))
    .get(gates.tenant, noQuery, why)
    .all(wrongMethod('GET', 'HEAD'));
  router
    .route('/v1/tasks/:taskId/callbacks')
    .all(named('/v1/tasks/{taskId}/callbacks'))
    .get(gates.tenant, callbacks)
    .all(wrongMethod('GET', 'HEAD'));
  router
    .route('/v1/tasks/:taskId/rerun')
    .all(named('/v1/tasks/{taskId}/rerun'))
    .post(gates.tenant, noQuery, requireJson, deps.readBody, rerun)
    .all(wrongMethod('POST'));
  return router;
}

function hasBody({ body }: Request): boolean {
  return Buffer.isBuffer(body) && body.length > 0;
}

/** A handler of what is done with the task that the path names. */
function ofTask(act: (taskId: TaskId, request: Request, response: Response) => Promise<Outcome>): RequestHandler {
  return answering(async (request, response) => {
    const taskId = readTaskIdOfPath(request.params['taskId']);
    if (!taskId.ok) return taskId;
    factsOf(response).taskId = taskId.value;
    return act(taskId.value, request, response);
  });
}
