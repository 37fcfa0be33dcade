import { Router, type IRouter, type Request, type RequestHandler } from 'express';
import type { KillRequest } from '@juice/contracts';
import { answerData, answerRefusal, markReplay } from './answer.ts';
import { tenantOf } from './caller.ts';
import type { FindTasks } from './find-tasks.ts';
import type { Gates } from './gates.ts';
import type { KillTask } from './kill-task.ts';
import { checkMediaType, readJson, readTaskId, readTaskIds } from './read-request.ts';
import { readSubmission } from './read-submission.ts';
import type { ReconcileTasks } from './reconcile-tasks.ts';
import { refuse, type Refusal } from './refusal.ts';
import { factsOf } from './request-facts.ts';
import type { SubmitTask } from './submit-task.ts';

export interface TaskRoutes {
  readonly submitTask: SubmitTask;
  readonly findTasks: FindTasks;
  readonly killTask: KillTask;
  readonly reconcileTasks: ReconcileTasks;
}

/** The seed's other routes: parse, call, respond. */
export function createTasksRouter(
  deps: Omit<TaskRoutes, 'submitTask'>,
  { gates, readBody }: { gates: Gates; readBody: RequestHandler },
): Router {
  const router = Router();

  const find: RequestHandler = async (request, response) => {
    const taskIds = readTaskIds(request.query['taskIds']);
    if (!taskIds.ok) return answerRefusal(response, taskIds);
    const found = await deps.findTasks(tenantOf(response).tenantId, taskIds.value);
    if (!found.ok) return answerRefusal(response, found);
    answerData(response, found.value);
  };

  const kill: RequestHandler = async (request, response) => {
    const taskId = readTaskId(request.query['taskId']);
    if (!taskId.ok) return answerRefusal(response, taskId);
    const meant = refuseFilter(request);
    if (meant !== null) return answerRefusal(response, meant);
    const facts = factsOf(response);
    facts.taskId = taskId.value;
    const killed = await deps.killTask(tenantOf(response).tenantId, taskId.value);
    if (!killed.ok) return answerRefusal(response, killed);
    answerData(response, killed.answer);
  };

  const reconcile: RequestHandler = async (request, response) => {
    const taskIds = readTaskIds(request.query['taskIds']);
    if (!taskIds.ok) return answerRefusal(response, taskIds);
    const asked = await deps.reconcileTasks(tenantOf(response).tenantId, taskIds.value);
    if (!asked.ok) return answerRefusal(response, asked);
    answerData(response, asked.answer);
  };

  router
    .route('/v1/tasks')
    .all(named('/v1/tasks'))
    .get(gates.tenant, find)
    .all(wrongMethod('GET', 'HEAD', 'POST'));
  router
    .route('/v1/tasks/kill')
    .all(named('/v1/tasks/kill'))
    .post(gates.tenant, readBody, kill)
    .all(wrongMethod('POST'));
  router
    .route('/v1/tasks/reconcile')
    .all(named('/v1/tasks/reconcile'))
    .post(gates.tenant, reconcile)
    .all(wrongMethod('POST'));
  return router;
}

const filterMembers: readonly string[] = ['filter', 'dryRun', 'limit', 'cursor'] satisfies (keyof KillRequest)[];

/**
 * The original's clients may send other parameters with a kill, and bodies that say nothing. What belongs to a kill by filter is not
 * passed over all the same: whoever asks for a dry run must not kill.
 */
function refuseFilter({ query, body }: Request): Refusal | null {
  const read = readJson(body);
  const given = [...Object.keys(query), ...(read.ok ? Object.keys(Object(read.value) as object) : [])];
  const member = given.find((name) => filterMembers.includes(name));
  if (member === undefined) return null;
  const message = `${member} must be left out beside taskId: it belongs to a kill by filter, in the body alone`;
  return refuse('invalid', { member, code: 'BAD_REQUEST', message });
}

/** POST /v1/tasks, before all others: most requests are submissions, and each router on the way costs them a little. */
export function addSubmitRoute(
  app: IRouter,
  deps: { submitTask: SubmitTask; gates: Gates; readBody: RequestHandler },
): void {
  const submit: RequestHandler = async (request, response) => {
    const body = readJson(request.body);
    if (!body.ok) return answerRefusal(response, body);
    const submission = readSubmission(request, response, body.value);
    if (!submission.ok) return answerRefusal(response, submission);
    const submitted = await deps.submitTask(submission.value);
    if (!submitted.ok) return answerRefusal(response, submitted);
    factsOf(response).taskId = submitted.taskId;
    if (submitted.isReplay) markReplay(response);
    answerData(response, { taskId: submitted.taskId, taskIdStr: String(submitted.taskId) });
  };

  // Not by method alone: a router that knows a path by some methods answers OPTIONS for it.
  const onlyPosts: RequestHandler = (request, response, next) => {
    factsOf(response).route = '/v1/tasks';
    next(request.method === 'POST' ? undefined : 'route');
  };

  app.route('/v1/tasks').all(onlyPosts).post(deps.gates.tenant, requireJson, deps.readBody, submit);
}

/** The route as declared, for log and metrics. */
export function named(route: string): RequestHandler {
  return (_request, response, next) => {
    factsOf(response).route = route;
    next();
  };
}

export const requireJson: RequestHandler = (request, response, next) => {
  const refusal = checkMediaType(request.get('content-type'));
  if (refusal !== null) return answerRefusal(response, refusal);
  next();
};

export function wrongMethod(...allow: readonly string[]): RequestHandler {
  return (request, response) => {
    const message = `the method must be one of ${allow.join(', ')}, not ${request.method}`;
    const refusal: Refusal = refuse('wrong-method', { member: 'method', code: 'BAD_REQUEST', message });
    answerRefusal(response, { ...refusal, allow });
  };
}
