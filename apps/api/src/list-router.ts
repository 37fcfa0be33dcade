import { Router, type RequestHandler } from 'express';
import { listTasksParameters, listTasksQuery } from '@juice/contracts';
import { answering } from './answering.ts';
import { tenantOf } from './caller.ts';
import type { Gates } from './gates.ts';
import type { ListTasks } from './list-tasks.ts';
import { readQueryAs } from './read-admin-request.ts';
import { refuse } from './refusal.ts';
import { named } from './tasks-router.ts';

/**
 * GET /v1/tasks with at least one parameter of a list. Without any it is the original's query by ids, which goes on to the
 * next router.
 */
export function createListRouter(deps: { gates: Gates; listTasks: ListTasks }): Router {
  const onlyLists: RequestHandler = (request, _response, next) => {
    // Not by method: a router that knows a path by some methods alone answers OPTIONS for it.
    const isGet = request.method === 'GET' || request.method === 'HEAD';
    // Express reads the URL anew whenever it is asked for its query.
    const { query } = request;
    next(isGet && listTasksParameters.some((name) => name in query) ? undefined : 'route');
  };

  const list = answering(async (request, response) => {
    if ('taskIds' in request.query) {
      const message = `taskIds must not be given together with ${listTasksParameters.join(', ')}: those make it a list`;
      return refuse('invalid', { member: 'taskIds', code: 'BAD_REQUEST', message });
    }
    const query = readQueryAs(listTasksQuery, request.query);
    if (!query.ok) return query;
    return { ok: true, answer: await deps.listTasks(tenantOf(response).tenantId, query.value) };
  });

  const router = Router();
  router.route('/v1/tasks').all(onlyLists, named('/v1/tasks'), deps.gates.tenant, list);
  return router;
}
