import { Router, type RequestHandler } from 'express';
import { killIdsQuery, killRequest, noMembers } from '@juice/contracts';
import { answering } from './answering.ts';
import { tenantOf } from './caller.ts';
import type { Gates } from './gates.ts';
import type { KillByFilter } from './kill-by-filter.ts';
import type { KillTasks } from './kill-tasks.ts';
import { readBodyAs, readOptionalBodyAs, readQueryAs } from './read-admin-request.ts';
import { readTaskIds } from './read-request.ts';
import { refuse } from './refusal.ts';
import { named } from './tasks-router.ts';

/**
 * POST /v1/tasks/kill for several tasks: by `taskIds`, or by a filter in the body. With `taskId`, and with none of the three,
 * it is the original's, which goes on to the next router.
 */
export function createKillRouter(deps: {
  gates: Gates;
  readBody: RequestHandler;
  killTasks: KillTasks;
  killByFilter: KillByFilter;
}): Router {
  const onlyIds: RequestHandler = (request, _response, next) => {
    next(request.method === 'POST' && 'taskIds' in request.query ? undefined : 'route');
  };

  const killAll = answering(async (request, response) => {
    if ('taskId' in request.query) {
      const message = 'taskIds must not be given together with taskId';
      return refuse('invalid', { member: 'taskIds', code: 'BAD_REQUEST', message });
    }
    const query = readQueryAs(killIdsQuery, request.query);
    if (!query.ok) return query;
    const body = readOptionalBodyAs(noMembers, request);
    if (!body.ok) return body;
    const taskIds = readTaskIds(query.value.taskIds);
    if (!taskIds.ok) return taskIds;
    return { ok: true, answer: await deps.killTasks(tenantOf(response).tenantId, taskIds.value) };
  });

  const onlyBodies: RequestHandler = (request, _response, next) => {
    const hasBody =
      request.headers['transfer-encoding'] !== undefined || Number(request.get('content-length') ?? 0) > 0;
    const isChosen = request.method === 'POST' && hasBody && !('taskId' in request.query);
    next(isChosen ? undefined : 'route');
  };

  const killChosen = answering(async (request, response) => {
    const query = readQueryAs(noMembers, request.query);
    if (!query.ok) return query;
    const asked = readBodyAs(killRequest, request);
    return asked.ok ? deps.killByFilter(tenantOf(response).tenantId, asked.value) : asked;
  });

  const router = Router();
  const path = '/v1/tasks/kill';
  router.all(path, onlyIds, named(path), deps.gates.tenant, deps.readBody, killAll);
  router.all(path, onlyBodies, named(path), deps.gates.tenant, deps.readBody, killChosen);
  return router;
}
