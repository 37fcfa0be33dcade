import { Router, type RequestHandler } from 'express';
import { answering } from './answering.ts';
import type { Gates } from './gates.ts';
import { noQuery } from './no-query.ts';
import { readJson } from './read-request.ts';
import { readSubmission } from './read-submission.ts';
import type { SubmitBatch } from './submit-batch.ts';
import { named, requireJson, wrongMethod } from './tasks-router.ts';

/** POST /v1/tasks/batch. Its body may be larger than others. */
export function createBatchRouter(deps: { gates: Gates; readBody: RequestHandler; submitBatch: SubmitBatch }): Router {
  const submit = answering(async (request, response) => {
    const body = readJson(request.body);
    if (!body.ok) return body;
    const submission = readSubmission(request, response, body.value);
    return submission.ok ? deps.submitBatch(submission.value) : submission;
  });

  const router = Router();
  router
    .route('/v1/tasks/batch')
    .all(named('/v1/tasks/batch'))
    .post(deps.gates.tenant, noQuery, requireJson, deps.readBody, submit)
    .all(wrongMethod('POST'));
  return router;
}
