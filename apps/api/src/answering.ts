import type { Request, RequestHandler, Response } from 'express';
import { answerData, answerRefusal, markReplay } from './answer.ts';
import { readTenantOfPath } from './read-admin-request.ts';
import type { Refusal } from './refusal.ts';

/** `isReplay`: the answer was given before, to the same request. */
export type Outcome = { readonly ok: true; readonly answer: unknown; readonly isReplay?: boolean } | Refusal;

/** A handler whose outcome is a value: the data of the answer, or a refusal. */
export function answering(act: (request: Request, response: Response) => Promise<Outcome>): RequestHandler {
  return async (request, response) => {
    const outcome = await act(request, response);
    if (!outcome.ok) return answerRefusal(response, outcome);
    if (outcome.isReplay === true) markReplay(response);
    answerData(response, outcome.answer);
  };
}

/** The same for what is done to the tenant that the path names. */
export function answeringForTenant(
  act: (tenantId: string, request: Request, response: Response) => Promise<Outcome>,
): RequestHandler {
  return answering(async (request, response) => {
    const tenantId = readTenantOfPath(request.params['tenantId']);
    return tenantId.ok ? act(tenantId.value, request, response) : tenantId;
  });
}
