import { Router, type Request, type RequestHandler } from 'express';
import type { TaskId } from '@juice/contracts';
import { answerRefusal } from './answer.ts';
import { tenantOf } from './caller.ts';
import type { EventStreams } from './event-streams.ts';
import type { Gates } from './gates.ts';
import { readBeginning } from './read-events-request.ts';
import { readTaskIdOfPath } from './read-request.ts';
import { factsOf } from './request-facts.ts';
import { named, wrongMethod } from './tasks-router.ts';

export interface EventRoutes {
  readonly eventStreams: Pick<EventStreams, 'serve'>;
}

/** Streams of events, of all of a tenant's tasks or of one. */
export function createEventsRouter(deps: EventRoutes & { gates: Gates }): Router {
  const { eventStreams, gates } = deps;
  const router = Router();

  async function serve(request: Request, response: Parameters<RequestHandler>[1], taskId: TaskId | null) {
    const beginning = readBeginning(request.get('last-event-id'), request.query);
    if (!beginning.ok) return answerRefusal(response, beginning);
    factsOf(response).isStream = true;
    const wish = { tenantId: tenantOf(response).tenantId, taskId, beginning: beginning.value };
    const outcome = await eventStreams.serve(wish, response, () => gates.isStillIn(request));
    // To a client of server-sent events: do not come again.
    if (outcome === 'over') response.status(204).end();
    else if (outcome !== 'served') answerRefusal(response, outcome);
  }

  const all: RequestHandler = (request, response) => serve(request, response, null);
  const ofTask: RequestHandler = (request, response) => {
    const taskId = readTaskIdOfPath(request.params['taskId']);
    if (!taskId.ok) return answerRefusal(response, taskId);
    factsOf(response).taskId = taskId.value;
    return serve(request, response, taskId.value);
  };

  for (const [path, route, handle] of [
    ['/v1/events', '/v1/events', all],
    ['/v1/tasks/:taskId/events', '/v1/tasks/{taskId}/events', ofTask],
  ] as const) {
    // A HEAD would never end.
    router.route(path).all(named(route)).head(wrongMethod('GET')).get(gates.tenant, handle).all(wrongMethod('GET'));
  }
  return router;
}
